-- Scores of labels against values worked out by hand or published.
local metrics = require "yoso.metrics"

local function near(wanted, got, tolerance)
    assert.is_true(math.abs(wanted - got) <= (tolerance or 1e-12),
        ("wanted %.15g, got %.15g"):format(wanted, got))
end

-- A confusion of two classes: true positives, false negatives, false positives, true negatives.
local function binary(tp, fn, fp, tn)
    local metric = metrics.classification(2)
    for _, group in ipairs{{tp, 1, 1}, {fn, 0, 1}, {fp, 1, 0}, {tn, 0, 0}} do
        for _ = 1, group[1] do
            metric:add(group[2], group[3])
        end
    end
    return metric
end

describe("classification", function()
    it("gives accuracy, F1 of class 1 and Matthews' correlation", function()
        local result = binary(6, 2, 1, 3):result({"f1", "matthews"})
        assert.same({9, 12}, {result.correct, result.total})
        near(0.75, result.accuracy)
        near(12 / 15, result.f1)
        near(16 / math.sqrt(7 * 8 * 4 * 5), result.matthews)
    end)
    it("gives Matthews 1, -1 and 0 for all right, all wrong and one class only", function()
        near(1, binary(5, 0, 0, 7):result{"matthews"}.matthews)
        near(-1, binary(0, 5, 7, 0):result{"matthews"}.matthews)
        near(0, binary(5, 0, 7, 0):result{"matthews"}.matthews)
    end)
    it("refuses labels that there are not", function()
        local metric = metrics.classification(2)
        assert.error_matches(function() metric:add(2, 0) end,
            "the predicted label is 2, must be a whole number from 0 to below 2")
        assert.error_matches(function() metric:add(0, -1) end, "the label is %-1, must be")
        assert.error_matches(function() metric:add(0) end, "the label is nil, must be")
        assert.error_matches(function() metrics.classification(0) end, "num_labels is 0, must be")
        assert.equal(0, metric:result().total)
        local any = metrics.classification()
        any:add(7, 7)
        assert.equal(1, any:result{"accuracy", "f1"}.accuracy)
        assert.error_matches(function() metrics.regression():add("high", 1) end,
            "the predicted value is high, must be a number")
        assert.error_matches(function() metrics.multilabel():add({}, 1) end, "a set of labels is a number")
        assert.error_matches(function() metrics.entities():add({"O"}, {"O", "O"}) end,
            "wanted two lists of tags of one length, not 1 and 2")
        assert.error_matches(function() metrics.masked():add(1, 1, 2) end,
            "the number of right ones is 2, must be a whole number from 0 to below 2")
    end)
    it("takes the mean F1 over more than two classes", function()
        local metric = metrics.classification(3)
        for _, pair in ipairs{{0, 0}, {1, 1}, {1, 2}, {2, 2}} do
            metric:add(pair[1], pair[2])
        end
        local result = metric:result{"f1", "matthews"}
        near((1 + 2 / 3 + 2 / 3) / 3, result.f1)
        -- R_K: (3 * 4 - (1*1 + 2*1 + 1*2)) / sqrt((16 - 6) * (16 - 6))
        near(7 / 10, result.matthews)
    end)
    it("gives Wilson's interval, also for none and all", function()
        local low, high = metrics.wilson(0, 10)
        near(0, low)
        near(0.2775327999, high, 1e-8)
        low, high = metrics.wilson(10, 10)
        near(1 - 0.2775327999, low, 1e-8)
        near(1, high)
        low, high = metrics.wilson(698, 872)
        near(0.772640107, low, 1e-8)
        near(0.825641688, high, 1e-8)
    end)
    it("has nothing to say about nothing", function()
        local result = metrics.classification(2):result({"f1"})
        assert.same({0, 0, 0, 0}, {result.accuracy, result.total, result.f1, result.correct})
        assert.same({0, 1}, result.intervals.accuracy)
    end)
end)

describe("the bootstrap", function()
    it("holds the score, repeats, and narrows as examples grow", function()
        local function width(times)
            local result = binary(6 * times, 2 * times, times, 3 * times):result({"f1"})
            local low, high = unpack(result.intervals.f1)
            assert.is_true(low <= result.f1 and result.f1 <= high)
            return high - low
        end
        assert.equal(width(1), width(1))
        -- sixteen times the examples: about a quarter of the width
        local ratio = width(16) / width(1)
        assert.is_true(ratio > 0.15 and ratio < 0.35, tostring(ratio))
    end)
    it("agrees with the normal interval of a mean", function()
        local values = {}
        for i = 1, 400 do
            values[i] = i % 2
        end
        local low, high = metrics.bootstrap(400, function(pick, count)
            local sum = 0
            for i = 0, count - 1 do
                sum = sum + values[tonumber(pick[i]) + 1]
            end
            return sum / count
        end)
        near(0.5 - 1.96 * 0.5 / 20, low, 0.01)
        near(0.5 + 1.96 * 0.5 / 20, high, 0.01)
    end)
end)

describe("regression", function()
    it("gives Pearson's correlation", function()
        near(1, metrics.pearson({1, 2, 3, 5, 8}, {0.11, 0.12, 0.13, 0.15, 0.18}))
        near(-1, metrics.pearson({1, 2, 3}, {3, 2, 1}))
        near(0.5, metrics.pearson({1, 2, 3}, {1, 3, 2}))
        near(0, metrics.pearson({1, 2, 3}, {4, 4, 4}))
    end)
    it("gives Spearman's, equal values sharing the mean of their places", function()
        -- the textbook's example of intelligence and hours of television: -29/165
        near(-29 / 165, metrics.spearman({106, 100, 86, 101, 99, 103, 97, 113, 112, 110},
            {7, 27, 2, 50, 28, 29, 20, 12, 6, 17}))
        near(metrics.pearson({1, 2.5, 2.5, 4}, {1, 2, 3, 4}),
            metrics.spearman({0, 5, 5, 9}, {1, 2, 3, 4}))
    end)
    it("collects both with intervals", function()
        local metric = metrics.regression()
        for i = 1, 20 do
            metric:add(i + (i % 3), i)
        end
        local result = metric:result()
        assert.equal(20, result.total)
        assert.is_true(result.intervals.pearson[1] <= result.pearson)
        assert.is_true(result.intervals.spearman[2] >= result.spearman)
    end)
end)
