-- Several labels a text: micro F1 over all (text, label) pairs, and the share of texts whose labels
-- are all right.
local c = require "yoso.c"
local interval = require "yoso.metrics.interval"

local M = {}

local MultiLabel = {}
MultiLabel.__index = MultiLabel

function M.new()
    return setmetatable({matches = {}, sums = {}, correct = 0}, MultiLabel)
end

--- Adds one text: two sets, {[label] = true}.
function MultiLabel:add(predicted, actual)
    for _, set in ipairs{predicted or false, actual or false} do
        if type(set) ~= "table" then
            c.raise(("add: a set of labels is a %s, must be {[label] = true}"):format(type(set)))
        end
    end
    local matches, found, wanted = 0, 0, 0
    for label in pairs(predicted) do
        found = found + 1
        matches = matches + (actual[label] and 1 or 0)
    end
    for _ in pairs(actual) do
        wanted = wanted + 1
    end
    local n = #self.matches + 1
    self.matches[n], self.sums[n] = 2 * matches, found + wanted
    self.correct = self.correct + ((matches == found and found == wanted) and 1 or 0)
end

function MultiLabel:result()
    local above, below, total = 0, 0, #self.sums
    for i = 1, total do
        above, below = above + self.matches[i], below + self.sums[i]
    end
    return {f1 = below == 0 and 0 or above / below, correct = self.correct, total = total,
        accuracy = total == 0 and 0 or self.correct / total,
        intervals = {f1 = {interval.ratio(self.matches, self.sums)},
            accuracy = {interval.wilson(self.correct, total)}}}
end

return M
