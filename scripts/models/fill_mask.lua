-- The fill-mask model: masked words of WikiText-2, from scratch. Its encoder is where the models for
-- sentiment and entities begin.
-- usage: yoso scripts/models/fill_mask.lua DATA VOCABULARY OUT [THREADS]
-- DATA holds wikitext-2; VOCABULARY is what scripts/models/tokenizer.lua wrote. The model to ship is
-- OUT/ship, in f16. The convolution lets it find neighbours at once: without, it learns little more than
-- which words are frequent in the time that this takes.
local yoso = require "yoso"

local data, vocabulary, out, threads = arg[1], arg[2], arg[3], tonumber(arg[4])
if not out then
    io.stderr:write("usage: yoso fill_mask.lua DATA VOCABULARY OUT [THREADS]\n")
    os.exit(2)
end
yoso.set_threads(threads)
local result = assert(yoso.train{
    task = "wikitext", data = data .. "/wikitext-2", out = out, tokenizer = vocabulary .. "/cased.json",
    hidden_size = 192, num_hidden_layers = 4, num_attention_heads = 6, intermediate_size = 768,
    hash_code_len = 8, num_hash = 32, conv_window = 7, initializer_range = 0.05,
    max_length = 128, max_position_embeddings = 512, steps = 3000, batch_size = 32, lr = 1.5e-3,
    warmup = 0.05, schedule = "linear", weight_decay = 0.01, dropout = 0, clip = 1, seed = 1,
    eval_every = 1000, save_every = 200,
})
assert(yoso.load(out, {dtype = "f16"})):save(out .. "/ship")
assert(result.tokenizer:save(out .. "/ship/tokenizer.json"))
print(("dev loss %.4f"):format(result.best))
