-- Evaluation: a model on a task's file, streamed, into one table of scores with their intervals,
-- counts and how they were got. `yoso eval` prints and stores it.
local c = require "yoso.c"
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local masked = require "yoso.evaluate.masked"
local pipelines = require "yoso.pipeline"
local ranges = require "yoso.ranges"
local scorers = require "yoso.evaluate.scorers"
local source = require "yoso.data.source"
local tasks = require "yoso.tasks"

local lib = c.lib
local M = {}

local round = 256 -- examples that are sorted by length together

-- Examples of one round, and a message when the source failed.
local function next_round(examples)
    local list = {}
    while #list < round do
        local example, failure = examples()
        if not example then
            return list, failure
        end
        list[#list + 1] = example
    end
    return list
end

local function where_of(path, example)
    return example.line and ("%s:%d"):format(path, example.line)
        or example.id and ("%s: %s"):format(path, example.id) or path
end

-- Scores all examples; log(record) takes each prediction.
local function run(pipeline, task, examples, path, step, log)
    local scorer = scorers[task.kind](pipeline, task)
    local metric = scorer.metric()
    repeat
        local list, failure = next_round(examples)
        if failure then
            return nil, failure
        end
        local windows = #list > 0 and pipeline:windows(list) or {}
        for i, example in ipairs(list) do
            local prediction, mismatch = scorer.add(metric, windows[i], example)
            if not prediction then
                return nil, ("%s: %s"):format(where_of(path, example), mismatch)
            end
            prediction.line = example.line
            local ok, unwritten = log(prediction)
            if not ok then
                return nil, unwritten
            end
        end
        step(#list)
    until #list < round
    return metric
end

-- A function that writes predictions to a JSONL file, and one that ends it.
local function prediction_log(path)
    if not path then
        return function() return true end, function() return true end
    end
    local writer, failure = file.writer(path)
    if not writer then
        return nil, failure
    end
    return function(record) return writer:write(json.encode(record) .. "\n") end,
        function(good)
            if good then
                return writer:commit()
            end
            writer:drop()
            return true
        end
end

-- How the scores were got goes with them.
local function describe(result, pipeline, task, options, seconds)
    local config = pipeline.model.config
    result.task = task.name
    for _, name in ipairs(task.metrics) do
        result.metric = result.metric or result[name] and name -- plain tags have no F1
    end
    result.score = result[result.metric]
    local runtime = pipeline.model.runtime
    result.attention, result.seed = runtime.attention, runtime.seed
    result.num_hash = runtime.attention == "sample" and runtime.num_hash or nil
    result.hash_code_len = config.hash_code_len
    result.dtype = pipeline.model:info().dtype
    result.max_length, result.threads = pipeline.max_length, tonumber(lib.yoso_threads())
    result.batch_size = options.batch_size or 32
    result.truncated, result.tokens = pipeline.cut, pipeline.tokens
    result.seconds = seconds
    result.tokens_per_second = pipeline.tokens / math.max(seconds, 1e-9)
    result.version = require("yoso")._VERSION
    return result
end

-- Runs a pipeline over a source of examples; path names them in messages.
local function score(pipeline, task, examples, path, options)
    local log, finish = prediction_log(options.predictions)
    if not log then
        return nil, finish
    end
    local start, done = lib.yoso_time(), 0
    local function step(count)
        done = done + count
        if options.progress then
            options.progress(done)
        end
    end
    local model, was_training = pipeline.model, pipeline.model.training
    local metric, failure
    model:eval()
    if task.kind == "fill-mask" then
        metric, failure = masked.run(pipeline, examples, options, step)
    else
        metric, failure = run(pipeline, task, examples, path, step, log)
    end
    model:train(was_training)
    if metric and done == 0 then
        metric, failure = nil, ("%s: no examples"):format(path)
    end
    local finished, unwritten = finish(metric ~= nil)
    if not metric or not finished then
        return nil, failure or unwritten
    end
    local seconds = lib.yoso_time() - start
    local result = describe(metric:result(task.metrics), pipeline, task, options, seconds)
    result.examples = done
    result.examples_per_second = done / math.max(seconds, 1e-9)
    return result
end

local settings_of_pipelines = {"dtype", "device", "attention", "num_hash", "seed", "batch_size",
    "batch_tokens", "stride", "max_answer_tokens", "handle_impossible_answer"}

local known = {
    model = true, task = true, data = true, split = true, name = true, columns = true,
    predictions = true, progress = true, max_length = true, limit = ranges.whole(1),
}
for _, name in ipairs(settings_of_pipelines) do
    known[name] = true
end

local function make_pipeline(task, from, options)
    local settings = {}
    for _, name in ipairs(settings_of_pipelines) do
        settings[name] = options[name]
    end
    if type(from) == "table" then
        settings.seed = nil -- then it chooses the masks alone
    end
    settings.max_length = options.max_length or task.max_length
    settings.warn = function() end -- cuts are counted in the result
    return pipelines.pipeline(task.kind, from, settings)
end

-- A task by name, or as it is.
local function task_of(task)
    if type(task) == "table" then
        return task
    end
    return tasks.find(task)
end

local function from_memory(model, tokenizer, task, examples, options)
    options = options or {}
    ranges.check("evaluate", options, known)
    if type(model) ~= "table" or not model.config or type(tokenizer) ~= "table" then
        c.raise("evaluate: wanted model, tokenizer, task, examples, or one table of options")
    end
    local found, failure = task_of(task)
    if not found then
        return nil, failure
    end
    if type(examples) == "table" then
        examples = source.from_list(examples)
    end
    local pipeline = make_pipeline(found, {model = model, tokenizer = tokenizer}, options)
    return score(pipeline, found, source.take(examples, options.limit),
        options.name or "the examples", options)
end

local function from_files(options)
    if not options.model or not options.task or not options.data then
        c.raise("evaluate: wanted a table with model, task and data")
    end
    ranges.check("evaluate", options, known)
    local task, failure = task_of(options.task)
    if not task then
        return nil, failure
    end
    local split = options.split or task.evaluation
    local examples, path, counts = tasks.open(task, options.data, split, options)
    if not examples then
        return nil, path
    end
    local pipeline
    pipeline, failure = make_pipeline(task, options.model, options)
    if not pipeline then
        return nil, failure
    end
    local result
    result, failure = score(pipeline, task, source.take(examples, options.limit), path, options)
    if not result then
        return nil, failure
    end
    result.split, result.data = split, path
    result.model = type(options.model) == "string" and options.model or nil
    result.left_out = counts and counts.left_out or nil
    return result
end

--- Evaluates, in one of two forms; gives a table of scores, or nil and a message.
--   evaluate{model = dir or {model =, tokenizer =}, task = "sst2", data = folder or file, split =}
--   evaluate(model, tokenizer, task, examples, options)    a model in memory; examples are a list
--       or a source
-- A model in memory is in eval mode meanwhile, and then again as it was.
-- options: max_length, batch_size, limit, columns, predictions (a JSONL file), progress(done), seed
-- (of the hashes and of masking), and in the first form those of yoso.load.
function M.evaluate(first, ...)
    if type(first) == "table" and select("#", ...) == 0 then
        return from_files(first)
    end
    return from_memory(first, ...)
end

return M
