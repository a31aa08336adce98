-- Pipelines that take plain texts: classification, masked words, features.
local tiny = require "spec.support.tiny"

local texts = {"a fine film", "", "dull", "one of the best and most moving pictures of the year",
    "café — naïve 😀"}

local function near(wanted, got)
    assert.is_true(math.abs(wanted - got) < 1e-5, ("wanted %.9g, got %.9g"):format(wanted, got))
end

describe("text classification", function()
    local labels = {["0"] = "no", ["1"] = "yes", ["2"] = "maybe"}
    local settings = {num_labels = 3, id2label = labels, problem_type = "single_label_classification"}
    local function pipeline(options)
        return tiny.pipeline("text-classification", "YosoForSequenceClassification", settings,
            options)
    end

    it("gives all labels, the best first, with probabilities", function()
        local result = pipeline()("a fine film")
        assert.equal(3, #result)
        local sum, seen = 0, {}
        for i, entry in ipairs(result) do
            sum, seen[entry.label] = sum + entry.score, true
            assert.is_true(i == 1 or result[i - 1].score >= entry.score)
        end
        near(1, sum)
        assert.same({no = true, yes = true, maybe = true}, seen)
    end)
    it("does not take options of loading for a model that is there already", function()
        local ok, message = pcall(pipeline, {attention = "sample"})
        assert.is_false(ok)
        assert.matches("attention is an option of loading a checkpoint", message)
        assert.matches("^[^:]*spec", message)
    end)

    it("refuses options that there are not, and numbers that mean nothing", function()
        for wanted, options in pairs{
            ["there is no option max_lenght; there are attention, batch_size"] = {max_lenght = 8},
            ["batch_size is 0, must be a whole number of at least 1"] = {batch_size = 0},
            ["batch_tokens is 1.5, must"] = {batch_tokens = 1.5},
            ["stride is no, must"] = {stride = "no"}, ["top_k is 0, must"] = {top_k = 0},
            ["max_length is 2, must be above the 2 special tokens of an input"] = {max_length = 2},
        } do
            local ok, message = pcall(pipeline, options)
            assert.is_false(ok)
            assert.matches("^[^:]*spec[^:]*:%d+: pipeline: ", message)
            assert.truthy(message:find(wanted, 1, true), message)
        end
    end)

    it("gives a list for a list, each as if it were alone, whatever the batch", function()
        local classify = pipeline()
        local together, in_pairs = classify(texts), pipeline({batch_size = 2})(texts)
        assert.equal(#texts, #together)
        for i, text in ipairs(texts) do
            local alone = classify(text)
            for j, entry in ipairs(alone) do
                assert.equal(entry.label, together[i][j].label)
                near(entry.score, together[i][j].score)
                near(entry.score, in_pairs[i][j].score)
            end
        end
    end)
    it("takes pairs", function()
        local classify = pipeline()
        local pair = classify({text = "a film", pair = "a book"})
        local other = classify({{text = "a film", pair = "a book"}, {text = "a film"}})
        near(pair[1].score, other[1][1].score)
        assert.is_true(math.abs(pair[1].score - other[2][1].score) > 1e-6)
    end)
    it("cuts at the model's length with one warning", function()
        local classify, warnings = pipeline({max_length = 8})
        classify({("long "):rep(40), "short"})
        assert.same({"text-classification: 1 of 2 texts cut at 8 tokens"}, warnings)
        local whole, none = pipeline()
        whole("short")
        assert.same({}, none)
    end)
    it("gives one probability a label for several labels at once", function()
        local result = tiny.pipeline("text-classification", "YosoForSequenceClassification",
            {num_labels = 3, problem_type = "multi_label_classification"})("a film")
        local sum = 0
        for _, entry in ipairs(result) do
            assert.is_true(entry.score > 0 and entry.score < 1)
            sum = sum + entry.score
        end
        assert.is_true(math.abs(sum - 1) > 1e-4)
    end)
    it("gives the value of a regression", function()
        local classify = tiny.pipeline("text-classification", "YosoForSequenceClassification",
            {num_labels = 1})
        local result = classify("a film")
        assert.equal(1, #result)
        local batch = tiny.tokenizer():encode_batch({"a film"}, {padding = "longest"})
        near(classify.model(batch).logits:item(), result[1].score)
    end)
    it("tells what is wrong with an input", function()
        local classify = pipeline()
        for _, case in ipairs{
            {{}, "text-classification: the list of inputs is empty, wanted at least one"},
            {7, "text-classification: the input is a number, wanted a text"},
            {{"a", 7}, "text-classification: input 2 is a number, wanted a text"},
            {{"a", {}}, "text-classification: input 2 is a table, wanted a text"},
            {{text = "a", pair = 1},
                "text-classification: the input, pair is a number, must be a string"},
            {"a\255", "text-classification: the input, byte 2 (0xFF) is not UTF-8"},
        } do
            assert.equal(case[2], tiny.failure(classify, case[1]))
        end
    end)
end)

describe("fill-mask", function()
    local fill = tiny.pipeline("fill-mask", "YosoForMaskedLM", nil, {top_k = 3})

    it("gives the likeliest words, the best first", function()
        local result = fill("a <mask> film")
        assert.equal(3, #result)
        for i, entry in ipairs(result) do
            assert.is_true(i == 1 or result[i - 1].score >= entry.score)
            assert.is_true(entry.score > 0 and entry.score < 1)
            assert.is_nil(entry.text:find("<mask>", 1, true))
        end
    end)
    it("agrees with the model's own logits", function()
        local entry = fill("a <mask> film")[1]
        local batch = tiny.tokenizer():encode_batch({"a <mask> film"}, {padding = "longest"})
        local ids = batch.input_ids:totable()[1]
        for place, id in ipairs(ids) do
            if id == tiny.tokenizer().mask_id then
                local scores = fill.model(batch).logits[1][place]:softmax(-1)
                assert.equal(entry.id, scores:argmax(-1):item() - 1)
                near(entry.score, scores:max():item())
            end
        end
    end)
    it("offers no special tokens", function()
        local tokenizer = tiny.tokenizer()
        local all = tiny.pipeline("fill-mask", "YosoForMaskedLM", nil, {top_k = 8192})
        local offered = {}
        for _, entry in ipairs(all("a <mask> film")) do
            offered[entry.id] = true
        end
        local special = 0
        for id = 0, all.model.config.vocab_size - 1 do
            special = special + (tokenizer:is_special(id) and 1 or 0)
            assert.equal(not tokenizer:is_special(id), offered[id] or false)
        end
        assert.is_true(special > 0)
    end)
    it("gives a list for each of several masks, and for a list of texts", function()
        local result = fill("<mask> and <mask>")
        assert.same({2, 3, 3}, {#result, #result[1], #result[2]})
        result = fill({"a <mask>", "b <mask> c"})
        assert.same({2, 3}, {#result, #result[1]})
    end)
    it("wants a mask", function()
        assert.equal('fill-mask: no <mask> in "a film" (or beyond the first 4 tokens)',
            tiny.failure(fill, "a film"):gsub("first %d+", "first 4"))
    end)
end)

describe("feature extraction", function()
    it("gives the mean over a text's own tokens", function()
        local embed = tiny.pipeline("feature-extraction", "YosoModel")
        local all = embed(texts)
        assert.equal(#texts, #all)
        for i, text in ipairs(texts) do
            assert.same({16}, all[i]:shape())
            local batch = tiny.tokenizer():encode_batch({text}, {padding = "longest"})
            local wanted = embed.model(batch).last_hidden_state[1]:mean(1)
            assert.is_true((wanted - all[i]):abs():max():item() < 1e-5)
        end
    end)
    it("gives the first token's, or all", function()
        local first = tiny.pipeline("feature-extraction", "YosoModel", nil, {pooling = "first"})
        local none = tiny.pipeline("feature-extraction", "YosoModel", nil, {pooling = "none"})
        local states = none("a fine film")
        assert.equal(16, states:size(2))
        assert.is_true((states[1] - first("a fine film")):abs():max():item() < 1e-6)
    end)
    it("knows its poolings", function()
        assert.equal("pipeline: pooling is max, wanted mean, first or none",
            tiny.failure(tiny.pipeline, "feature-extraction", "YosoModel", nil, {pooling = "max"}))
    end)
end)

describe("a pipeline", function()
    local yoso = require "yoso"
    it("is of a known task", function()
        assert.equal("pipeline: unknown task translation, wanted one of feature-extraction, fill-mask,"
            .. " multiple-choice, question-answering, text-classification, text-matching, token-classification",
            tiny.failure(yoso.pipeline, "translation", "x"))
        assert.equal("pipeline: the second argument is a nil, wanted a checkpoint directory or"
            .. " {model=, tokenizer=}", tiny.failure(yoso.pipeline, "fill-mask"))
    end)
    it("gives nil and a message for a missing folder or another head", function()
        local none, message = yoso.pipeline("fill-mask", "no/such/folder")
        assert.is_nil(none)
        assert.matches("no/such/folder", message)
        none, message = yoso.pipeline("fill-mask", "models/sentiment")
        assert.is_nil(none)
        assert.equal("models/sentiment: fill-mask needs a YosoForMaskedLM, this checkpoint is a"
            .. " YosoForSequenceClassification", message)
    end)
    it("keeps memory flat", function()
        local classify = tiny.pipeline("text-classification", "YosoForSequenceClassification")
        classify(texts)
        collectgarbage()
        collectgarbage()
        local before = yoso.memory().live
        for _ = 1, 20 do
            classify(texts)
        end
        assert.is_true(yoso.memory().live <= before)
    end)
end)
