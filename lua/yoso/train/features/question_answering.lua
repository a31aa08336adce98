-- Question answering: windows over the context, with stride; each learns where the first gold
-- answer starts and ends among its tokens, or points at its first token when the answer lies
-- elsewhere or the question has none.
local batches = require "yoso.pipeline.batches"
local tensor = require "yoso.tensor"
local windows_of = require "yoso.pipeline.windows"

-- Positions (from 0) of the tokens that cover bytes start to stop of the context; 0, 0 if none.
local function span(window, question_tokens, start, stop)
    local first, last, seen = nil, nil, 0
    for i = 1, #window.ids do
        if window.special_tokens_mask[i] == 0 then
            seen = seen + 1
            local offsets = window.offsets[i]
            if seen > question_tokens and offsets then
                if not first and offsets[2] > start then
                    first = offsets[1] <= start and i or false
                end
                if offsets[1] < stop and offsets[2] >= stop then
                    last = i
                end
            end
        end
    end
    if first and last and last >= first then
        return first - 1, last - 1
    end
    return 0, 0
end

return function(context)
    local features = {}

    function features.records(example)
        local answer = example.answers[1]
        if not answer and not example.impossible then
            return {} -- an answer that is not told is nothing to learn
        end
        local there = answer and example.context:sub(answer.start + 1, answer.stop)
        if answer and there ~= answer.text then
            return nil, ("question %s: the answer is %q, at its answer_start the context has %q"):format(
                example.id, answer.text, there)
        end
        local question = context.tokenizer:encode(example.question, {add_special_tokens = false})
        local room = context.max_length - #question.ids
        local encoded = context.tokenizer:encode(example.question, {pair = example.context,
            max_length = context.max_length, truncation = "only_second",
            stride = math.max(0, math.min(128, math.floor(room / 2) - 4))})
        local records = {}
        for i, window in ipairs(windows_of.of(encoded)) do
            local first, last = 0, 0
            if answer then
                first, last = span(window, #question.ids, answer.start, answer.stop)
            end
            records[i] = {ids = window.ids, type_ids = window.type_ids,
                special_tokens_mask = window.special_tokens_mask, first = first, last = last}
        end
        return records
    end

    function features.inputs(records)
        local inputs = batches.tensors(records, 1, #records, context.config)
        local first, last = {}, {}
        for i, record in ipairs(records) do
            first[i], last[i] = record.first, record.last
        end
        inputs.start_positions = tensor.tensor(first, "i64")
        inputs.end_positions = tensor.tensor(last, "i64")
        return inputs
    end

    return features
end
