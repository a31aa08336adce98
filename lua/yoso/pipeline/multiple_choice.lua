-- Multiple choice: {prompt, choices} in, {index, scores} out; index counts from 1, as choices do.
-- Each choice is a sequence of its own (prompt and choice as a pair), so examples with different
-- numbers of choices share a batch.
local batches = require "yoso.pipeline.batches"
local labels = require "yoso.pipeline.labels"

local M = {class = "YosoForMultipleChoice", wants = "{prompt = ..., choices = {...}}",
    is_single = function(input) return input.prompt ~= nil end}

function M.encode(self, input)
    local windows = {}
    for i, choice in ipairs(input.choices) do
        windows[i] = self.tokenizer:encode(input.prompt,
            {pair = choice, max_length = self.max_length})
        windows[i].cut = windows[i].overflowing and #windows[i].overflowing > 0
    end
    return windows
end

function M.run(self, windows)
    batches.run(windows, self.model.config, self.options, function(batch)
        local inputs = {}
        for name, value in pairs(batch) do
            inputs[name] = value:unsqueeze(2) -- [sequences, 1 choice each, N]
        end
        local data, keep = batches.values(self.model(inputs).logits)
        return {data = data, keep = keep}
    end, function(output, row, window)
        window.logit = tonumber(output.data[row - 1])
    end)
end

function M.decode(_, _, windows)
    local logits, index = {}, 1
    for i, window in ipairs(windows) do
        logits[i - 1] = window.logit
        index = window.logit > windows[index].logit and i or index
    end
    return {index = index, scores = labels.softmax(logits, 0, #windows)}
end

return M
