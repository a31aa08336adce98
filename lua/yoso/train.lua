-- Training: any of the five kinds of task, from scratch or from a checkpoint, on the public sets or
-- the user's own files. `yoso train` is this with options from the command line.
local c = require "yoso.c"
local data = require "yoso.data"
local evaluation = require "yoso.train.evaluation"
local features = require "yoso.train.features"
local file = require "yoso.io.file"
local loop = require "yoso.train.loop"
local optim = require "yoso.optim"
local progress = require "yoso.train.progress"
local room = require "yoso.tokenizer.room"
local settings = require "yoso.train.options"
local start = require "yoso.train.start"
local state = require "yoso.train.state"
local tasks = require "yoso.tasks"
local words = require "yoso.train.words"

local lib = c.lib
local M = {}

-- All training examples in memory; nil and a message.
local function read(task, options)
    local examples, path = tasks.open(task, options.data, options.train_split or "train", options)
    if not examples then
        return nil, path
    end
    local list, failure = data.collect(examples, options.limit)
    if not list then
        return nil, failure
    end
    if #list == 0 then
        return nil, ("%s: no examples"):format(path)
    end
    return list, path
end

local function texts_of(examples)
    local i, part = 0, 0
    local pending = {}
    return function()
        while part >= #pending do
            i, part = i + 1, 0
            local example = examples[i]
            if not example then
                return nil
            end
            pending = {example.text, example.pair, example.question, example.context,
                example.prompt}
            if example.tokens then
                pending = {table.concat(example.tokens, " ")}
            end
            for _, choice in ipairs(example.choices or {}) do
                pending[#pending + 1] = choice
            end
        end
        part = part + 1
        return pending[part]
    end
end

-- Everything to learn from, as numbered records.
local function encode(builder, examples, path)
    local records = {}
    if builder.source then
        for record in builder.source(data.from_list(examples)) do
            records[#records + 1] = record
        end
    else
        for i, example in ipairs(examples) do
            local list, failure = builder.records(example)
            if not list then
                return nil, ("%s:%s: %s"):format(path, tostring(example.line or i), failure)
            end
            for _, record in ipairs(list) do
                records[#records + 1] = record
            end
        end
    end
    if #records == 0 then
        return nil, ("%s: nothing to learn from"):format(path)
    end
    for i, record in ipairs(records) do
        record.number = i
    end
    return records
end

local function optimizer_for(model, options)
    local kinds = {adamw = optim.AdamW, sgd = optim.SGD}
    local make = kinds[options.optimizer or "adamw"]
    if not make then
        c.raise(("train: optimizer %s, wanted adamw or sgd"):format(tostring(options.optimizer)))
    end
    return make(optim.groups(model, options.weight_decay), {lr = options.lr,
        momentum = options.momentum})
end

-- saved: {position, tensors} of a state.
local function resume(run, options, saved)
    local position = saved.position
    local ok, failure = state.restore(options.out, saved.tensors, run.model, run.optimizer)
    if not ok then
        return nil, failure
    end
    run.step, run.epoch, run.position = position.step, position.epoch, position.position
    run.best, run.best_step, run.saved_step = position.best, position.best_step, position.step
    return true
end

local function summary(run, outcome, options)
    return {outcome = outcome, step = run.step, steps = run.total, best = run.best,
        best_step = run.best_step, result = run.last_result, out = options.out, model = run.model,
        tokenizer = run.tokenizer}
end

-- The device and the dtype that training computes in, and how.
local function precision(model, options)
    local device = options.device or "cpu"
    if options.dtype and options.dtype ~= "f32" and options.dtype ~= "bf16" then
        return nil, ("train: dtype %s, wanted f32 or bf16"):format(tostring(options.dtype))
    elseif device ~= "cpu" and device ~= "cuda" then
        return nil, ("train: device %s, wanted cpu or cuda"):format(tostring(device))
    end
    if device == "cuda" then
        local there, why = c.try(lib.yoso_cuda_devices(c.new("int32_t[1]")))
        if not there then
            return nil, "train: " .. why
        end
    end
    model:to(options.dtype or "f32"):to(device)
    model:set_training{checkpointing = options.checkpointing or false,
        exact = options.exact or false}
    return true
end

-- Model, tokenizer, records and the loop's state; nil and a message.
local function prepare(task, options)
    local examples, path = read(task, options)
    if not examples then
        return nil, path
    end
    local names, problem = start.labels(task, examples, options.problem)
    if problem and not names then
        return nil, path .. ":" .. problem
    end
    options.max_length = options.max_length or task.max_length
    local tokenizer, model, failure
    tokenizer, failure = start.tokenizer(task, options, texts_of(examples))
    if not tokenizer then
        return nil, failure
    end
    room.check("train", tokenizer, options.max_length)
    model, failure = start.model(task, tokenizer, options,
        start.fields(examples, names, problem))
    if not model then
        return nil, failure
    end
    local config = model.config
    options.max_length = math.min(options.max_length, config.max_position_embeddings)
    local context = {task = task, tokenizer = tokenizer, config = config, problem = problem,
        max_length = options.max_length, seed = options.seed,
        mlm_probability = options.mlm_probability, word_dropout = options.word_dropout}
    context.names, context.num_labels = config.id2label, config.num_labels
    local builder = features[task.kind](context)
    local records
    records, failure = encode(builder, examples, path)
    if not records then
        return nil, failure
    end
    local ok
    ok, failure = precision(model, options)
    if not ok then
        return nil, failure
    end
    return {model = model, tokenizer = tokenizer, features = builder, records = records,
        options = options, step = 0, epoch = 1, position = 0}
end

-- Word dropout, where asked for: drawn from the seed, the epoch and the record's number.
local function preparer(run, options)
    if options.word_dropout == 0 then
        return function(batch) return batch end
    end
    local unk = run.tokenizer.unk_id or run.tokenizer.mask_id
    return function(batch, epoch)
        local list = {}
        for i, record in ipairs(batch) do
            list[i] = words.word_dropout(record, options.word_dropout, unk,
                (options.seed * 1024 + epoch) % 2 ^ 29 * 2 ^ 24 + record.number) -- below 2^53
        end
        return list
    end
end

local function plan(run, task, options, remembered)
    local failure
    run.evaluate, failure = evaluation.new(run, task, options)
    if run.evaluate == nil then
        return nil, failure
    end
    run.parameters = run.model:parameters()
    run.optimizer = optimizer_for(run.model, options)
    run.prepare = preparer(run, options)
    run.total = options.steps or options.epochs * loop.steps_an_epoch(run)
    local warmup = options.warmup < 1 and math.floor(options.warmup * run.total) or options.warmup
    run.schedule = optim.schedule(run.optimizer,
        {kind = options.schedule, warmup = warmup, total = run.total})
    run.lower_is_better = task.metrics[1] == "loss"
    run.log = function(record) return state.log(options.out, record) end
    run.save_last = function(position)
        position.options = remembered
        local ok, unsaved = state.save(options.out, run.model, run.optimizer, position)
        if ok and not run.best then -- nothing was evaluated: the latest is what there is
            ok, unsaved = run.save_best()
        end
        return ok, unsaved
    end
    run.save_best = function()
        local ok, unsaved = run.model:save(options.out)
        if ok then
            ok, unsaved = run.tokenizer:save(options.out .. "/tokenizer.json")
        end
        return ok, unsaved
    end
    return true
end

local function train(run, options, saved)
    local ok, failure = true, nil
    if saved then
        ok, failure = resume(run, options, saved)
    end
    if ok then
        ok, failure = state.begin(options.out, run.step)
    end
    if not ok then
        return nil, failure
    end
    run.progress = progress.new(run.total, run.step, options)
    run.progress:say(("%d records, %d steps, %d parameters"):format(#run.records, run.total,
        run.model:num_parameters()))
    local config = run.model.config
    if config.num_labels == 1 and config.problem_type == "single_label_classification" then
        run.progress:say(("every example has the label %s: there is nothing to tell apart"):format(
            config.id2label[0]))
    end
    if options.dtype == "bf16" and options.device ~= "cuda" and lib.yoso_has_bf16() == 0 then
        run.progress:say("this processor multiplies f32 faster than bf16: weights are kept in it,"
            .. " products computed in f32, which is slower than f32 alone")
    end
    local outcome
    outcome, failure = loop.run(run)
    run.progress:close()
    return outcome, failure
end

-- The options, and what a run to be resumed has saved; nil and a message.
local function open(options)
    settings.need(options)
    if not options.resume then
        return settings.complete(options)
    end
    settings.need(options, "out")
    local position, tensors = state.open(options.out)
    if not position then
        return nil, tensors
    end
    return settings.complete(options, position.options), {position = position, tensors = tensors}
end

--- Trains. options: task (a name of yoso.tasks), data (folder or file), out (folder); model (a
-- checkpoint to start from) or sizes (hidden_size, num_hidden_layers, ...); tokenizer; seed,
-- epochs or steps, batch_size, batch_tokens, accumulation, lr, weight_decay, schedule, warmup
-- (steps, or a share below 1), clip, dropout, word_dropout, max_length, eval_every, save_every,
-- eval_limit, limit, resume, attention, num_hash; device (cpu, cuda), dtype (f32, bf16),
-- checkpointing, exact (see docs/training.md); on_step(step, loss) is called after each step and ends
-- the run with "stop". With resume, what is not given is as the run in out has it.
-- Returns {outcome = "done" or "stopped", step, best, best_step, result, model, tokenizer}, or nil
-- and a message.
function M.train(options)
    local saved, failure
    options, saved = open(options)
    if not options then
        return nil, saved
    end
    local remembered = settings.to_remember(options)
    local task, ok
    task, failure = tasks.find(options.task)
    if not task then
        return nil, failure
    end
    ok, failure = file.mkdir(options.out)
    if not ok then
        return nil, failure
    end
    if not options.resume and file.exists(options.out .. "/last.safetensors")
        and not options.overwrite then
        return nil, ("%s: holds a training run already; --resume goes on with it, --overwrite"
            .. " begins anew"):format(options.out)
    end
    if options.resume then -- the run's own model and tokenizer, not what it began with
        options.model, options.tokenizer = options.out, options.out
    end
    local run
    run, failure = prepare(task, options)
    if not run then
        return nil, failure
    end
    ok, failure = plan(run, task, options, remembered)
    if not ok then
        return nil, failure
    end
    c.check(lib.yoso_watch_sigint(1))
    local protected, outcome, reason = pcall(train, run, options, saved)
    c.check(lib.yoso_watch_sigint(0))
    if not protected then
        error(outcome, 0)
    end
    if not outcome then
        return nil, reason
    end
    return summary(run, outcome, options)
end

return M
