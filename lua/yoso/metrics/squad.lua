-- SQuAD's exact match and F1 by its official definition: both texts are lower-cased, freed of ASCII
-- punctuation and of the words a, an, the, and their white space collapsed; for each question the
-- best over its answers counts; the mean is times 100.
local interval = require "yoso.metrics.interval"
local words = require "yoso.metrics.words"

local M = {}

--- The text as the metric compares it.
function M.normalize(text)
    text = words.lower(text):gsub("[%p]", "")
    return table.concat(words.split(words.without_articles(text)), " ")
end

--- 1 when both texts are the same once normalised, else 0.
function M.exact(prediction, answer)
    return M.normalize(prediction) == M.normalize(answer) and 1 or 0
end

--- F1 over the multisets of words.
function M.f1(prediction, answer)
    local left = words.split(M.normalize(prediction))
    local right = words.split(M.normalize(answer))
    if #left == 0 or #right == 0 then
        return #left == #right and 1 or 0
    end
    local counts, common = {}, 0
    for _, word in ipairs(right) do
        counts[word] = (counts[word] or 0) + 1
    end
    for _, word in ipairs(left) do
        if (counts[word] or 0) > 0 then
            counts[word], common = counts[word] - 1, common + 1
        end
    end
    return 2 * common / (#left + #right)
end

local Squad = {}
Squad.__index = Squad

function M.new()
    return setmetatable({exact = {}, f1 = {}, ones = {}}, Squad)
end

--- Adds one question: the predicted text (nil counts as none) and a list of right answers.
function Squad:add(prediction, answers)
    local exact, f1 = 0, 0
    if #answers == 0 then -- SQuAD 2.0: the right answer is none
        exact = (prediction == nil or prediction == "") and 1 or 0
        f1 = exact
    end
    for _, answer in ipairs(prediction and answers or {}) do
        exact = math.max(exact, M.exact(prediction, answer))
        f1 = math.max(f1, M.f1(prediction, answer))
    end
    local n = #self.ones + 1
    self.exact[n], self.f1[n], self.ones[n] = 100 * exact, 100 * f1, 1
    return exact, f1
end

function Squad:result()
    local exact, f1, total = 0, 0, #self.ones
    for i = 1, total do
        exact, f1 = exact + self.exact[i], f1 + self.f1[i]
    end
    local count = math.max(total, 1)
    return {exact_match = exact / count, f1 = f1 / count, total = total,
        correct = math.floor(exact / 100 + 0.5),
        intervals = {exact_match = {interval.ratio(self.exact, self.ones)},
            f1 = {interval.ratio(self.f1, self.ones)}}}
end

return M
