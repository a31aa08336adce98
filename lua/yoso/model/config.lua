-- YosoConfig: what a YOSO model is made of, with the fields and defaults of config.json. Fields
-- that are not known here are kept and written back.
local c = require "yoso.c"
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local labels = require "yoso.model.labels"

local M = {}

local Config = {__name = "YosoConfig"}
Config.__index = Config

-- -- Fields -----------------------------------------------------------------------------------

local function whole(low, high)
    return function(value)
        return type(value) == "number" and value == math.floor(value) and value >= low
            and value <= (high or 2 ^ 31), high and ("a whole number from %d to %d"):format(low, high)
            or ("a whole number from %d on"):format(low)
    end
end

local function real(low, high)
    return function(value)
        return type(value) == "number" and value >= low and value < high,
            high == math.huge and ("a number from %g on"):format(low)
            or ("a number from %g to below %g"):format(low, high)
    end
end

local function flag(value)
    return type(value) == "boolean", "true or false"
end

local function odd(value)
    return whole(1, 2 ^ 16)(value) and value % 2 == 1,
        "an odd whole number: with an even window the result would be longer than the input"
end

-- One id, or a list of them as some end-of-text fields have it.
local function id(value)
    if type(value) == "table" then
        for _, one in ipairs(value) do
            if not whole(0)(one) then
                return false, "an id or a list of ids"
            end
        end
        return true
    end
    return whole(0)(value), "an id or a list of ids"
end

local function activation(value)
    if type(value) ~= "string" then
        return false, "the name of an activation"
    end
    local code = c.new("int32_t[1]")
    local known, message = c.try(c.lib.yoso_activation(code, value))
    local names = message and message:match("there are (.*)$")
    return known, names and "one of " .. names or "the name of an activation"
end

local problem_types = {regression = true, single_label_classification = true,
    multi_label_classification = true}
local function problem_type(value)
    return problem_types[value] == true,
        "regression, single_label_classification or multi_label_classification"
end

local function attention(value)
    return value == "softmax", "softmax"
end

local function pooling(value)
    return value == "first" or value == "mean", "first or mean"
end

-- Name, default, check; with `optional` the field may be absent (null in the file).
local fields = {
    {"vocab_size", 50265, whole(1)},
    {"hidden_size", 768, whole(1)},
    {"num_hidden_layers", 12, whole(0)},
    {"num_attention_heads", 12, whole(1)},
    {"intermediate_size", 3072, whole(1)},
    {"hidden_act", "gelu", activation},
    {"hidden_dropout_prob", 0.1, real(0, 1)},
    {"attention_probs_dropout_prob", 0.1, real(0, 1)},
    {"max_position_embeddings", 4096, whole(1)},
    {"type_vocab_size", 1, whole(1)},
    {"initializer_range", 0.02, real(0, math.huge)},
    {"layer_norm_eps", 1e-12, real(0, math.huge)},
    {"use_expectation", true, flag},
    {"hash_code_len", 9, whole(1, 16)},
    {"num_hash", 64, whole(1, 2 ^ 16)},
    {"conv_window", nil, odd, optional = true},
    {"use_fast_hash", true, flag},
    {"lsh_backward", true, flag},
    {"pad_token_id", 1, whole(0), optional = true},
    {"bos_token_id", 0, whole(0), optional = true},
    {"eos_token_id", 2, id, optional = true},
    {"add_cross_attention", false, flag},
    {"tie_word_embeddings", true, flag},
    {"chunk_size_feed_forward", 0, whole(0)},
    {"problem_type", nil, problem_type, optional = true},
    -- Ours alone: "softmax" makes the baseline that YOSO is compared with.
    {"attention_baseline", nil, attention, optional = true},
    -- What a classifier of whole texts reads: their first token (the default) or the mean of all.
    {"pooling", nil, pooling, optional = true},
    -- Whether a question may have no answer in its context, as in SQuAD 2.0.
    {"handle_impossible_answer", nil, flag, optional = true},
}
-- Optional fields that are ours: absent from config.json, rather than null, when they are not set.
local ours = {attention_baseline = true, pooling = true, handle_impossible_answer = true}

