-- The sentiment model: SST-2, from the fill-mask encoder, which first reads films' reviews (masked
-- words of IMDb's training texts and SST-2's, in lower case, without any label).
-- usage: yoso scripts/models/sentiment.lua DATA VOCABULARY FILL_MASK OUT [THREADS]
-- DATA holds glue/SST-2 and imdb; VOCABULARY and FILL_MASK are what the scripts of those names wrote.
-- The model to ship is OUT/ship, in f16.
local yoso = require "yoso"

local data, vocabulary, start, out, threads = arg[1], arg[2], arg[3], arg[4], tonumber(arg[5])
if not out then
    io.stderr:write("usage: yoso sentiment.lua DATA VOCABULARY FILL_MASK OUT [THREADS]\n")
    os.exit(2)
end
yoso.set_threads(threads)
assert(os.execute(("mkdir -p '%s/reviews'"):format(out)) == 0)
local corpus = assert(io.open(out .. "/reviews/corpus.txt", "w"))
for example in assert(yoso.data.imdb(data .. "/imdb/train.tsv")) do
    corpus:write((example.text:gsub("<br />", " ")), "\n")
end
for example in assert(yoso.data.glue("sst2", data .. "/glue/SST-2/train.tsv")) do
    corpus:write(example.text, "\n")
end
assert(corpus:close())

local tokenizer = vocabulary .. "/lower.json"
assert(yoso.train{
    task = "fill-mask", data = out .. "/reviews/corpus.txt", out = out .. "/reviews", model = start,
    tokenizer = tokenizer, max_length = 128, epochs = 2, batch_size = 32, lr = 5e-4, warmup = 0.05,
    schedule = "linear", weight_decay = 0.01, dropout = 0.1, clip = 1, seed = 2, save_every = 200,
})
local result = assert(yoso.train{
    task = "sst2", data = data .. "/glue/SST-2", out = out, model = out .. "/reviews",
    tokenizer = tokenizer, max_length = 128, epochs = 4, batch_size = 64, lr = 3e-4, warmup = 0.1,
    schedule = "linear", weight_decay = 0.05, dropout = 0.2, word_dropout = 0.1, clip = 1, seed = 3,
})
assert(yoso.load(out, {dtype = "f16"})):save(out .. "/ship")
assert(result.tokenizer:save(out .. "/ship/tokenizer.json"))
print(("dev accuracy %.4f"):format(result.best))
