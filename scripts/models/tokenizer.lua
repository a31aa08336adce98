-- Learns the vocabulary that the shipped models share: 8,192 pieces of words (WordPiece) of WikiText-2,
-- SST-2 and WikiANN. Words and punctuation are told apart whether or not a space is between them, so
-- tokenised training texts and what people type read the same.
-- usage: yoso scripts/models/tokenizer.lua DATA OUT
-- DATA holds wikitext-2, glue/SST-2 and wikiann-en. OUT gets cased.json, and lower.json, the same
-- pieces for texts in any case.
local yoso = require "yoso"
local json = require "cjson"

local data, out = arg[1], arg[2]
if not out then
    io.stderr:write("usage: yoso tokenizer.lua DATA OUT\n")
    os.exit(2)
end

-- WikiText writes hyphens and separators of numbers between spaces and @.
local joined = {{" @-@ ", "-"}, {" @,@ ", ","}, {" @.@ ", "."}}

local function plain(text)
    for _, pair in ipairs(joined) do
        text = text:gsub(pair[1]:gsub("%p", "%%%0"), (pair[2]:gsub("%%", "%%%%")))
    end
    return (text:gsub("<unk>", " "))
end

local function texts()
    for example in assert(yoso.data.text(data .. "/wikitext-2/train.txt")) do
        coroutine.yield(plain(example.text))
    end
    for example in assert(yoso.data.glue("sst2", data .. "/glue/SST-2/train.tsv")) do
        coroutine.yield(example.text)
    end
    for example in assert(yoso.data.wikiann(data .. "/wikiann-en/train")) do
        coroutine.yield(table.concat(example.tokens, " "))
    end
end

assert(require("yoso.io.file").mkdir(out))
local learned = assert(yoso.train_tokenizer("wordpiece", coroutine.wrap(texts), {vocab_size = 8192}))
local path = out .. "/cased.json"
assert(learned:save(path))
local file = assert(io.open(path))
local text = file:read("*a")
file:close()

-- The special tokens by the names that YOSO's checkpoints have for them.
for from, to in pairs{["[CLS]"] = "<s>", ["[PAD]"] = "<pad>", ["[SEP]"] = "</s>", ["[UNK]"] = "<unk>",
    ["[MASK]"] = "<mask>"} do
    text = text:gsub(('"%s"'):format(from:gsub("%p", "%%%0")), ('"%s"'):format(to))
end
local tokenizer = json.decode(text)
local bert = tokenizer.normalizer
local steps = {}
for i, pair in ipairs(joined) do
    steps[i] = {type = "Replace", pattern = {String = pair[1]}, content = pair[2]}
end
steps[#steps + 1] = bert
tokenizer.normalizer = {type = "Sequence", normalizers = steps}
for name, lowercase in pairs{cased = false, lower = true} do
    bert.lowercase = lowercase
    file = assert(io.open(("%s/%s.json"):format(out, name), "w"))
    assert(file:write(json.encode(tokenizer)))
    assert(file:close())
end