local by_name = {}
for _, field in ipairs(fields) do
    by_name[field[1]] = field
end

local function text_of(value)
    if type(value) == "table" then
        return "a table"
    end
    return value == json.null and "null" or tostring(value)
end

-- What is wrong with the values together, or nil.
local function clash(config)
    if config.hidden_size % config.num_attention_heads ~= 0 then
        return ("hidden_size %d is no multiple of num_attention_heads %d")
            :format(config.hidden_size, config.num_attention_heads)
    elseif config.add_cross_attention then
        return "add_cross_attention is true; YOSO is an encoder and has none"
    elseif config.pad_token_id and config.pad_token_id >= config.vocab_size then
        return ("pad_token_id is %d, must be below vocab_size %d")
            :format(config.pad_token_id, config.vocab_size)
    end
end

-- Fills config from values; nil and what is wrong when they do not make a model.
local function fill(values)
    local config = setmetatable({}, Config)
    for name, value in pairs(values) do
        if not by_name[name] then
            config[name] = value
        end
    end
    for _, field in ipairs(fields) do
        local name, default, check = field[1], field[2], field[3]
        local value = values[name]
        if value == nil then
            value = default
        elseif value == json.null and field.optional then
            value = nil
        else
            local ok, wanted = check(value)
            if not ok then
                return nil, ("%s is %s, must be %s"):format(name, text_of(value), wanted)
            end
        end
        config[name] = value
    end
    local problem = labels.fill(config, values) or clash(config)
    if problem then
        return nil, problem
    end
    return config
end

-- -- Making, reading, writing ----------------------------------------------------------------------

--- A configuration from a table of fields; what is not given has the reference's default.
function M.YosoConfig(values)
    if values ~= nil and type(values) ~= "table" then
        c.raise(("YosoConfig: the fields are a %s, must be a table"):format(type(values)))
    end
    local config, problem = fill(values or {})
    if not config then
        c.raise("YosoConfig: " .. problem)
    end
    return config
end

--- The same with some fields changed.
function Config:with(changes)
    local values = {}
    for name, value in pairs(self) do
        values[name] = value
    end
    for name, value in pairs(changes) do
        values[name] = value
    end
    if changes.id2label ~= nil then
        values.num_labels, values.label2id = changes.num_labels, changes.label2id
    elseif changes.num_labels ~= nil then
        values.id2label, values.label2id = nil, nil
    end
    return M.YosoConfig(values)
end

--- A configuration from the text of a config.json; nil and a message beginning with `what`.
function M.parse(text, what)
    local values, message = json.decode(text, what)
    if not values then
        return nil, message
    end
    if type(values) ~= "table" or #values > 0 then
        return nil, what .. ": is no JSON object"
    end
    if values.model_type ~= "yoso" then
        return nil, ("%s: model_type is %s, must be yoso"):format(what, text_of(values.model_type))
    end
    local config, problem = fill(values)
    if not config then
        return nil, ("%s: %s"):format(what, problem)
    end
    return config
end

--- A configuration from a file.
function M.read(path)
    local text, message = file.read(path)
    if not text then
        return nil, message
    end
    return M.parse(text, path)
end

--- The fields as config.json has them.
function Config:to_table()
    local values = {model_type = "yoso"}
    for name, value in pairs(self) do
        values[name] = value
    end
    for _, field in ipairs(fields) do
        if field.optional and values[field[1]] == nil and not ours[field[1]] then
            values[field[1]] = json.null
        end
    end
    labels.write(values)
    return values
end

--- The text of config.json.
function Config:to_json()
    return json.encode(self:to_table(), "  ") .. "\n"
end

--- The attention that the fields ask for: "expectation", "sample" or "softmax".
function Config:attention()
    return self.attention_baseline or (self.use_expectation and "expectation" or "sample")
end

function Config:head_size()
    return self.hidden_size / self.num_attention_heads
end

Config.__tostring = function(self)
    return "YosoConfig " .. json.encode(self:to_table(), "  ")
end

--- true when value is a configuration.
function M.is(value)
    return getmetatable(value) == Config
end

return M
