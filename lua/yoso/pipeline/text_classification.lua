-- Text classification: one text or a pair in, all labels with their scores out, the best first.
-- Scores are probabilities (for several labels at once: one each), or the value of a regression.
-- A text longer than the model takes is cut, with a warning.
local batches = require "yoso.pipeline.batches"
local labels = require "yoso.pipeline.labels"

local M = {class = "YosoForSequenceClassification", wants = "a text"}

--- One window; a text that the model cannot take whole is marked as cut.
function M.encode(self, input)
    local text, pair = input, nil
    if type(input) == "table" then
        text, pair = input.text or input[1], input.pair
    end
    local record = self.tokenizer:encode(text,
        {pair = pair, max_length = self.max_length, fields = "ids"})
    record.cut = record.overflowing and #record.overflowing > 0
    return {record}
end

function M.run(self, windows)
    batches.run(windows, self.model.config, self.options, function(batch)
        local data, keep = batches.values(self.model(batch).logits)
        return {data = data, keep = keep}
    end, function(output, row, window)
        local count, logits = self.num_labels, {}
        for i = 1, count do
            logits[i] = tonumber(output.data[(row - 1) * count + i - 1])
        end
        window.logits = logits
    end)
end

local function scores_of(problem, logits)
    if problem == "regression" then
        return logits
    elseif problem == "multi_label_classification" then
        local scores = {}
        for i, value in ipairs(logits) do
            scores[i] = 1 / (1 + math.exp(-value))
        end
        return scores
    end
    local zero_based = {}
    for i, value in ipairs(logits) do
        zero_based[i - 1] = value
    end
    return labels.softmax(zero_based, 0, #logits)
end

function M.decode(self, _, windows)
    local results = {}
    for i, score in ipairs(scores_of(self.problem, windows[1].logits)) do
        results[i] = {label = self.labels[i - 1], score = score, id = i - 1}
    end
    table.sort(results, function(a, b)
        return a.score > b.score or (a.score == b.score and a.id < b.id)
    end)
    for _, result in ipairs(results) do
        result.id = nil
    end
    return results
end

return M
