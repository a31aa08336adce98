-- Pipelines that point into texts or among choices: tags, answers, choices.
local tiny = require "spec.support.tiny"

local long = ("The film was made in Paris by a young director. "):rep(20)

local tags = {["0"] = "O", ["1"] = "B-PER", ["2"] = "I-PER", ["3"] = "B-LOC", ["4"] = "I-LOC"}

-- A pipeline whose model's outputs are replaced: outputs(window) fills them in.
local function with_outputs(pipeline, outputs)
    return setmetatable({kind = setmetatable({run = function(_, windows)
        for _, window in ipairs(windows) do
            outputs(window)
        end
    end}, {__index = pipeline.kind})}, {__index = pipeline, __call = getmetatable(pipeline).__call})
end

describe("token classification", function()
    local tag = tiny.pipeline("token-classification", "YosoForTokenClassification",
        {num_labels = 5, id2label = tags})

    it("gives entities that are spans of the text", function()
        local found = tag({long, "Ada", ""})
        assert.equal(3, #found)
        assert.same({}, found[3])
        local last = 0
        for _, entity in ipairs(found[1]) do
            assert.equal(entity.text, long:sub(entity.start + 1, entity.stop))
            assert.is_true(entity.start >= last and entity.stop > entity.start)
            assert.is_true(entity.entity == "PER" or entity.entity == "LOC")
            assert.is_true(entity.score > 0 and entity.score <= 1)
            assert.is_nil(entity.text:find("^%s"))
            last = entity.stop
        end
    end)

    it("gives each word where the model has a tag for every one", function()
        local parts = tiny.pipeline("token-classification", "YosoForTokenClassification",
            {num_labels = 2, id2label = {["0"] = "NOUN", ["1"] = "ADJ"}})
        local texts = {}
        for i, word in ipairs(parts("the big red ball")) do
            texts[i] = word.text
            assert.is_true(word.entity == "NOUN" or word.entity == "ADJ")
        end
        assert.same({"the", "big", "red", "ball"}, texts)
    end)

    it("joins words by their tags, the first token speaking for its word", function()
        local wanted = {Ada = "B-PER", Lovelace = "I-PER", London = "I-LOC", New = "B-LOC",
            York = "B-LOC"}
        local text = "Ada Lovelace saw London, New York"
        local scripted = with_outputs(tag, function(window)
            window.tag, window.score = {}, {}
            for i = 1, #window.ids do
                local offsets = window.offsets[i]
                local word = offsets and text:sub(1, offsets[2]):match("(%a+)$")
                local rest = offsets and text:sub(offsets[2] + 1):match("^%a*") or ""
                local starts = offsets and text:sub(1, offsets[1] + 1):match("[%a,]$")
                window.tag[i], window.score[i] = "O", 0.5
                if window.special_tokens_mask[i] == 0 and word then
                    local whole = word .. rest
                    window.tag[i] = wanted[whole] or "O"
                    window.score[i] = starts and 0.5 or 0.9
                end
            end
        end)
        local found = scripted(text)
        local spans = {}
        for i, entity in ipairs(found) do
            spans[i] = {entity.entity, entity.text, entity.start, entity.stop}
        end
        assert.same({{"PER", "Ada Lovelace", 0, 12}, {"LOC", "London", 17, 23},
            {"LOC", "New", 25, 28}, {"LOC", "York", 29, 33}}, spans)
    end)

    it("slides windows over a long text, each word from where it is seen best", function()
        local short = tiny.pipeline("token-classification", "YosoForTokenClassification",
            {num_labels = 5, id2label = tags}, {max_length = 24, stride = 8})
        local contexts, count = {}, 0
        with_outputs(short, function(window)
            count = count + 1
            assert.is_true(#window.ids <= 24)
            window.tag, window.score = {}, {}
            for i = 1, #window.ids do
                window.tag[i], window.score[i] = "B-PER", math.min(i - 1, #window.ids - i) / 100
                local start = window.offsets[i] and window.offsets[i][1]
                if window.special_tokens_mask[i] == 0 then
                    contexts[start] = math.max(contexts[start] or 0, window.score[i])
                end
            end
        end)(long)
        assert.is_true(count > 5)
        local words = 0
        for _ in pairs(contexts) do
            words = words + 1
        end
        assert.is_true(words >= 20 * 10)
    end)

    it("tags given words, O where the tokenizer leaves nothing", function()
        local kind = require "yoso.pipeline.token_classification"
        local input = {tokens = {"Ada", "Lovelace", "saw", "Paris"}}
        local windows = tag:windows({input})
        local found = kind.decode_tags(tag, input, windows[1])
        assert.equal(4, #found)
        for _, name in ipairs(found) do
            assert.matches("^[OBI]", name)
        end
    end)
end)

describe("question answering", function()
    local answer = tiny.pipeline("question-answering", "YosoForQuestionAnswering")

    it("gives a span of the context with its score", function()
        local result = answer({question = "Where?", context = "The film was made in Paris."})
        assert.equal(result.answer,
            ("The film was made in Paris."):sub(result.start + 1, result.stop))
        assert.is_true(result.score > 0 and result.score <= 1)
    end)
    it("finds an answer in any window of a long context", function()
        local context = long .. "It was shown in Lyon. " .. long
        local place = context:find("Lyon", 1, true) - 1
        local short = tiny.pipeline("question-answering", "YosoForQuestionAnswering", nil,
            {max_length = 32, stride = 8})
        local result = with_outputs(short, function(window)
            window.start_logits, window.stop_logits = {}, {}
            for i = 1, #window.ids do
                local offsets = i >= window.first and window.offsets[i] or {-9, -9}
                window.start_logits[i] = offsets[1] == place and 20 or 0
                window.stop_logits[i] = offsets[2] == place + 4 and 20 or 0
            end
        end)({question = "Where was it shown?", context = context})
        assert.equal("Lyon", result.answer)
        assert.equal(place, result.start)
        assert.is_true(result.score > 0.2)
    end)
    it("leaves a question unanswered where that is allowed and likelier in every window", function()
        local function ask(allowed, none)
            local short = tiny.pipeline("question-answering", "YosoForQuestionAnswering",
                {handle_impossible_answer = allowed}, {max_length = 32, stride = 8})
            local turn = 0
            return with_outputs(short, function(window)
                turn = turn + 1
                window.start_logits, window.stop_logits = {}, {}
                for i = 1, #window.ids do
                    window.start_logits[i], window.stop_logits[i] = 0, 0
                end
                window.start_logits[window.first], window.stop_logits[window.first] = 2, 2
                window.start_logits[1] = turn == 1 and none or 9
            end)({question = "Where was it shown?", context = long})
        end
        local result = ask(true, 5)
        assert.same({"", 0, 0}, {result.answer, result.start, result.stop})
        assert.is_true(result.score > 0 and result.score < 1)
        assert.equal("The", ask(true, 3).answer) -- one window is enough to answer
        assert.equal("The", ask(nil, 5).answer)
        local never = tiny.pipeline("question-answering", "YosoForQuestionAnswering",
            {handle_impossible_answer = true}, {handle_impossible_answer = false})
        assert.is_true(#never({question = "Who?", context = "Ada"}).answer > 0)
        local always = tiny.pipeline("question-answering", "YosoForQuestionAnswering", nil,
            {handle_impossible_answer = true})
        assert.equal(1, always({question = "Who?", context = ""}).score)
    end)
    it("never answers from the question or with more tokens than allowed", function()
        local short = tiny.pipeline("question-answering", "YosoForQuestionAnswering", nil,
            {max_answer_tokens = 2})
        local result = with_outputs(short, function(window)
            window.start_logits, window.stop_logits = {}, {}
            for i = 1, #window.ids do
                window.start_logits[i], window.stop_logits[i] = -i, i
            end
        end)({question = "Who?", context = "one two three four five"})
        assert.equal(2, select(2, result.answer:gsub("%S+", "")))
    end)
    it("gives an empty answer for an empty context, a list for a list", function()
        local results = answer({{question = "Who?", context = ""},
            {question = "", context = "Ada did."}})
        assert.same({answer = "", score = 0, start = 0, stop = 0}, results[1])
        assert.equal(2, #results)
    end)
    it("tells what is wrong with an input", function()
        assert.equal("question-answering: the input is a string, wanted {question = ...,"
            .. " context = ...}", tiny.failure(answer, "Who?"))
        assert.equal("question-answering: the question takes 26 tokens of a window of 32, wanted at"
            .. " least 8 for the context", tiny.failure(tiny.pipeline("question-answering",
                "YosoForQuestionAnswering", nil, {max_length = 32}),
                {question = ("why "):rep(23), context = "x"}))
        assert.equal("question-answering: the input, context is a nil, must be a string",
            tiny.failure(answer, {question = "Who?"}))
    end)
end)

describe("multiple choice", function()
    local choose = tiny.pipeline("multiple-choice", "YosoForMultipleChoice")

    it("scores choices as one distribution, in batches of any numbers of choices", function()
        local two = {prompt = "He struck a match.", choices = {"It burned.", "It rained."}}
        local three = {prompt = "She sang.", choices = {"a", "b", "c"}}
        local results = choose({two, three})
        assert.same({2, 3}, {#results[1].scores, #results[2].scores})
        for i, input in ipairs{two, three} do
            local alone = choose(input)
            local sum = 0
            for j, score in ipairs(alone.scores) do
                sum = sum + score
                assert.is_true(math.abs(score - results[i].scores[j]) < 1e-5)
                assert.is_true(score <= alone.scores[alone.index])
            end
            assert.is_true(math.abs(sum - 1) < 1e-6)
        end
    end)
    it("tells what is wrong with an input", function()
        assert.equal("multiple-choice: the input has no choices, wanted a list of texts",
            tiny.failure(choose, {prompt = "a", choices = {}}))
        assert.equal("multiple-choice: the input, choice 2 is a number, must be a string",
            tiny.failure(choose, {prompt = "a", choices = {"b", 3}}))
    end)
end)
