-- Trains a model of Long Range Arena's size (2 layers, 64 wide, 2 heads of 32, a feed-forward part of
-- 128, the mean of all places classified) with sampled attention.
-- usage: yoso scripts/lra/train.lua TASK DATA OUT [NAME=VALUE...]
-- TASK is listops, text or image; any option of yoso.train and threads=N may follow.
local yoso = require "yoso"

local size = {hidden_size = 64, num_hidden_layers = 2, num_attention_heads = 2,
    intermediate_size = 128, pooling = "mean", attention = "sample", num_hash = 32}

local recipes = {
    listops = {task = "listops", hash_code_len = 11, max_length = 2000, batch_size = 32, lr = 1e-3,
        steps = 3000, warmup = 200, schedule = "cosine", dropout = 0, weight_decay = 0.01,
        eval_every = 500, save_every = 500, seed = 1},
    text = {task = "imdb", hash_code_len = 12, max_length = 4002, batch_size = 32, lr = 5e-4,
        steps = 8000, warmup = 800, schedule = "cosine", dropout = 0.1, weight_decay = 0.01,
        eval_every = 1000, save_every = 500, eval_limit = 2000, seed = 1},
    image = {task = "cifar10", hash_code_len = 10, max_length = 1024, batch_size = 64, lr = 1e-3,
        epochs = 20, warmup = 500, schedule = "cosine", dropout = 0.1, weight_decay = 0.01,
        save_every = 500, eval_limit = 2000, seed = 1},
}

local recipe = recipes[arg[1]]
if not recipe or not arg[3] then
    io.stderr:write("usage: yoso scripts/lra/train.lua listops|text|image DATA OUT [NAME=VALUE...]\n")
    os.exit(2)
end
local options = {data = arg[2], out = arg[3]}
for _, source in ipairs{size, recipe} do
    for name, value in pairs(source) do
        options[name] = value
    end
end
for i = 4, #arg do
    local name, value = arg[i]:match("^([%w_]+)=(.*)$")
    assert(name, "wanted NAME=VALUE")
    if value == "true" or value == "false" then
        options[name] = value == "true"
    else
        options[name] = tonumber(value) or value
    end
end
if options.threads then
    yoso.set_threads(options.threads)
end
local result, message = yoso.train(options)
if not result then
    io.stderr:write(message, "\n")
    os.exit(1)
end
print(result.outcome, result.result and result.result.metric, result.best, result.best_step)
