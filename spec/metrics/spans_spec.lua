-- Entities, answers and masked words: scores worked out by hand.
local metrics = require "yoso.metrics"
local data = require "yoso.data"
local shared = require "spec.support.shared"

local function near(wanted, got, tolerance)
    assert.is_true(math.abs(wanted - got) <= (tolerance or 1e-12),
        ("wanted %.15g, got %.15g"):format(wanted, got))
end

describe("entities", function()
    it("are read by the CoNLL rule", function()
        assert.same({{type = "PER", first = 1, last = 2}, {type = "PER", first = 3, last = 3},
            {type = "LOC", first = 4, last = 4}, {type = "LOC", first = 6, last = 7}},
            metrics.entity_spans{"B-PER", "I-PER", "B-PER", "I-LOC", "O", "I-LOC", "I-LOC"})
        assert.same({}, metrics.entity_spans{"O", "O"})
    end)
    it("count only when type and both ends match", function()
        local metric = metrics.entities()
        -- right; one end wrong; type wrong; one missing
        metric:add({"B-PER", "I-PER", "O", "B-LOC", "O"}, {"B-PER", "I-PER", "O", "B-LOC", "I-LOC"})
        metric:add({"B-LOC", "O", "O"}, {"B-PER", "O", "B-ORG"})
        local result = metric:result()
        assert.same({1, 3, 4, 2}, {result.correct, result.predicted, result.entities, result.total})
        near(1 / 3, result.precision)
        near(1 / 4, result.recall)
        near(2 / 7, result.f1)
        near(5 / 8, result.token_accuracy)
    end)
    it("give 0, not NaN, where there are none", function()
        local metric = metrics.entities()
        metric:add({"O"}, {"O"})
        assert.same({0, 0, 0}, {metric:result().f1, metric:result().precision,
            metric:result().recall})
    end)
end)

describe("SQuAD's metric", function()
    it("normalises case, punctuation, articles and white space", function()
        assert.equal("cat sat on mat", metrics.squad_normalize("The  cat, sat on\ta MAT!"))
        assert.equal("us3 nearly 12", metrics.squad_normalize("US$3 (nearly $12)"))
        assert.equal("ärger in ωmega", metrics.squad_normalize("Ärger in the Ωmega"))
        assert.equal("–b anthem", metrics.squad_normalize("a –b Anthem"))
        assert.equal("", metrics.squad_normalize("The."))
    end)
    it("takes F1 over multisets of words", function()
        near(1, metrics.squad_f1("the Denver Broncos", "Denver Broncos!"))
        near(2 * 1 / (1 + 2), metrics.squad_f1("Broncos", "Denver Broncos"))
        near(2 * 2 / (3 + 2), metrics.squad_f1("to be be", "be to"))
        near(0, metrics.squad_f1("", "Broncos"))
        near(1, metrics.squad_f1("a", "the"))
    end)
    it("takes the best answer of each question, and nothing as 0", function()
        local metric = metrics.squad()
        metric:add("in 1973", {"October 1973", "1973"})
        metric:add("$12", {"nearly $12", "$12"})
        metric:add(nil, {"x"})
        metric:add("", {})
        local result = metric:result()
        near(100 * 2 / 4, result.exact_match)
        near(100 * (2 / 3 + 1 + 0 + 1) / 4, result.f1)
        assert.same({4, 2}, {result.total, result.correct})
    end)
    shared.golden(it, pending, "is 100 for each gold answer of XQuAD", function()
        local metric = metrics.squad()
        for question in assert(data.squad(shared.path("data/squad/xquad.en.json"))) do
            metric:add(question.answers[1].text, {question.answers[1].text})
        end
        assert.same({100, 100, 1190}, {metric:result().exact_match, metric:result().f1,
            metric:result().total})
    end)
end)

describe("masked words", function()
    it("give mean loss, perplexity and accuracy over places, not sequences", function()
        local metric = metrics.masked()
        metric:add(6 * math.log(4), 6, 3)
        metric:add(2 * math.log(16), 2, 1)
        local result = metric:result()
        near(1.25 * math.log(4), result.loss)
        near(4 ^ 1.25, result.perplexity, 1e-9)
        near(0.5, result.accuracy)
        assert.same({4, 8, 2}, {result.correct, result.total, result.sequences})
        assert.is_true(result.intervals.loss[1] <= result.loss)
    end)
end)
