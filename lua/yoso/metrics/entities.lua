-- Entity-level micro F1, the CoNLL rule: an entity counts only when its type and both ends match;
-- an I- that follows no entity of its type opens one. Tags that are neither O nor an entity's (parts of
-- speech) have no F1, but the share of words that are tagged right.
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
    return setmetatable({matches = {}, sums = {}, right = {}, words = {}, predicted = 0, actual = 0},
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
    local found, wanted, matches, same = M.spans(predicted), M.spans(actual), 0, 0
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
        self.plain = self.plain or not actual[i]:find("^[BI]%-.") and actual[i] ~= "O"
        same = same + (predicted[i] == actual[i] and 1 or 0)
    end
    self.predicted, self.actual = self.predicted + #found, self.actual + #wanted
    local n = #self.matches + 1
    self.matches[n], self.sums[n] = 2 * matches, #found + #wanted
    self.right[n], self.words[n] = same, #actual
end

function Entities:result()
    local matches, tokens, same = 0, 0, 0
    for i, twice in ipairs(self.matches) do
        matches, tokens, same = matches + twice / 2, tokens + self.words[i], same + self.right[i]
    end
    local function share(of)
        return of == 0 and 0 or matches / of
    end
    local sum = self.predicted + self.actual
    local f1 = not self.plain and (sum == 0 and 0 or 2 * matches / sum) or nil
    return {f1 = f1, precision = share(self.predicted),
        recall = share(self.actual), correct = matches, predicted = self.predicted,
        entities = self.actual, total = #self.matches, tokens = tokens,
        token_accuracy = tokens == 0 and 0 or same / tokens,
        intervals = {f1 = f1 and {interval.ratio(self.matches, self.sums)},
            token_accuracy = {interval.ratio(self.right, self.words)}}}
end

return M
