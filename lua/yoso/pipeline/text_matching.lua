-- Text matching: two long texts in, all labels with their scores out, the best first. Each text is a
-- window of its own, read once; what stands for it is compared with the other's.
local autograd = require "yoso.autograd"
local batches = require "yoso.pipeline.batches"
local classification = require "yoso.pipeline.text_classification"
local scope = require "yoso.scope"
local tensor = require "yoso.tensor"

local M = {class = "YosoForTextMatching", wants = "{text = ..., pair = ...}",
    is_single = function(input) return input.text ~= nil end, decode = classification.decode}

function M.encode(self, input)
    local windows = {}
    for i, text in ipairs{input.text, input.pair} do
        local window = self.tokenizer:encode(text, {max_length = self.max_length, fields = "ids"})
        window.cut = window.overflowing and #window.overflowing > 0
        windows[i] = window
    end
    windows[1].partner = windows[2]
    return windows
end

-- [windows, hidden] of one side.
local function stack(windows, width)
    local rows = tensor.empty{#windows, width}
    local data = tensor.data(rows)
    for i, window in ipairs(windows) do
        for j = 0, width - 1 do
            data[(i - 1) * width + j] = window.pooled[j]
        end
    end
    return rows
end

function M.run(self, windows)
    local width, count = self.model.config.hidden_size, self.num_labels
    local device, dtype = self.options.device or "cpu", self.model:dtype()
    batches.run(windows, self.model.config, self.options, function(batch)
        local data, keep = batches.values((self.model:tower(batch)))
        return {data = data, keep = keep}
    end, function(output, row, window)
        window.pooled = {}
        for j = 0, width - 1 do
            window.pooled[j] = tonumber(output.data[(row - 1) * width + j])
        end
    end)
    local first, second = {}, {}
    for _, window in ipairs(windows) do
        if window.partner then
            first[#first + 1], second[#second + 1] = window, window.partner
        end
    end
    scope.scope(function()
        autograd.no_grad(function()
            local data, keep = batches.values(self.model.classifier(
                stack(first, width):to(dtype):to(device), stack(second, width):to(dtype):to(device)))
            for i, window in ipairs(first) do
                window.logits = {}
                for j = 1, count do
                    window.logits[j] = tonumber(data[(i - 1) * count + j - 1])
                end
            end
            keep:free()
        end)
    end)
end

return M
