-- The sentiment model: SST-2, from the fill-mask encoder, in lower case.
-- usage: yoso scripts/models/sentiment.lua DATA VOCABULARY FILL_MASK OUT [THREADS]
-- DATA holds glue/SST-2; VOCABULARY and FILL_MASK are what the scripts of those names wrote.
-- The model to ship is OUT/ship, in f16.
local yoso = require "yoso"

local data, vocabulary, start, out, threads = arg[1], arg[2], arg[3], arg[4], tonumber(arg[5])
if not out then
    io.stderr:write("usage: yoso sentiment.lua DATA VOCABULARY FILL_MASK OUT [THREADS]\n")
    os.exit(2)
end
yoso.set_threads(threads)
local result = assert(yoso.train{
    task = "sst2", data = data .. "/glue/SST-2", out = out, model = start,
    tokenizer = vocabulary .. "/lower.json", max_length = 128, epochs = 3, batch_size = 64, lr = 3e-4, warmup = 0.1,
    schedule = "linear", weight_decay = 0.05, dropout = 0.2, word_dropout = 0.1, clip = 1, seed = 3,
})
assert(yoso.load(out, {dtype = "f16"})):save(out .. "/ship")
assert(result.tokenizer:save(out .. "/ship/tokenizer.json"))
print(("dev accuracy %.4f"):format(result.best))
