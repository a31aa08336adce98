-- Text classification: one window a text (cut at the longest), and its label: an id, a number
-- (regression), or a row of 0 and 1 (several labels at once).
local batches = require "yoso.pipeline.batches"
local label_rooms = require "yoso.tasks.labels"
local tensor = require "yoso.tensor"
local words = require "yoso.train.words"

local function number_of(label)
    local value = tonumber(label)
    if not value then
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
        local row = {}
        for i = 1, context.num_labels do
            row[i] = 0
        end
        for _, name in ipairs(words.label_list(label)) do
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
    local features = {}

    function features.records(example)
        local label, failure = resolve(example.label)
        if label == nil then
            return nil, failure
        end
        local encoded = context.tokenizer:encode(example.text,
            {pair = example.pair, max_length = context.max_length})
        return {{ids = encoded.ids, type_ids = encoded.type_ids, label = label,
            special_tokens_mask = encoded.special_tokens_mask}}
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
