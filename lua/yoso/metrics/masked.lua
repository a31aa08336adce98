-- Masked language modelling: mean cross-entropy over masked places, its exponential (the masked
-- perplexity) and the share of them guessed right.
local interval = require "yoso.metrics.interval"
local ranges = require "yoso.ranges"

local M = {}

local count = ranges.whole(0)

local Masked = {}
Masked.__index = Masked

function M.new()
    return setmetatable({losses = {}, places = {}, correct = 0}, Masked)
end

--- Adds one sequence: the sum of its losses, its masked places, and how many were right.
function Masked:add(loss, places, correct)
    ranges.number("add", "the loss", loss, ranges.any)
    ranges.number("add", "the number of places", places, count)
    ranges.number("add", "the number of right ones", correct, ranges.whole(0, places + 1))
    local n = #self.losses + 1
    self.losses[n], self.places[n] = loss, places
    self.correct = self.correct + correct
end

function Masked:result()
    local loss, total = 0, 0
    for i = 1, #self.losses do
        loss, total = loss + self.losses[i], total + self.places[i]
    end
    local mean = total == 0 and 0 or loss / total
    local low, high = interval.ratio(self.losses, self.places)
    return {loss = mean, perplexity = math.exp(mean), correct = self.correct, total = total,
        sequences = #self.losses, accuracy = total == 0 and 0 or self.correct / total,
        intervals = {loss = {low, high}, perplexity = {math.exp(low), math.exp(high)},
            accuracy = {interval.wilson(self.correct, total)}}}
end

return M
