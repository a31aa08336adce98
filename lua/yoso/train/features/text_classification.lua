-- Text classification: one window a text (cut at the longest), and its label: an id, a number
-- (regression), or a row of 0 and 1 (several labels at once).
local batches = require "yoso.pipeline.batches"
local c = require "yoso.c"
local label_rooms = require "yoso.tasks.labels"
local tensor = require "yoso.tensor"

local half, whole = c.typeof("uint16_t[?]"), c.typeof("int32_t[?]")

-- Ids from 1, as they are in a table: the first place is not used.
local function narrow(ids, count, id_limit)
    local list = id_limit <= 2 ^ 16 and c.array(half, count + 1) or c.array(whole, count + 1)
    for i = 1, count do
        list[i] = ids[i]
    end
    return list
end

local function number_of(label)
    local value = tonumber(label)
    if label == nil then
        return nil, "no label"
    elseif not value then
        return nil, ("label %q, wanted a number"):format(tostring(label))
    end
    return value
end

-- A row of 0 and 1 from a list of names or a text with commas.
local function row_of(context)
    local ids = {}
    for id = 0, context.num_labels - 1 do
        ids[context.names[id]] = id
    end
    return function(label)
        if label == nil then
            return nil, "no label"
        end
        local row = {}
        for i = 1, context.num_labels do
            row[i] = 0
        end
        for _, name in ipairs(label_rooms.list(label)) do
            if not ids[name] then
                return nil, ("label %q is not among the training labels"):format(name)
            end
            row[ids[name] + 1] = 1
        end
        return row
    end
end

return function(context)
    local dtype, resolve = "f32", number_of
    if context.problem == "multi_label_classification" then
        resolve = row_of(context)
    elseif context.problem == "single_label_classification" then
        dtype = "i64"
        resolve = label_rooms.resolver(context.task, context.names, context.num_labels)
    end
    local features = {dtype = dtype}
    -- Ids that the model lacks, if the tokenizer has some, are for the model to refuse.
    local id_limit = math.max(context.config.vocab_size, context.tokenizer:vocab_size())

    function features.target(example)
        return resolve(example.label)
    end

    function features.records(example)
        local label, failure = resolve(example.label)
        if label == nil then
            return nil, failure
        end
        local encoded = context.tokenizer:encode(example.text,
            {pair = example.pair, max_length = context.max_length, overflow = false,
            fields = context.word_dropout == 0 and "ids" or nil})
        -- Long Range Arena's sets are a hundred million tokens: they are kept narrow, and what is
        -- not wanted is not kept.
        local ids, length = encoded.ids, #encoded.ids
        return {{ids = narrow(ids, length, id_limit), length = length, label = label,
            type_ids = context.config.type_vocab_size > 1 and encoded.type_ids or nil,
            special_tokens_mask = context.word_dropout > 0 and encoded.special_tokens_mask or nil}}
    end

    function features.inputs(records)
        local inputs = batches.tensors(records, 1, #records, context.config)
        local labels = {}
        for i, record in ipairs(records) do
            labels[i] = record.label
        end
        inputs.labels = tensor.tensor(labels, dtype)
        return inputs
    end

    return features
end
