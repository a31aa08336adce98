-- Parameter names as older or other checkpoints have them, brought to the model's.
local M = {}

local PREFIX = "yoso."

-- Buffers that older versions saved, which hold nothing but counting.
local function is_counting(name)
    return name:find("embeddings%.position_ids$") or name:find("embeddings%.token_type_ids$")
end

-- A norm's weight and bias were once called gamma and beta.
local function modern(name)
    return (name:gsub("LayerNorm%.gamma$", "LayerNorm.weight"):gsub("LayerNorm%.beta$",
        "LayerNorm.bias"))
end

-- The encoder's names begin with "yoso." in a head and not in the encoder alone.
local function placed(name, known)
    if not known[name] then
        if known[PREFIX .. name] then
            return PREFIX .. name
        elseif name:sub(1, #PREFIX) == PREFIX and known[name:sub(#PREFIX + 1)] then
            return name:sub(#PREFIX + 1)
        end
    end
    return name
end

-- Moves tensors[from] to the name `to` when nothing is there, and drops it otherwise.
local function merge(tensors, from, to)
    local value = tensors[from]
    if value then
        tensors[from] = nil
        if tensors[to] then
            value:free()
        else
            tensors[to] = value
        end
    end
end

local DECODER, WORDS = "cls.predictions.decoder.", "yoso.embeddings.word_embeddings.weight"
local BIAS = "cls.predictions.bias"

-- The decoder of masked words: tied, it is the word embeddings and the bias under other names;
-- untied, older files leave out the bias that was the same as the other.
local function settle_decoder(tensors, known, config)
    if not known[BIAS] then
        return
    end
    if config.tie_word_embeddings then
        merge(tensors, DECODER .. "weight", WORDS)
        merge(tensors, DECODER .. "bias", BIAS)
    elseif not tensors[DECODER .. "bias"] and tensors[BIAS] then
        tensors[DECODER .. "bias"] = tensors[BIAS]:clone()
    elseif not tensors[BIAS] and tensors[DECODER .. "bias"] then
        tensors[BIAS] = tensors[DECODER .. "bias"]:clone()
    end
end

local heads = {"^cls%.", "^classifier%.", "^pre_classifier%.", "^qa_outputs%."}

--- true for the name of a parameter outside the encoder.
function M.is_head(name)
    for _, head in ipairs(heads) do
        if name:find(head) then
            return true
        end
    end
    return false
end

-- A model that is only an encoder takes the encoder out of any checkpoint.
local function drop_heads(tensors, known)
    for name, value in pairs(tensors) do
        if not known[WORDS] and M.is_head(name) then
            value:free()
            tensors[name] = nil
        end
    end
end

--- Renames the entries of tensors to those of known, the model's state.
function M.adapt(tensors, known, config)
    local renamed = {}
    for name, value in pairs(tensors) do
        if is_counting(name) then
            value:free()
        else
            renamed[placed(modern(name), known)] = value
        end
        tensors[name] = nil
    end
    for name, value in pairs(renamed) do
        tensors[name] = value
    end
    settle_decoder(tensors, known, config)
    drop_heads(tensors, known)
end

return M
