-- What yoso.train can be told: names, what their values may be, and the values of what was not given.
local c = require "yoso.c"
local ranges = require "yoso.ranges"

local M = {}

local defaults = {
    seed = 1, epochs = 3, batch_size = 32, accumulation = 1, lr = 5e-4, weight_decay = 0.01,
    schedule = "linear", warmup = 0.1, clip = 1, mlm_probability = 0.15, word_dropout = 0,
}

-- The sizes of a model from scratch; what they are without being told is in yoso.train.start.
M.sizes = {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hash_code_len", "num_hash", "conv_window", "hidden_act", "max_position_embeddings",
    "initializer_range"}

-- Sizes and forms are the configuration's to judge.
local known = {
    epochs = ranges.whole(1), steps = ranges.whole(1), batch_size = ranges.whole(1),
    batch_tokens = ranges.whole(1), accumulation = ranges.whole(1), limit = ranges.whole(1),
    eval_limit = ranges.whole(1), eval_every = ranges.whole(0), save_every = ranges.whole(0),
    max_length = ranges.whole(1), vocab_size = ranges.whole(1),
    seed = ranges.whole(0, 2 ^ 29), -- with 24 bits behind it, a step's own seed
    lr = ranges.not_negative, weight_decay = ranges.not_negative, warmup = ranges.not_negative,
    clip = ranges.positive, momentum = ranges.share, dropout = ranges.share,
    word_dropout = ranges.share, mlm_probability = ranges.whole_share,
}
for name in ([[
    task data out columns train_split eval_split problem class
    model tokenizer pooling attention optimizer schedule device dtype checkpointing exact
    evaluate resume overwrite quiet terminal stream on_step]]):gmatch("[%w_]+") do
    known[name] = true
end
for _, name in ipairs(M.sizes) do
    known[name] = true
end

-- What a run does not remember: where it is and how it is watched; resumed, its model and tokenizer
-- are those in its folder.
local passing = {}
for name in ([[out model tokenizer resume overwrite quiet terminal stream on_step]]):gmatch("[%w_]+") do
    passing[name] = true
end

--- An error at the caller's line where options are no table or one of these is no text.
function M.need(options, ...)
    if type(options) ~= "table" then
        c.raise(("train: options is a %s, must be a table"):format(type(options)))
    end
    for _, name in ipairs{...} do
        if type(options[name]) ~= "string" then
            c.raise(("train: %s is a %s, must be a string"):format(name, type(options[name])))
        end
    end
end

--- The options as given, else as remembered (those of a run that is resumed, or nil), else the
-- defaults; an error at the caller's line for a name that means nothing here, a number out of its range,
-- and where task, data or out is missing.
function M.complete(options, remembered)
    local all = {}
    for _, source in ipairs{defaults, remembered or {}, options} do
        for name, value in pairs(source) do
            all[name] = value
        end
    end
    if options.epochs and not options.steps then
        all.steps = nil -- remembered steps would pass over them
    end
    M.need(all, "task", "data", "out")
    ranges.check("train", all, known)
    return all
end

--- Those of the options that a run keeps with its state.
function M.to_remember(options)
    local kept = {}
    for name, value in pairs(options) do
        if not passing[name] then
            kept[name] = value
        end
    end
    return kept
end

return M
