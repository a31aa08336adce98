-- The entities model: places, organisations and persons of WikiANN, from the fill-mask encoder.
-- usage: yoso scripts/models/entities.lua DATA FILL_MASK OUT [THREADS]
-- DATA holds wikiann-en; FILL_MASK is what scripts/models/fill_mask.lua wrote. The model to ship is
-- OUT/ship, in f16.
local yoso = require "yoso"

local data, start, out, threads = arg[1], arg[2], arg[3], tonumber(arg[4])
if not out then
    io.stderr:write("usage: yoso entities.lua DATA FILL_MASK OUT [THREADS]\n")
    os.exit(2)
end
yoso.set_threads(threads)
local result = assert(yoso.train{
    task = "wikiann", data = data .. "/wikiann-en", out = out, model = start,
    max_length = 128, epochs = 6, batch_size = 32, lr = 5e-4, warmup = 0.1, schedule = "linear",
    weight_decay = 0.01, dropout = 0.2, clip = 1, seed = 1,
})
assert(yoso.load(out, {dtype = "f16"})):save(out .. "/ship")
assert(result.tokenizer:save(out .. "/ship/tokenizer.json"))
print(("dev F1 %.4f"):format(result.best))
