-- What the commands that run a pipeline have in common: options for the model, the run over all
-- inputs in rounds, and the model that ships for a task when none is named.
local arguments = require "yoso.arguments"
local models = require "yoso.models"
local pipeline = require "yoso.pipeline"
local support = require "yoso.cli.support"
local utf8 = require "yoso.data.utf8"
local yoso = require "yoso"

local M = {}

local function configure_run(parser)
    parser:option("--batch-size", "Sequences a batch (default 32)."):argname("N"):convert(arguments.whole(1))
    parser:option("--max-length", "Tokens a sequence at most."):argname("N"):convert(arguments.whole(1))
    parser:option("--threads", "Threads (default: all that the process may use).")
        :argname("N"):convert(arguments.whole(1))
end

--- Options about the model and how it runs.
function M.configure_model(parser)
    support.configure_model(parser)
    configure_run(parser)
end

--- The same, with texts and --json.
function M.configure(parser)
    support.configure_inputs(parser)
    configure_run(parser)
end

--- What questions may ask of a model beside texts' usual options.
function M.configure_answers(parser)
    parser:flag("--handle-impossible-answer", "A question may have no answer (default: as the checkpoint says).")
end

--- The checkpoint folder that args.model names, or the shipped model's for this command; nil and
-- a message where there is none.
function M.model_path(args, default)
    if args.model then
        return support.model_folder(args)
    end
    local path = default and models.path(default)
    if not path then
        return nil, default and ("no model '%s' ships with this installation; name one with --model")
            :format(default) or "no model ships for this; name one with --model DIR"
    end
    return path
end

--- The options of yoso.load and of pipelines that the command line gave.
function M.options(args)
    if args.threads then
        yoso.set_threads(args.threads)
    end
    local options = support.load_options(args)
    options.batch_size, options.max_length = args.batch_size, args.max_length
    options.warn = support.warn
    return options
end

local round = 256

-- Texts of one round: fewer than a full one at the end.
local function collect(next_text)
    local list = {}
    while #list < round do
        local text = next_text()
        if text == nil then
            break
        end
        list[#list + 1] = text
    end
    return list
end

--- Runs task over all inputs: prepare(text) gives the pipeline's input (or nil and a message),
-- show(text, result) the lines for people; what JSON shows is object(text, result).
function M.run(args, task, settings)
    local path, failure = M.model_path(args, settings.default)
    if not path then
        return support.fail(failure)
    end
    local options = M.options(args)
    for name, value in pairs(settings.options or {}) do
        options[name] = value
    end
    local run
    run, failure = pipeline.pipeline(task, path, options)
    if not run then
        return support.fail(failure)
    end
    local next_text = settings.inputs and settings.inputs() or support.inputs(args)
    local count = 0
    repeat
        local texts, inputs = collect(next_text), {}
        for i, text in ipairs(texts) do
            local bad = type(text) == "string" and utf8.invalid_at(text)
            if bad then
                return support.fail(("text %d, byte %d (0x%02X) is not UTF-8"):format(count + i,
                    bad, text:byte(bad)))
            end
            inputs[i] = text
            if settings.prepare then
                inputs[i], failure = settings.prepare(text)
            end
            if inputs[i] == nil then
                return support.fail(("text %d: %s"):format(count + i, failure))
            end
        end
        local results = #inputs > 0 and run(inputs) or {}
        for i, result in ipairs(results) do
            support.emit(settings.object(texts[i], result), args.json, function()
                settings.show(texts[i], result)
            end)
        end
        count = count + #texts
    until #texts < round
    if count == 0 then
        return support.fail("no texts: neither as arguments nor on standard input")
    end
    return 0
end

return M
