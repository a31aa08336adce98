-- What is evaluated on while training. The split is read once before the first step, so that a label that
-- the model cannot have or a broken line is told then and not an epoch later.
local evaluate = require "yoso.evaluate"
local file = require "yoso.io.file"
local source = require "yoso.data.source"
local tasks = require "yoso.tasks"

local M = {}

-- options.eval_split, or the task's dev set where the data are a folder that has one; else nil, and a
-- message where a split was asked for.
local function split_of(task, options)
    if options.evaluate == false then
        return nil
    end
    local split = options.eval_split or (task.splits.dev and "dev") or task.evaluation
    local path, failure = tasks.path(task, options.data, split)
    if not path then
        return nil, options.eval_split and failure
    end
    local one_file = file.exists(options.data) and not file.is_directory(options.data)
    return not one_file and split or nil
end

local function read_through(task, options, split, features)
    local examples, path = tasks.open(task, options.data, split, options)
    if not examples then
        return nil, path
    end
    local number = 0
    examples = source.take(examples, options.eval_limit)
    local example, failure = examples()
    while example do
        number = number + 1
        local target, mismatch = true, nil
        if features.target then
            target, mismatch = features.target(example)
        end
        if target == nil then
            return nil, ("%s:%s: %s"):format(path, tostring(example.line or number), mismatch)
        end
        example, failure = examples()
    end
    return failure == nil or nil, failure
end

--- A function that evaluates the run's model and gives its scores, or nil and a message; false where there
-- is nothing to evaluate on; nil and a message where that cannot be read.
function M.new(run, task, options)
    local split, failure = split_of(task, options)
    if not split then
        if failure then
            return nil, failure
        end
        return false
    end
    local ok
    ok, failure = read_through(task, options, split, run.features)
    if not ok then
        return nil, failure
    end
    return function()
        run.model:eval()
        local result, message = evaluate.evaluate{
            model = {model = run.model, tokenizer = run.tokenizer}, task = task.name,
            data = options.data, split = split, max_length = options.max_length,
            limit = options.eval_limit, columns = options.columns, seed = options.seed,
            batch_size = options.batch_size}
        if result then
            result.model = nil -- the log needs numbers only
        end
        return result, message
    end
end

return M
