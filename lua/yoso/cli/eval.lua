-- yoso eval: a model on a task's data, its scores on standard output and as JSON.
local arguments = require "yoso.arguments"
local evaluate = require "yoso.evaluate"
local outcomes = require "yoso.cli.outcome"
local pipelines = require "yoso.cli.pipelines"
local support = require "yoso.cli.support"
local tasks = require "yoso.tasks"

local M = {summary = "score a model on a task's data"}

M.examples = {"yoso eval --task sst2 --data glue/SST-2 --json scores.json",
    "yoso eval --model DIR --task text-classification --data mine.csv --column text=review"}

local function column(text)
    local name, value = text:match("^(%w+)=(.+)$")
    if not name then
        return nil, ("'%s' is not NAME=COLUMN"):format(text)
    end
    return {name, value}
end

function M.configure(parser)
    parser:option("--task -t", "What to evaluate on: " .. table.concat(tasks.names(), " ") .. ".")
        :argname("NAME"):count(1)
    parser:option("--data -d", "Folder with the task's files, or one file."):argname("PATH")
        :count(1)
    pipelines.configure_model(parser)
    parser:option("--split", "Which split (default: the one the task reports on).")
        :argname("NAME")
    parser:option("--json", "Write the scores there."):argname("FILE")
    parser:option("--predictions", "Write each prediction there, as JSON lines."):argname("FILE")
    parser:option("--limit", "Only the first N examples."):argname("N"):convert(arguments.whole(1))
    pipelines.configure_answers(parser)
    parser:option("--column", "Which column holds what, such as text=review (own tables).")
        :argname("NAME=COLUMN"):convert(column):count("*")
end

local function percent(value)
    return ("%.2f"):format(100 * value)
end

-- Scores that are shares are told in percent; SQuAD's already are, the others as they are.
local function format_score(name, value, task)
    if name == "loss" or name == "perplexity" then
        return ("%.4f"):format(value)
    elseif task.kind == "question-answering" then
        return ("%.2f"):format(value)
    end
    return percent(value)
end

local function show(result, task)
    print(("%s %s, %d examples"):format(result.task, result.split, result.examples))
    for _, name in ipairs(task.metrics) do
        if result[name] then
            local low, high = unpack(result.intervals[name])
            print(("  %-12s %s   (95 %%: %s to %s)%s"):format(name,
                format_score(name, result[name], task), format_score(name, low, task),
                format_score(name, high, task), name == "accuracy"
                    and ("   %d of %d"):format(result.correct, result.total) or ""))
        end
    end
    print(("  %.1f s, %.0f examples/s, %.0f tokens/s, %d cut at %d tokens"):format(result.seconds,
        result.examples_per_second, result.tokens_per_second, result.truncated,
        result.max_length))
end

function M.run(args)
    local task, failure = tasks.find(args.task)
    if not task then
        return support.fail(failure)
    end
    local model
    model, failure = pipelines.model_path(args, task.name == "sst2" and "sentiment" or nil)
    if not model then
        return support.fail(failure)
    end
    local options = pipelines.options(args)
    options.model, options.task, options.data, options.split = model, args.task, args.data,
        args.split
    options.limit, options.predictions = args.limit, args.predictions
    options.handle_impossible_answer = args.handle_impossible_answer
    options.warn = nil -- texts that were cut are counted among the scores
    for _, pair in ipairs(args.column) do
        options.columns = options.columns or {}
        options.columns[pair[1]] = pair[2]
    end
    local outcome
    outcome, failure = outcomes.open(args.json)
    if not outcome then
        return support.fail(failure)
    end
    options.progress = function(done)
        support.progress(("%s: %d examples"):format(task.name, done))
    end
    local result
    result, failure = evaluate.evaluate(options)
    support.progress()
    if not result then
        outcome:drop()
        return support.fail(failure)
    end
    show(result, task)
    local ok, unwritten = outcome:write(result, "  ")
    if not ok then
        return support.fail(unwritten)
    end
    return 0
end

return M
