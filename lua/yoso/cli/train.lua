-- yoso train: trains a model for a task and keeps the best in a folder.
local arguments = require "yoso.arguments"
local c = require "yoso.c"
local outcomes = require "yoso.cli.outcome"
local yoso = require "yoso"

local M = {
    summary = "train or fine-tune a model",
    examples = {
        "yoso train --task sst2 --data glue/SST-2 --out my-sentiment",
        "yoso train --task text-classification --data reviews.csv --out mine --model my-sentiment",
        "yoso train --out my-sentiment --resume",
    },
}

-- name, metavariable, help; any number goes here, yoso.train says what each may be.
local numbers = {
    {"epochs", "N", "Times through the data (3)."},
    {"steps", "N", "Steps of the optimiser, instead of epochs."},
    {"batch-size", "N", "Sequences in a batch (32)."},
    {"batch-tokens", "N", "At most so many tokens in a batch."},
    {"accumulation", "N", "Batches to a step (1)."},
    {"lr", "X", "Learning rate at its highest (5e-4)."},
    {"weight-decay", "X", "Decay of weights, biases and norms excepted (0.01)."},
    {"warmup", "X", "Steps of warm-up, or a share of all below 1 (0.1)."},
    {"clip", "X", "Longest gradient (1)."},
    {"dropout", "X", "Dropout (0.1, or the checkpoint's)."},
    {"word-dropout", "X", "Share of tokens replaced by the unknown token (0)."},
    {"mlm-probability", "X", "Share of tokens masked in fill-mask (0.15)."},
    {"max-length", "N", "Longest sequence in tokens (the task's)."},
    {"seed", "N", "Seed of everything random (1)."},
    {"limit", "N", "Only the first N examples."},
    {"eval-every", "N", "Evaluate every N steps (every epoch)."},
    {"eval-limit", "N", "Evaluate on the first N examples only."},
    {"save-every", "N", "Save the state every N steps (every epoch)."},
    {"hidden-size", "N", "From scratch: width (128)."},
    {"num-hidden-layers", "N", "From scratch: layers (3)."},
    {"num-attention-heads", "N", "From scratch: heads (4)."},
    {"intermediate-size", "N", "From scratch: width of the feed-forward part (512)."},
    {"hash-code-len", "N", "From scratch: bits of a hash code (8)."},
    {"num-hash", "N", "Hashes of the sampled form (32)."},
    {"conv-window", "N", "From scratch: width of the convolution over values (none)."},
    {"vocab-size", "N", "From scratch: tokens of the tokenizer to train (8192)."},
}

local texts = {
    {"model", "DIR", "Checkpoint to start from (default: from scratch)."},
    {"tokenizer", "PATH", "Tokenizer (default: the checkpoint's, or one trained on the data)."},
    {"train-split", "NAME", "Split to train on (train)."},
    {"eval-split", "NAME", "Split to evaluate on (dev)."},
    {"schedule", "KIND", "linear, cosine or constant, each after the warm-up (linear)."},
    {"optimizer", "KIND", "adamw or sgd (adamw)."},
    {"attention", "FORM", "expectation, sample or softmax."},
    {"problem", "KIND", "regression, single_label_classification or multi_label_classification."},
    {"device", "NAME", "cpu or cuda (cpu)."},
    {"dtype", "TYPE", "f32, or bf16 with master weights in f32 (f32)."},
    {"pooling", "KIND", "From scratch: what the classifier reads: first or mean."},
}

function M.configure(command)
    command:option("--task", "What to learn; yoso eval --help lists the names.")
    command:option("--data", "Folder of the task's files, or a file of your own.")
    command:option("--out", "Folder for the model, its log and the state to resume from.")
    for _, entry in ipairs(texts) do
        command:option("--" .. entry[1], entry[3]):argname("<" .. entry[2] .. ">")
    end
    for _, entry in ipairs(numbers) do
        command:option("--" .. entry[1], entry[3]):argname("<" .. entry[2] .. ">"):convert(arguments.number)
    end
    command:option("--threads", "Threads (as many as the process may run on)."):argname("<N>")
        :convert(arguments.whole(1))
    command:option("--column", "Column of your table: WHAT=NAME (what is text, pair, label, prompt).")
        :argname("<WHAT=NAME>"):count("*")
    command:flag("--checkpointing", "Keep the layers' inputs only and compute them twice: long texts"
        .. " in less memory.")
    command:flag("--exact", "Multiply f32 in full where the processor is faster keeping 16 bits.")
    command:flag("--resume", "Go on with the run in --out, to the bit; options not given are the run's own.")
    command:flag("--overwrite", "Begin anew although --out holds a run.")
    command:flag("--no-eval", "Do not evaluate while training.")
    command:flag("--quiet", "No progress.")
    command:option("--json", "Write the outcome as JSON to a file."):argname("<FILE>")
end

local function columns_of(list)
    local columns = {}
    for _, text in ipairs(list) do
        local what, name = text:match("^(%w+)=(.+)$")
        if not what then
            return nil, ("--column %s, wanted WHAT=NAME"):format(text)
        end
        columns[what] = name
    end
    return columns
end

-- What the command line has beside the options of yoso.train.
local of_command = {column = true, no_eval = true, threads = true, json = true}

local function report(result)
    return {outcome = result.outcome, step = result.step, steps = result.steps, best = result.best,
        best_step = result.best_step, result = result.result, out = result.out}
end

-- Trains and tells the outcome, in words and in its file. nil and a message.
local function train(options, outcome)
    local result, failure = yoso.train(options)
    if not result then
        return nil, failure
    end
    local score = result.best and (", best %s %.4f at step %d"):format(result.result.metric,
        result.best, result.best_step) or ""
    io.stderr:write(("%s after step %d of %d%s; %s\n"):format(result.outcome, result.step,
        result.steps, score, result.out))
    return outcome:write(report(result))
end

function M.run(args)
    local support = require "yoso.cli.support"
    for _, name in ipairs(args.resume and {"out"} or {"task", "data", "out"}) do
        if not args[name] then
            return support.usage(("train: --%s is wanted (yoso help train tells more)"):format(name))
        end
    end
    local columns, mistake = columns_of(args.column)
    if not columns then
        return support.fail("train: " .. mistake)
    end
    if args.threads then
        yoso.set_threads(args.threads)
    end
    local options = {terminal = c.lib.yoso_is_terminal(2) ~= 0}
    options.columns = next(columns) and columns -- nil leaves a resumed run its own
    if args.no_eval then
        options.evaluate = false
    end
    for name, value in pairs(args) do
        if options[name] == nil and not of_command[name] then
            options[name] = value
        end
    end
    local outcome, failure = outcomes.open(args.json)
    if not outcome then
        return support.fail(failure)
    end
    local ok
    ok, failure = train(options, outcome)
    if not ok then
        outcome:drop()
        return support.fail(failure)
    end
    return 0
end

return M
