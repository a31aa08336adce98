-- Entity-level micro F1, the CoNLL rule: an entity counts only when its type and both ends match;
-- an I- that follows no entity of its type opens one.
local c = require "yoso.c"
local interval = require "yoso.metrics.interval"

local M = {}

--- Entities of a sentence's tags: a list of {type, first, last}, places from 1.
function M.spans(tags)
    local spans, open = {}, nil
    for i = 1, #tags do
        local prefix, kind = tags[i]:match("^([BI])%-(.+)$")
        if not kind then
            open = nil
        elseif prefix == "B" or not open or open.type ~= kind then
            open = {type = kind, first = i, last = i}
            spans[#spans + 1] = open
        else
            open.last = i
        end
    end
    return spans
end

local Entities = {}
Entities.__index = Entities

function M.new()
    return setmetatable({matches = {}, sums = {}, predicted = 0, actual = 0, tokens = 0, same = 0},
        Entities)
end

local function key(span)
    return ("%d %d %s"):format(span.first, span.last, span.type)
end

--- Adds one sentence: two lists of tags of one length.
function Entities:add(predicted, actual)
    if type(predicted) ~= "table" or type(actual) ~= "table" or #predicted ~= #actual then
        c.raise(("add: wanted two lists of tags of one length, not %s and %s"):format(
            type(predicted) == "table" and #predicted or type(predicted),
            type(actual) == "table" and #actual or type(actual)))
    end
    local found, wanted, matches = M.spans(predicted), M.spans(actual), 0
    local known = {}
    for _, span in ipairs(wanted) do
        known[key(span)] = true
    end
    for _, span in ipairs(found) do
        if known[key(span)] then
            matches = matches + 1
        end
    end
    for i = 1, #actual do
        self.same = self.same + (predicted[i] == actual[i] and 1 or 0)
    end
    self.tokens = self.tokens + #actual
    self.predicted, self.actual = self.predicted + #found, self.actual + #wanted
    local n = #self.matches + 1
    self.matches[n], self.sums[n] = 2 * matches, #found + #wanted
end

function Entities:result()
    local matches = 0
    for _, twice in ipairs(self.matches) do
        matches = matches + twice / 2
    end
    local function share(of)
        return of == 0 and 0 or matches / of
    end
    local sum = self.predicted + self.actual
    return {f1 = sum == 0 and 0 or 2 * matches / sum, precision = share(self.predicted),
        recall = share(self.actual), correct = matches, predicted = self.predicted,
        entities = self.actual, total = #self.matches, tokens = self.tokens,
        token_accuracy = self.tokens == 0 and 0 or self.same / self.tokens,
        intervals = {f1 = {interval.ratio(self.matches, self.sums)}}}
end

return M
