-- Tokenizers of Long Range Arena's tasks, for which there is nothing to learn: each symbol, byte or
-- grey value is a token of its own.
local json = require "yoso.io.json"
local tokenizer = require "yoso.tokenizer"

local M = {}

local specials = {"<pad>", "<unk>"}

-- A tokenizer of the words that stand between spaces; `dropped` characters go first.
local function words(symbols, dropped)
    local vocab, added = {}, {}
    for i, token in ipairs(specials) do
        vocab[token] = i - 1
        added[i] = {id = i - 1, content = token, single_word = false, lstrip = false,
            rstrip = false, normalized = false, special = true}
    end
    for i, symbol in ipairs(symbols) do
        vocab[symbol] = #specials + i - 1
    end
    return assert(tokenizer.from_json(json.encode{
        version = "1.0", truncation = json.null, padding = json.null, added_tokens = added,
        normalizer = dropped and {type = "Replace", pattern = {Regex = dropped}, content = " "}
            or json.null,
        pre_tokenizer = {type = "WhitespaceSplit"}, post_processor = json.null,
        decoder = json.null, model = {type = "WordLevel", unk_token = "<unk>", vocab = vocab},
    }))
end

--- ListOps: ten digits, four operators and the closing bracket; parentheses are passed over.
function M.listops()
    local symbols = {"[MIN", "[MAX", "[MED", "[SM", "]"}
    for digit = 0, 9 do
        symbols[#symbols + 1] = tostring(digit)
    end
    return words(symbols, "[()]")
end

--- The 256 grey values of pictures, as decimal words.
function M.greys()
    local symbols = {}
    for grey = 0, 255 do
        symbols[grey + 1] = tostring(grey)
    end
    return words(symbols)
end

--- The 256 bytes of any text, between <s> and </s>: byte-level BPE before the first merge.
function M.bytes()
    return assert(require("yoso.tokenizer.train").train("bpe", function() end,
        {vocab_size = 256 + 5}))
end

return M
