-- Evaluation: the published score of the sentiment model, every task on its original files, and
-- every way a call can go wrong.
local json = require "yoso.io.json"
local file = require "yoso.io.file"
local shared = require "spec.support.shared"
local tiny = require "spec.support.tiny"
local yoso = require "yoso"

local function golden(name, fn)
    shared.golden(it, pending, name, fn)
end

local function temporary(name)
    local path = os.tmpname()
    os.remove(path)
    return path .. name
end

describe("the models that ship", function()
    golden("get on SST-2 what their card says", function()
        local result = assert(yoso.evaluate{model = "models/sentiment", task = "sst2",
            data = shared.path("data/glue/SST-2")})
        -- (A sentence on the border may fall to either side with another processor's rounding.)
        assert.is_true(math.abs(result.correct - 732) <= 1, result.correct .. " of 872")
    end)
    golden("find entities and masked words as well as their cards say", function()
        local entities = assert(yoso.evaluate{model = "models/entities", task = "wikiann",
            data = shared.path("data/wikiann-en"), limit = 1000})
        assert.is_true(entities.f1 > 0.65)
        local words = assert(yoso.evaluate{model = "models/fill-mask", task = "wikitext",
            data = shared.path("data/wikitext-2"), limit = 60})
        assert.is_true(words.accuracy > 0.3)
    end)
    golden("work out lists with sampled attention", function()
        local result = assert(yoso.evaluate{model = "models/listops", task = "listops",
            data = shared.path("data/lra-listops"), limit = 300})
        assert.equal("sample", result.attention)
        assert.is_true(result.accuracy > 0.38)
    end)
end)

describe("the reference's sentiment model", function()
    golden("gets 698 of 872 on SST-2, as PyTorch does", function()
        local seen = 0
        local result = assert(yoso.evaluate{model = shared.path("checkpoints/sst2-yoso-mini"),
            task = "sst2", data = shared.path("data/glue/SST-2"),
            progress = function(done) seen = done end})
        assert.same({698, 872, 698 / 872}, {result.correct, result.total, result.accuracy})
        assert.same({872, 0, 128, "expectation", "dev"}, {seen, result.truncated,
            result.max_length, result.attention, result.split})
        assert.is_true(result.intervals.accuracy[1] < 0.8 and result.intervals.accuracy[2] > 0.8)
        assert.is_true(result.tokens > 872 * 3 and result.examples_per_second > 0)
    end)
    golden("gives the reference's logits", function()
        local classify = assert(yoso.pipeline("text-classification",
            shared.path("checkpoints/sst2-yoso-mini")))
        local worst = 0
        for line in io.lines(shared.path("checkpoints/sst2-yoso-mini/golden.jsonl")) do
            local wanted = json.decode(line)
            local window = classify:windows({wanted.text})[1][1]
            assert.same(wanted.ids, window.ids)
            for i, logit in ipairs(wanted.logits) do
                worst = math.max(worst, math.abs(logit - window.logits[i]))
            end
        end
        assert.is_true(worst < 2e-5, "worst logit is off by " .. worst)
    end)
    golden("writes predictions that add up to its score", function()
        local path = temporary(".jsonl")
        local result = assert(yoso.evaluate{model = "models/sentiment", task = "sst2", limit = 40,
            data = shared.path("data/glue/SST-2/dev.tsv"), predictions = path})
        local right, rows = 0, 0
        for line in io.lines(path) do
            local record = json.decode(line)
            rows, right = rows + 1, right + (record.prediction == record.label and 1 or 0)
            assert.equal(rows + 1, record.line)
        end
        os.remove(path)
        assert.same({40, result.correct}, {rows, right})
    end)
    golden("scores the same from memory, in eval mode meanwhile", function()
        local wanted = assert(yoso.evaluate{model = "models/sentiment", task = "sst2", limit = 100,
            data = shared.path("data/glue/SST-2")})
        assert.is_true(wanted.correct > 70)
        local model = assert(yoso.load("models/sentiment")):train()
        local examples = yoso.data.glue("sst2", shared.path("data/glue/SST-2/dev.tsv"))
        local result = assert(yoso.evaluate(model, tiny.tokenizer(), "sst2", examples,
            {limit = 100}))
        assert.same({wanted.correct, 100}, {result.correct, result.total})
        assert.is_true(model.training)
        result = assert(yoso.evaluate{model = {model = model, tokenizer = tiny.tokenizer()},
            task = "sst2", data = shared.path("data/glue/SST-2"), limit = 100})
        assert.same({wanted.correct, 100}, {result.correct, result.total})
        assert.is_true(model.training)
        assert.is_nil(result.model)
    end)
    golden("resolves labels by their names", function()
        local path = temporary(".tsv")
        assert(file.write(path, "review\tmood\na great film\tPositive\nawful\tnegative\n"))
        local result = assert(yoso.evaluate{model = "models/sentiment", data = path,
            task = "text-classification", columns = {text = "review", label = "mood"}})
        os.remove(path)
        assert.same({2, 2}, {result.correct, result.total})
    end)
end)

describe("every task runs on its own files:", function()
    local folders = {sst2 = "glue/SST-2", cola = "glue/CoLA", mrpc = "glue/MRPC",
        stsb = "glue/STS-B", qqp = "glue/QQP", mnli = "glue/MNLI", qnli = "glue/QNLI",
        rte = "glue/RTE", wnli = "glue/WNLI", wnut17 = "wnut17", wikiann = "wikiann-en",
        squad = "squad", ["squad-split"] = "squad", xquad = "squad", ["arc-easy"] = "arc",
        ["arc-challenge"] = "arc", copa = "copa", swag = "swag", wikitext = "wikitext-2",
        listops = "lra-listops", imdb = "imdb", cifar10 = "cifar10-gray"}
    local classes = {["text-classification"] = "YosoForSequenceClassification",
        ["token-classification"] = "YosoForTokenClassification",
        ["question-answering"] = "YosoForQuestionAnswering",
        ["multiple-choice"] = "YosoForMultipleChoice", ["fill-mask"] = "YosoForMaskedLM"}

    for _, task in ipairs(require("yoso.tasks").list) do
        if folders[task.name] then
            golden(task.name, function()
                local names = task.labels and {}
                for i, name in ipairs(task.labels or {}) do
                    names[tostring(i - 1)] = name
                end
                local model = tiny.model(classes[task.kind], {id2label = names,
                    num_labels = task.labels and #task.labels or 1})
                local examples, path = require("yoso.tasks").open(task,
                    shared.path("data/" .. folders[task.name]), task.evaluation)
                local result = assert(yoso.evaluate(model, tiny.tokenizer(), task,
                    assert(examples, path), {limit = 6}))
                for _, name in ipairs(task.metrics) do
                    assert.equal("number", type(result[name]), name)
                    assert.equal(2, #result.intervals[name])
                end
                assert.equal(result[task.metrics[1]], result.score)
            end)
        end
    end
end)

describe("evaluation", function()
    local model = tiny.model("YosoForSequenceClassification", {num_labels = 2})
    local function evaluate(examples, options, task)
        return yoso.evaluate(model, tiny.tokenizer(), task or "text-classification", examples,
            options)
    end

    it("does not depend on the batch", function()
        local examples = {}
        for i = 1, 30 do
            examples[i] = {text = ("word "):rep(i % 7) .. i, label = i % 2}
        end
        local one, many = evaluate(examples, {batch_size = 1}), evaluate(examples, {batch_size = 30})
        assert.equal(one.correct, many.correct)
        assert.equal(30, many.total)
    end)
    it("scores several labels at once and regressions by the model's problem", function()
        local several = tiny.model("YosoForSequenceClassification", {num_labels = 2,
            problem_type = "multi_label_classification", id2label = {["0"] = "a", ["1"] = "b"}})
        local result = assert(yoso.evaluate(several, tiny.tokenizer(), "text-classification",
            {{text = "x", label = {"a", "b"}}, {text = "y", label = "b"}, {text = "z", label = ""}}))
        assert.equal(3, result.total)
        assert.equal("number", type(result.f1))
        local none, message = yoso.evaluate(several, tiny.tokenizer(), "text-classification",
            {{text = "x"}})
        assert.same({nil, "the examples: no label"}, {none, message})
        local value = tiny.model("YosoForSequenceClassification", {num_labels = 1})
        result = assert(yoso.evaluate(value, tiny.tokenizer(), "stsb",
            {{text = "x", pair = "y", label = 1.5}, {text = "y", pair = "z", label = 3}}))
        assert.equal(1, math.abs(math.floor(result.pearson + 0.5)))
    end)
    it("tells which example does not fit", function()
        local none, message = evaluate({{text = "a", label = "0"}, {text = "b", label = 2, line = 9}},
            {name = "mine.tsv"})
        assert.is_nil(none)
        assert.equal("mine.tsv:9: label 2, the model has 2 labels", message)
        none, message = evaluate({{text = "a", label = "spam"}})
        assert.is_nil(none)
        assert.equal('the examples: label "spam", the model knows LABEL_0, LABEL_1', message)
    end)
    it("wants examples, and a place to write to", function()
        local none, message = evaluate({})
        assert.same({nil, "the examples: no examples"}, {none, message})
        none, message = evaluate({{text = "a", label = 0}}, {predictions = "no/such/dir/x.jsonl"})
        assert.is_nil(none)
        assert.matches("no/such/dir", message)
    end)
    it("refuses options that there are not, and numbers that mean nothing", function()
        for wanted, options in pairs{["there is no option splits"] = {splits = "dev"},
            ["limit is 0, must be a whole number"] = {limit = 0}} do
            local ok, message = pcall(evaluate, {{text = "a", label = 0}}, options)
            assert.is_false(ok)
            assert.matches("^[^:]*spec[^:]*:%d+: evaluate: ", message)
            assert.truthy(message:find(wanted, 1, true), message)
        end
    end)
    it("names a missing task, file, split or model", function()
        local function fails(wanted, options)
            local none, message = yoso.evaluate(options)
            assert.is_nil(none)
            assert.matches(wanted, message)
        end
        local base = {model = "models/sentiment", task = "sst2", data = "models"}
        local function with(changes)
            return setmetatable(changes, {__index = base})
        end
        fails("unknown task sst3, wanted one of cola sst2", with{task = "sst3"})
        fails("no/such: no such file or folder", with{data = "no/such"})
        fails("models: no file for sst2's split dev, wanted dev.tsv or dev.sample.tsv", with{})
        fails("sst2 has no split test, there are dev, train", with{split = "test"})
        local path = temporary(".tsv")
        assert(file.write(path, "sentence\tlabel\n"))
        fails("no/model", with{model = "no/model", data = path})
        os.remove(path)
        path = temporary(".json")
        assert(file.write(path, '{"data": []}'))
        fails("needs a YosoForQuestionAnswering",
            with{task = "question-answering", data = path})
        os.remove(path)
        assert.equal("evaluate: wanted a table with model, task and data",
            tiny.failure(yoso.evaluate, {task = "sst2"}))
    end)
end)
