-- Correlations of predicted with true scores: Pearson's, and Spearman's on ranks, where equal values
-- share the mean of their places.
local interval = require "yoso.metrics.interval"
local ranges = require "yoso.ranges"

local M = {}

local Regression = {}
Regression.__index = Regression

function M.new()
    return setmetatable({predicted = {}, label = {}}, Regression)
end

function Regression:add(predicted, label)
    ranges.number("add", "the predicted value", predicted, ranges.any)
    ranges.number("add", "the value", label, ranges.any)
    local n = #self.predicted + 1
    self.predicted[n], self.label[n] = predicted, label
end

--- Pearson's correlation of two lists of one length; 0 where one of them does not vary.
function M.pearson(x, y)
    local n, mean_x, mean_y = #x, 0, 0
    for i = 1, n do
        mean_x, mean_y = mean_x + x[i], mean_y + y[i]
    end
    mean_x, mean_y = mean_x / n, mean_y / n
    local xy, xx, yy = 0, 0, 0
    for i = 1, n do
        local dx, dy = x[i] - mean_x, y[i] - mean_y
        xy, xx, yy = xy + dx * dy, xx + dx * dx, yy + dy * dy
    end
    local below = math.sqrt(xx) * math.sqrt(yy)
    return below == 0 and 0 or xy / below
end

--- Ranks from 1; equal values get the mean of their places.
function M.ranks(values)
    local order, ranks = {}, {}
    for i = 1, #values do
        order[i] = i
    end
    table.sort(order, function(a, b) return values[a] < values[b] end)
    local first = 1
    while first <= #order do
        local last = first
        while last < #order and values[order[last + 1]] == values[order[first]] do
            last = last + 1
        end
        for i = first, last do
            ranks[order[i]] = (first + last) / 2
        end
        first = last + 1
    end
    return ranks
end

function M.spearman(x, y)
    return M.pearson(M.ranks(x), M.ranks(y))
end

local function resampled(self, correlation)
    return function(pick, count)
        local x, y = {}, {}
        for i = 1, count do
            local at = tonumber(pick[i - 1]) + 1
            x[i], y[i] = self.predicted[at], self.label[at]
        end
        return correlation(x, y)
    end
end

function Regression:result()
    local result = {total = #self.label, intervals = {}}
    for _, name in ipairs{"pearson", "spearman"} do
        result[name] = #self.label > 0 and M[name](self.predicted, self.label) or 0
        result.intervals[name] = {interval.bootstrap(#self.label, resampled(self, M[name]))}
    end
    return result
end

return M
