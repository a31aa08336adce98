-- yoso.tokenizer(path): text to tokens and back. The work is done in C (src/text); here options
-- are checked and results become Lua tables.
local c = require "yoso.c"
local options = require "yoso.tokenizer.options"
local record = require "yoso.tokenizer.record"
local texts_of = require "yoso.tokenizer.texts"

local lib = c.lib
local pointers = texts_of.pointers
local M = {}

local Tokenizer = {}
Tokenizer.__index = Tokenizer
M.metatable = Tokenizer

local tokenizer_slot = c.typeof("yoso_tokenizer *[1]")
local encoding_slot = c.typeof("yoso_encoding *[1]")
local int32s = c.typeof("int32_t[?]")
local int64 = c.typeof("int64_t[1]")
local text_slot = c.typeof("char *[1]")

-- Which tokens play which part, by the names that the known families give them.
local roles = {
    pad_id = {"<pad>", "[PAD]", "<|pad|>"}, mask_id = {"<mask>", "[MASK]", "<|mask|>"},
    bos_id = {"<s>", "[BOS]", "<|begin_of_text|>", "<|startoftext|>", "<|start|>"},
    eos_id = {"</s>", "[EOS]", "<|endoftext|>", "<|end_of_text|>", "<|end|>"},
    unk_id = {"<unk>", "[UNK]", "<|unk|>"}, sep_id = {"[SEP]", "</s>"}, cls_id = {"[CLS]", "<s>"},
}

local function wrap(handle)
    local self = setmetatable({handle = handle}, Tokenizer)
    for role, names in pairs(roles) do
        for _, name in ipairs(names) do
            self[role] = self[role] or self:token_to_id(name)
        end
    end
    self.pad_token = self.pad_id and self:id_to_token(self.pad_id) or "[PAD]"
    return self
end

--- A tokenizer from a directory or file: tokenizer.json, vocab.json + merges.txt, vocab.txt or a
-- SentencePiece .model. nil and a message when it cannot be read.
function M.load(path)
    if type(path) ~= "string" then
        c.raise(("tokenizer: path is a %s, must be a string"):format(type(path)))
    end
    local slot = tokenizer_slot()
    local handle, message = c.own(lib.yoso_tokenizer_load(slot, path), slot, lib.yoso_tokenizer_free)
    if not handle then
        return nil, message
    end
    return wrap(handle)
end

