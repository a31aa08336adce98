-- Trains a model of Long Range Arena's size (2 layers, 64 wide, 2 heads of 32, a feed-forward part of
-- 128, the mean of all places classified) with sampled attention.
-- usage: yoso scripts/lra/train.lua TASK DATA OUT [NAME=VALUE...]
-- TASK is listops, text, image or retrieval; any option of yoso.train and threads=N may follow.
-- A task may begin with stages on shorter inputs, where a step is quick, or with attention that is exact,
-- where it learns faster: on the data in DATA or the stage's folder in it, their models in OUT/NAME. The
-- command line's options hold for the last stage alone, but for threads, and for attention=softmax, the
-- baseline, which then is every stage's.
local yoso = require "yoso"

local size = {hidden_size = 64, num_hidden_layers = 2, num_attention_heads = 2,
    intermediate_size = 128, pooling = "mean", initializer_range = 0.1, weight_decay = 0.01,
    schedule = "cosine", seed = 1}

local recipes = {
    listops = {task = "listops", hash_code_len = 11, max_length = 2000, batch_size = 32, dropout = 0,
        conv_window = 33, warmup = 100, num_hash = 64,
        stages = {
            {"short", {max_length = 128, steps = 10000, lr = 1e-3}, folder = "short"},
            {"middle", {max_length = 512, steps = 3000, lr = 7e-4}, folder = "middle"},
            {"long", {steps = 2000, lr = 5e-4}},
        }, -- the last stage: the lists of the one before in another order
        last = {lr = 2e-4, warmup = 20, steps = 600, seed = 2, eval_every = 300, eval_limit = 2000}},
    text = {task = "imdb", hash_code_len = 12, max_length = 4002, batch_size = 32, dropout = 0.1,
        lr = 5e-4, warmup = 800, steps = 8000, num_hash = 32, eval_every = 1000, eval_limit = 2000},
    image = {task = "cifar10", hash_code_len = 10, max_length = 1024, batch_size = 64, dropout = 0.1,
        lr = 1e-3, warmup = 500, epochs = 20, num_hash = 32, eval_limit = 2000},
    retrieval = {task = "retrieval", hash_code_len = 12, max_length = 4002, batch_size = 16,
        dropout = 0.1, lr = 5e-4, warmup = 800, steps = 30000, num_hash = 32, eval_every = 3000,
        eval_limit = 2000},
}

local function merged(...)
    local all = {}
    for _, source in ipairs{...} do
        for name, value in pairs(source) do
            all[name] = value
        end
    end
    return all
end

local recipe = recipes[arg[1]]
if not recipe or not arg[3] then
    io.stderr:write("usage: yoso train.lua listops|text|image|retrieval DATA OUT [NAME=VALUE...]\n")
    os.exit(2)
end
local given = {data = arg[2], out = arg[3]}
for i = 4, #arg do
    local name, value = arg[i]:match("^([%w_]+)=(.*)$")
    if not name then
        io.stderr:write(("%s: wanted NAME=VALUE\n"):format(arg[i]))
        os.exit(2)
    end
    if value == "true" or value == "false" then
        given[name] = value == "true"
    else
        given[name] = tonumber(value) or value
    end
end
yoso.set_threads(given.threads)
given.threads = nil

local function train(options)
    local result, message = yoso.train(options)
    if not result then
        io.stderr:write(message, "\n")
        os.exit(1)
    end
    return result
end

local stages, last = recipe.stages or {}, recipe.last or {}
recipe.stages, recipe.last = nil, nil
local options = merged(size, {attention = "sample"}, recipe, last, given)
if not given.resume and not given.model then
    for _, entry in ipairs(stages) do
        local name, stage = entry[1], entry[2]
        local out = given.out .. "/" .. name
        train(merged(size, recipe, stage, {out = out, model = options.model, evaluate = false,
            data = given.data .. (entry.folder and "/" .. entry.folder or ""),
            max_position_embeddings = recipe.max_length,
            attention = given.attention == "softmax" and "softmax" or "expectation",
            overwrite = given.overwrite, device = given.device, dtype = given.dtype}))
        options.model = out
    end
end
local result = train(options)
print(("%s after step %d of %d: best %s at step %s"):format(result.outcome, result.step,
    result.steps, tostring(result.best), tostring(result.best_step)))
