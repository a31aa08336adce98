-- Token classification: words with tags. The words are read as one text, single spaces between, as
-- the model will meet them; the first token that starts in a word carries its tag, the others are
-- passed over by the loss. A long sentence gives several windows.
local batches = require "yoso.pipeline.batches"
local windows_of = require "yoso.pipeline.windows"
local words = require "yoso.train.words"

local ignored = require("yoso.train.features").ignored

-- The label of each token of a window: `starts` and `stops` are the words' byte ranges.
local function align(window, starts, stops, ids)
    local labels, word, last_word = {}, 1, 0
    for i = 1, #window.ids do
        labels[i] = ignored
        local offsets = window.offsets[i]
        if window.special_tokens_mask[i] == 0 and offsets and offsets[2] > offsets[1] then
            while starts[word] and stops[word] <= offsets[1] do
                word = word + 1
            end
            -- A byte-level token may begin with the space before its word.
            local at = word
            if starts[at] and offsets[2] <= starts[at] then
                at = nil
            end
            if at and starts[at] and at > last_word then
                labels[i], last_word = ids[at], at
            end
        end
    end
    return labels
end

return function(context)
    local ids_by_name = {}
    for id = 0, context.num_labels - 1 do
        ids_by_name[context.names[id]:lower()] = id
    end
    local features = {}

    --- The id of each word's tag.
    function features.target(example)
        local ids = {}
        for i, tag in ipairs(example.tags) do
            ids[i] = ids_by_name[tostring(tag):lower()]
            if not ids[i] then
                return nil, ("tag %q is not among the training labels"):format(tostring(tag))
            end
        end
        return ids
    end

    function features.records(example)
        local ids, failure = features.target(example)
        if not ids then
            return nil, failure
        end
        local starts, stops, at = {}, {}, 0
        for i, token in ipairs(example.tokens) do
            starts[i], stops[i] = at, at + #token
            at = at + #token + 1
        end
        local encoded = context.tokenizer:encode(table.concat(example.tokens, " "),
            {max_length = context.max_length, stride = 0})
        local records = {}
        for i, window in ipairs(windows_of.of(encoded)) do
            records[i] = {ids = window.ids, type_ids = window.type_ids,
                special_tokens_mask = window.special_tokens_mask,
                labels = align(window, starts, stops, ids)}
        end
        return records
    end

    function features.inputs(records)
        local inputs = batches.tensors(records, 1, #records, context.config)
        local rows = {}
        for i, record in ipairs(records) do
            rows[i] = record.labels
        end
        inputs.labels = words.matrix(rows, inputs.input_ids:size(2), ignored)
        return inputs
    end

    return features
end
