-- Encodings as Lua tables: arrays from 1, one entry a token; false where there is nothing to tell.
local c = require "yoso.c"

local lib = c.lib
local M = {}

local int64 = c.typeof("int64_t[1]")

--- Gives an encoding back at once.
function M.free(handle)
    lib.yoso_encoding_free(c.gc(handle, nil))
end

local function copy(from, n)
    local list = {}
    for i = 1, n do
        list[i] = from[i - 1]
    end
    return list
end

-- As copy, with -1 as false.
local function copy_some(from, n)
    local list = {}
    for i = 1, n do
        local value = from[i - 1]
        list[i] = value >= 0 and value
    end
    return list
end

local function window(handle, input, index, full)
    local n = tonumber(lib.yoso_encoding_length(handle, input, index))
    local e = {
        ids = copy(lib.yoso_encoding_ids(handle, input, index), n),
        type_ids = copy(lib.yoso_encoding_type_ids(handle, input, index), n),
        attention_mask = copy(lib.yoso_encoding_attention_mask(handle, input, index), n),
    }
    if not full then
        return e
    end
    e.special_tokens_mask = copy(lib.yoso_encoding_special_tokens_mask(handle, input, index), n)
    e.word_ids = copy_some(lib.yoso_encoding_word_ids(handle, input, index), n)
    e.sequence_ids = copy_some(lib.yoso_encoding_sequence_ids(handle, input, index), n)
    local offsets, places = lib.yoso_encoding_offsets(handle, input, index), {}
    local tokens, length = {}, int64()
    for i = 1, n do
        places[i] = {offsets[2 * i - 2], offsets[2 * i - 1]}
        local text = lib.yoso_encoding_token(handle, input, index, i - 1, length)
        tokens[i] = text ~= nil and c.string(text, length[0])
    end
    e.offsets, e.tokens = places, tokens
    return e
end

--- The record of input number `input` (from 0) with what truncation cut off.
function M.read(handle, input, full)
    local e = window(handle, input, 0, full)
    e.overflowing = {}
    for index = 1, tonumber(lib.yoso_encoding_windows(handle, input)) - 1 do
        e.overflowing[index] = window(handle, input, index, full)
    end
    e.repairs = tonumber(lib.yoso_encoding_repairs(handle, input))
    return e
end

-- Records of a batch are read when they are asked for.
local function lazy_list(handle, n, full, tokenizer)
    local list = {}
    return setmetatable(list, {
        tokenizer = tokenizer, -- whose strings the records hold
        __index = function(_, i)
            if type(i) ~= "number" or i < 1 or i > n or i ~= math.floor(i) then
                return nil
            end
            list[i] = M.read(handle, i - 1, full)
            return list[i]
        end,
        __len = function()
            return n
        end,
    })
end

local fields = {
    input_ids = lib.YOSO_FIELD_IDS, token_type_ids = lib.YOSO_FIELD_TYPE_IDS,
    attention_mask = lib.YOSO_FIELD_ATTENTION_MASK,
}

--- The result of encode_batch. Without tensors = false the tensors are made; lengths that differ
-- are then the caller's mistake.
function M.batch(tokenizer, handle, n, full, opts)
    local batch = {size = n}
    local tensors = opts.tensors
    if tensors == nil then
        tensors = true
        local length = lib.yoso_encoding_length(handle, 0, 0)
        for i = 1, n - 1 do
            tensors = tensors and lib.yoso_encoding_length(handle, i, 0) == length
        end
    end
    if tensors then
        require "yoso.ops"
        local tensor = require "yoso.tensor"
        for name, code in pairs(fields) do
            batch[name] = tensor.call(lib.yoso_encoding_tensor, handle, code)
        end
    end
    local list = lazy_list(handle, n, full, tokenizer)
    if full then
        for i = 1, n do
            local _ = list[i]
        end
        M.free(handle)
        batch.encodings = setmetatable(list, nil)
    else
        batch.encodings = list
    end
    return batch
end

return M