--- A tokenizer from the text of a tokenizer.json.
function M.from_json(text)
    if type(text) ~= "string" then
        c.raise(("tokenizer: text is a %s, must be a string"):format(type(text)))
    end
    local slot = tokenizer_slot()
    local handle, message = c.own(lib.yoso_tokenizer_from_json(slot, text, #text), slot,
        lib.yoso_tokenizer_free)
    if not handle then
        return nil, message
    end
    return wrap(handle)
end

--- Writes tokenizer.json; true, or nil and a message.
function Tokenizer:save(path)
    if type(path) ~= "string" then
        c.raise(("save: path is a %s, must be a string"):format(type(path)))
    end
    return c.try(lib.yoso_tokenizer_save(self.handle, path))
end

function Tokenizer:vocab_size()
    return tonumber(lib.yoso_tokenizer_vocab_size(self.handle))
end

--- The id of a token, nil when there is none.
function Tokenizer:token_to_id(token)
    if type(token) ~= "string" then
        c.raise(("token_to_id: token is a %s, must be a string"):format(type(token)))
    end
    local id = lib.yoso_tokenizer_token_to_id(self.handle, token, #token)
    return id >= 0 and id or nil
end

--- The token of an id, nil when there is none.
function Tokenizer:id_to_token(id)
    options.whole(id, "id_to_token", "id", -2 ^ 31)
    local length = int64()
    local text = lib.yoso_tokenizer_id_to_token(self.handle, id, length)
    return text ~= nil and c.string(text, length[0]) or nil
end

--- Whether an id is an added token that is special.
function Tokenizer:is_special(id)
    options.whole(id, "is_special", "id", -2 ^ 31)
    return lib.yoso_tokenizer_is_special(self.handle, id) ~= 0
end

--- Takes over a handle that C made (by training, say).
M.adopt = wrap

-- -- Encoding ------------------------------------------------------------------------------------

local function own(status, slot)
    local handle, message, code = c.own(status, slot, lib.yoso_encoding_free)
    if not handle and code == lib.YOSO_MISUSE then
        c.raise(message)
    end
    return handle, message
end

local function encode_words(self, words, pair, native)
    if pair ~= nil and type(pair) ~= "table" then
        c.raise(("encode: pair is a %s, must be a list of words like the text"):format(type(pair)))
    end
    local slot, texts, lengths = encoding_slot(), pointers(words, #words, "encode", "word")
    local pair_texts, pair_lengths
    if pair then
        pair_texts, pair_lengths = pointers(pair, #pair, "encode", "word")
    end
    return own(lib.yoso_encode_words(slot, self.handle, native, texts, lengths, #words, pair_texts,
        pair_lengths, pair and #pair or -1), slot)
end

--- Encodes a text, a pair (opts.pair), or a list of words. See docs/tokenizers.md for the options
-- and the fields of the result. nil and a message when the tokenizer cannot.
function Tokenizer:encode(text, opts)
    opts = options.check(opts, "encode")
    local native = options.native(self, opts, "encode")
    local handle, message
    if type(text) == "table" then
        handle, message = encode_words(self, text, opts.pair, native)
    elseif type(text) ~= "string" then
        c.raise(("encode: text is a %s, must be a string or a list of words"):format(type(text)))
    else
        local pair = opts.pair
        if pair ~= nil and type(pair) ~= "string" then
            c.raise(("encode: pair is a %s, must be a string"):format(type(pair)))
        end
        local slot = encoding_slot()
        local texts, lengths = pointers({text}, 1, "encode", "text")
        local pairs_, pair_lengths
        if pair then
            pairs_, pair_lengths = pointers({pair}, 1, "encode", "pair")
        end
        handle, message = own(lib.yoso_encode(slot, self.handle, native, 1, texts, lengths, pairs_,
            pair_lengths), slot)
    end
    if not handle then
        return nil, message
    end
    local result = record.read(handle, 0, native.full ~= 0)
    record.free(handle)
    return result
end

-- Splits texts and {text, pair} into two lists; the second is nil without pairs.
local function split_pairs(inputs)
    local texts, seconds = {}, nil
    for i = 1, #inputs do
        local input = inputs[i]
        if type(input) == "table" then
            if type(input[1]) ~= "string" or type(input[2]) ~= "string" or input[3] ~= nil then
                c.raise(("encode_batch: input %d is a table, must be a string or {text, pair}"):format(i))
            end
            texts[i] = input[1]
            seconds = seconds or {}
            seconds[i] = input[2]
        else
            texts[i] = input
        end
    end
    return texts, seconds
end

--- Encodes many texts or {text, pair}. The result has encodings[i], as encode gives them, and, when
-- all are of one length (padding), the tensors input_ids, attention_mask and token_type_ids.
function Tokenizer:encode_batch(inputs, opts)
    if type(inputs) ~= "table" then
        c.raise(("encode_batch: texts is a %s, must be a list"):format(type(inputs)))
    end
    opts = options.check(opts, "encode_batch")
    local native = options.native(self, opts, "encode_batch")
    local texts, seconds = split_pairs(inputs)
    local n = #inputs
    local pointer, length = pointers(texts, n, "encode_batch", "text")
    local pair_pointer, pair_length
    if seconds then
        pair_pointer, pair_length = texts_of.room(n)
        for i, text in pairs(seconds) do
            pair_pointer[i - 1], pair_length[i - 1] = text, #text
        end
    end
    local slot = encoding_slot()
    local handle, message = own(lib.yoso_encode(slot, self.handle, native, n, pointer, length,
        pair_pointer, pair_length), slot)
    if not handle then
        return nil, message
    end
    return record.batch(self, handle, n, native.full ~= 0, opts)
end

-- -- Decoding ------------------------------------------------------------------------------------

--- The text of a list of ids.
function Tokenizer:decode(ids, opts)
    if type(ids) ~= "table" then
        c.raise(("decode: ids is a %s, must be a list"):format(type(ids)))
    end
    local n = #ids
    local list = c.array(int32s, n + 1)
    for i = 1, n do
        options.whole(ids[i], "decode", ("id %d"):format(i), -2 ^ 31)
        list[i - 1] = ids[i]
    end
    local text, length = text_slot(), int64()
    local ok, message = c.try(lib.yoso_tokenizer_decode(text, length, self.handle, list, n,
        opts and opts.skip_special_tokens and 1 or 0))
    if not ok then
        return nil, message
    end
    local result = c.string(text[0], length[0])
    lib.yoso_text_free(text[0])
    return result
end

--- The texts of a list of lists of ids.
function Tokenizer:decode_batch(lists, opts)
    if type(lists) ~= "table" then
        c.raise(("decode_batch: ids is a %s, must be a list of lists"):format(type(lists)))
    end
    local texts = {}
    for i = 1, #lists do
        local text, message = self:decode(lists[i], opts)
        if not text then
            return nil, message
        end
        texts[i] = text
    end
    return texts
end

--- A decoder to which ids are given one by one: see yoso.tokenizer.stream.
function Tokenizer:decode_stream(opts)
    return require("yoso.tokenizer.stream").new(self, opts)
end

return M
