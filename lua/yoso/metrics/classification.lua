-- Scores of predicted against true labels: accuracy, F1 and Matthews' correlation.
-- Labels are ids from 0.
local c = require "yoso.c"
local interval = require "yoso.metrics.interval"
local ranges = require "yoso.ranges"

local M = {}

local Classification = {}
Classification.__index = Classification

--- An accumulator for labels 0 to num_labels - 1; without num_labels for any, and accuracy alone.
function M.new(num_labels)
    if num_labels ~= nil then
        ranges.number("classification", "num_labels", num_labels, ranges.whole(1))
    end
    return setmetatable({num_labels = num_labels, allowed = ranges.whole(0, num_labels),
        predicted = {}, label = {}}, Classification)
end

function Classification:add(predicted, label)
    ranges.number("add", "the predicted label", predicted, self.allowed)
    ranges.number("add", "the label", label, self.allowed)
    local n = #self.predicted + 1
    self.predicted[n], self.label[n] = predicted, label
end

-- counts[p * num_labels + l], from 0: how often p was predicted where l was right. cells_of gives
-- each example's place in it; tally counts all examples, or the picked ones of a resample.
local function cells_of(self)
    local cells = c.array("int32_t[?]", math.max(1, #self.label))
    for i = 1, #self.label do
        cells[i - 1] = self.predicted[i] * self.num_labels + self.label[i]
    end
    return cells
end

local function tally(self, cells, count, pick)
    local counts = c.array("double[?]", self.num_labels * self.num_labels)
    if pick then
        for i = 0, count - 1 do
            local cell = cells[pick[i]]
            counts[cell] = counts[cell] + 1
        end
    else
        for i = 0, count - 1 do
            counts[cells[i]] = counts[cells[i]] + 1
        end
    end
    return counts
end

-- How often a class was predicted, and how often it was right.
local function marginals(counts, class, num_labels)
    local predicted, actual = 0, 0
    for other = 0, num_labels - 1 do
        predicted = predicted + counts[class * num_labels + other]
        actual = actual + counts[other * num_labels + class]
    end
    return predicted, actual
end

local function f1_of(counts, class, num_labels)
    local predicted, actual = marginals(counts, class, num_labels)
    local sum = predicted + actual
    return sum == 0 and 0 or 2 * counts[class * num_labels + class] / sum
end

-- F1 of class 1 for two classes, the mean over classes for more.
local function f1(counts, num_labels)
    if num_labels == 2 then
        return f1_of(counts, 1, 2)
    end
    local sum = 0
    for class = 0, num_labels - 1 do
        sum = sum + f1_of(counts, class, num_labels)
    end
    return sum / num_labels
end

-- Matthews' correlation for any number of classes (Gorodkin's R_K); 0 where it has no value.
local function matthews(counts, num_labels)
    local correct, total, cross, squares_p, squares_l = 0, 0, 0, 0, 0
    for class = 0, num_labels - 1 do
        local predicted, actual = marginals(counts, class, num_labels)
        correct, total = correct + counts[class * num_labels + class], total + predicted
        cross = cross + predicted * actual
        squares_p, squares_l = squares_p + predicted * predicted, squares_l + actual * actual
    end
    local below = math.sqrt(total * total - squares_p) * math.sqrt(total * total - squares_l)
    return below == 0 and 0 or (correct * total - cross) / below
end

function Classification:correct()
    local correct = 0
    for i = 1, #self.label do
        if self.predicted[i] == self.label[i] then
            correct = correct + 1
        end
    end
    return correct
end

local statistics = {f1 = f1, matthews = matthews}

--- {accuracy, correct, total, f1, matthews as named, intervals}. Accuracy is always there.
function Classification:result(names)
    local total, correct = #self.label, self:correct()
    local result = {accuracy = total > 0 and correct / total or 0, correct = correct,
        total = total, intervals = {accuracy = {interval.wilson(correct, total)}}}
    local cells = self.num_labels and cells_of(self)
    for _, name in ipairs(names or {}) do
        local statistic = cells and statistics[name]
        if statistic then
            result[name] = statistic(tally(self, cells, total), self.num_labels)
            result.intervals[name] = {interval.bootstrap(total, function(pick, count)
                return statistic(tally(self, cells, count, pick), self.num_labels)
            end)}
        end
    end
    return result
end

return M
