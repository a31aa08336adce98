-- Text matching: two texts, each a sequence of its own, and the label of the pair.
local batches = require "yoso.pipeline.batches"
local classification = require "yoso.train.features.text_classification"
local tensor = require "yoso.tensor"

return function(context)
    local one = classification(context)
    local features = {target = one.target}

    function features.records(example)
        local record, length, texts = nil, 0, {}
        for i, text in ipairs{example.text, example.pair} do
            local records, failure = one.records{text = text, label = example.label}
            if not records then
                return nil, failure
            end
            record = records[1]
            texts[i], length = record, length + record.length
        end
        if #texts < 2 then
            return nil, "one text, wanted two (text and pair)"
        end
        return {{texts = texts, label = record.label, length = length}}
    end

    function features.inputs(records)
        local flat, labels = {}, {}
        for i, record in ipairs(records) do
            labels[i] = record.label
            flat[2 * i - 1], flat[2 * i] = record.texts[1], record.texts[2]
        end
        local inputs = {}
        for name, value in pairs(batches.tensors(flat, 1, #flat, context.config)) do
            inputs[name] = value:reshape{#records, 2, value:size(2)}
        end
        inputs.labels = tensor.tensor(labels, one.dtype)
        return inputs
    end

    return features
end
