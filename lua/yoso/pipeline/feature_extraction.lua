-- Feature extraction: a text in, a vector out, as a tensor [hidden_size]: the mean over its tokens,
-- or with options.pooling = "first" the first token's state; "none" gives all of them [N, hidden].
local batches = require "yoso.pipeline.batches"
local c = require "yoso.c"
local scope = require "yoso.scope"

local M = {class = "YosoModel", wants = "a text"}

local pooling = {
    mean = function(states) return states:mean(1) end,
    first = function(states) return states[1] end,
    none = function(states) return states end,
}

--- Checks the options before anything is loaded.
function M.check(options)
    if options.pooling and not pooling[options.pooling] then
        c.raise(("pipeline: pooling is %s, wanted mean, first or none"):format(
            tostring(options.pooling)))
    end
end

function M.encode(self, input)
    local record = self.tokenizer:encode(input, {max_length = self.max_length})
    record.cut = record.overflowing and #record.overflowing > 0
    return {record}
end

function M.run(self, windows)
    local pool = pooling[self.options.pooling or "mean"]
    batches.run(windows, self.model.config, self.options, function(batch)
        return self.model(batch).last_hidden_state
    end, function(hidden, row, window)
        window.features = scope.keep(
            pool(hidden[row]:narrow(1, 1, #window.ids)):to("f32"):clone())
    end)
end

function M.decode(_, _, windows)
    return windows[1].features
end

return M
