-- What yoso.train can be told: names, and the values of what was not given.
local c = require "yoso.c"

local M = {}

local defaults = {
    seed = 1, epochs = 3, batch_size = 32, accumulation = 1, lr = 5e-4, weight_decay = 0.01,
    schedule = "linear", warmup = 0.1, clip = 1, mlm_probability = 0.15, word_dropout = 0,
}

-- The sizes of a model from scratch; what they are without being told is in yoso.train.start.
M.sizes = {"hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "hash_code_len", "num_hash", "conv_window", "hidden_act", "max_position_embeddings",
    "initializer_range"}

local known = {}
for name in ([[
    task data out columns train_split eval_split limit problem class
    model tokenizer vocab_size pooling attention max_length
    epochs steps batch_size batch_tokens accumulation optimizer momentum lr schedule warmup
    weight_decay clip seed dropout word_dropout mlm_probability
    device dtype checkpointing exact
    evaluate eval_every eval_limit save_every resume overwrite
    quiet terminal stream on_step]]):gmatch("[%w_]+") do
    known[name] = true
end
for _, name in ipairs(M.sizes) do
    known[name] = true
end

--- The options with defaults; an error at the caller's line for a name that means nothing here, and
-- where task, data or out is missing.
function M.complete(options)
    if type(options) ~= "table" then
        c.raise(("train: options is a %s, must be a table"):format(type(options)))
    end
    for _, name in ipairs{"task", "data", "out"} do
        if type(options[name]) ~= "string" then
            c.raise(("train: %s is a %s, must be a string"):format(name, type(options[name])))
        end
    end
    local all = {}
    for name, value in pairs(defaults) do
        all[name] = value
    end
    for name, value in pairs(options) do
        if not known[name] then
            c.raise(("train: there is no option %s (yoso help train lists them)"):format(
                tostring(name)))
        end
        all[name] = value
    end
    return all
end

return M
