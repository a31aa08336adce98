-- Multiple choice: prompt and choice as a pair, one sequence a choice; a batch holds questions with
-- the same number of choices.
local batches = require "yoso.pipeline.batches"
local tensor = require "yoso.tensor"

return function(context)
    local features = {}

    function features.target(example)
        if not example.label then
            return nil, "no label, wanted the right choice's number from 0"
        end
        return example.label
    end

    function features.records(example)
        local label, failure = features.target(example)
        if not label then
            return nil, failure
        end
        local choices, length = {}, 0
        for i, choice in ipairs(example.choices) do
            local encoded = context.tokenizer:encode(example.prompt,
                {pair = choice, max_length = context.max_length})
            choices[i] = {ids = encoded.ids, type_ids = encoded.type_ids}
            length = length + #encoded.ids
        end
        return {{choices = choices, label = label, length = length}}
    end

    function features.group(record)
        return #record.choices
    end

    function features.inputs(records)
        local count, flat, labels = #records[1].choices, {}, {}
        for i, record in ipairs(records) do
            labels[i] = record.label
            for _, choice in ipairs(record.choices) do
                flat[#flat + 1] = choice
            end
        end
        local inputs = {}
        for name, value in pairs(batches.tensors(flat, 1, #flat, context.config)) do
            inputs[name] = value:reshape{#records, count, value:size(2)}
        end
        inputs.labels = tensor.tensor(labels, "i64")
        return inputs
    end

    return features
end
