-- Trains by a recipe of scripts/models/quality, as scripts/peers/train_reference.py does with the
-- reference's classes, so that the scores can be compared.
-- usage: yoso scripts/models/quality.lua RECIPE.json DATA TOKENIZER OUT SEED [THREADS]
local yoso = require "yoso"
local json = require "cjson"

local recipe_path, data, tokenizer, out, seed = arg[1], arg[2], arg[3], arg[4], tonumber(arg[5])
if not seed then
    io.stderr:write("usage: yoso quality.lua RECIPE.json DATA TOKENIZER OUT SEED [THREADS]\n")
    os.exit(2)
end
yoso.set_threads(tonumber(arg[6]) or 1)
local file = assert(io.open(recipe_path))
local options = json.decode(file:read("*a"))
file:close()
options.data, options.tokenizer, options.out, options.seed = data, tokenizer, out, seed
local start = os.clock()
local result, message = yoso.train(options)
if not result then
    io.stderr:write(message, "\n")
    os.exit(1)
end
local last = result.result
print(("%s seed %d: %s %.4f after the last step, best %.4f at step %d; %.0f processor seconds")
    :format(options.task, seed, last.metric, last[last.metric], result.best, result.best_step,
    os.clock() - start))
