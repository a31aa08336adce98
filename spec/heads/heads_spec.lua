local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function i64(values)
    return yoso.tensor(values, "i64")
end

local function padded_pair()
    return i64{{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}}
end

describe("a head", function()
    it("for masked words ignores -100 and what is masked", function()
        local model = tiny.model("YosoForMaskedLM")
        local ids = tiny.ids(2, 5)
        local labels = i64{{-100, 5, -100, -100, 7}, {3, -100, -100, 9, 9}}
        local out = model{input_ids = ids, attention_mask = padded_pair(), labels = labels}
        assert.same({2, 5, 40}, out.logits:shape())
        local log = out.logits:log_softmax(-1):totable()
        local wanted = -(log[1][2][6] + log[1][5][8] + log[2][1][4]) / 3
        assert.is_near(wanted, out.loss:item(), 1e-5)
        assert.equal(0, out.logits[2]:narrow(1, 4, 2):abs():max():item())
    end)

    it("for masked words shares the word embeddings unless told otherwise", function()
        local tied = tiny.model("YosoForMaskedLM")
        assert.equal(tied.yoso.embeddings.word_embeddings.weight, tied.cls.predictions.decoder.weight)
        local names = {}
        for name in tied:named_parameters() do
            names[name] = true
        end
        assert.is_true(names["yoso.embeddings.word_embeddings.weight"] and names["cls.predictions.bias"])
        assert.is_nil(names["cls.predictions.decoder.weight"])
        local untied = tiny.model("YosoForMaskedLM", {tie_word_embeddings = false}):state()
        assert.is_truthy(untied["cls.predictions.decoder.weight"] and untied["cls.predictions.decoder.bias"])
    end)

    it("for texts reads the kind of problem from the configuration or the labels", function()
        local ids = tiny.ids(2, 5)
        local out = tiny.model("YosoForSequenceClassification", {num_labels = 3}){input_ids = ids,
            labels = i64{2, 0}}
        local log = out.logits:log_softmax(-1):totable()
        assert.is_near(-(log[1][3] + log[2][1]) / 2, out.loss:item(), 1e-5)
        out = tiny.model("YosoForSequenceClassification", {num_labels = 1}){input_ids = ids,
            labels = yoso.tensor{0.5, 2}}
        local x = out.logits:totable()
        assert.is_near(((x[1][1] - 0.5) ^ 2 + (x[2][1] - 2) ^ 2) / 2, out.loss:item(), 1e-5)
        out = tiny.model("YosoForSequenceClassification", {num_labels = 2}){input_ids = ids,
            labels = yoso.tensor{{0, 1}, {1, 1}}}
        x = out.logits:totable()
        local function cost(logit, label)
            return math.log(1 + math.exp(label == 1 and -logit or logit))
        end
        assert.is_near((cost(x[1][1], 0) + cost(x[1][2], 1) + cost(x[2][1], 1) + cost(x[2][2], 1)) / 4,
            out.loss:item(), 1e-5)
        out = tiny.model("YosoForSequenceClassification", {problem_type = "regression"}){input_ids = ids,
            labels = i64{{1, 2}, {3, 4}}}
        assert.is_true(out.loss:item() > 1)
    end)

    it("for texts reads the first token that is kept", function()
        local model = tiny.model("YosoForSequenceClassification")
        local ids = tiny.ids(1, 4)
        local left = i64{{0, 0, 1, 1}}
        local out = model{input_ids = ids, attention_mask = left}.logits
        local alone = model{input_ids = ids:narrow(2, 3, 2), position_ids = i64{{4, 5}}}.logits
        assert.is_true(tiny.difference(out, alone) < 1e-6)
        local both = model{input_ids = tiny.ids(2, 4), attention_mask = i64{{0, 0, 0, 0}, {1, 1, 1, 1}}}
        assert.equal(0, tiny.difference(both.logits:ne(both.logits):to("f32"), yoso.zeros{2, 2}))
    end)

    it("for choices takes a dimension of choices, padded or not", function()
        local model = tiny.model("YosoForMultipleChoice")
        local ids = tiny.ids(6, 5):reshape{2, 3, 5}
        local out = model{input_ids = ids, labels = i64{2, 0}}
        assert.same({2, 3}, out.logits:shape())
        local log = out.logits:log_softmax(-1):totable()
        assert.is_near(-(log[1][3] + log[2][1]) / 2, out.loss:item(), 1e-5)
        local one = model{input_ids = ids:narrow(1, 2, 1), attention_mask = yoso.ones{1, 3, 5}}
        assert.is_true(tiny.difference(out.logits:narrow(1, 2, 1), one.logits) < 1e-5)
        assert.error_matches(function() model{input_ids = tiny.ids(2, 5)} end,
            "input_ids has shape %[2, 5%], must be %[batch, choices, length%]")
    end)

    it("for tokens leaves out what is masked", function()
        local model = tiny.model("YosoForTokenClassification", {num_labels = 4})
        local labels = i64{{0, 1, 2, 3, -100}, {3, 3, 3, 0, 0}}
        local out = model{input_ids = tiny.ids(2, 5), attention_mask = padded_pair(), labels = labels}
        local log, sum = out.logits:log_softmax(-1):totable(), 0
        for row, list in ipairs{{0, 1, 2, 3}, {3, 3, 3}} do
            for i, label in ipairs(list) do
                sum = sum - log[row][i][label + 1]
            end
        end
        assert.is_near(sum / 7, out.loss:item(), 1e-5)
    end)

    it("for tokens leaves out holes that a convolution steps over", function()
        local model = tiny.model("YosoForTokenClassification", {num_labels = 4, conv_window = 3})
        local mask = i64{{1, 0, 1, 1, 0}}
        local out = model{input_ids = tiny.ids(1, 5), attention_mask = mask, labels = i64{{1, 2, 3, 0, 2}}}
        local log = out.logits:log_softmax(-1):totable()[1]
        assert.is_near(-(log[1][2] + log[3][4] + log[4][1]) / 3, out.loss:item(), 1e-5)
    end)

    it("for answers ignores positions outside the text, and finds none where it is masked", function()
        local model = tiny.model("YosoForQuestionAnswering")
        local batch = {input_ids = tiny.ids(2, 5), attention_mask = padded_pair(),
            start_positions = i64{1, 2}, end_positions = i64{3, 70}}
        local out = model(batch)
        assert.same({2, 5}, out.start_logits:shape())
        assert.is_true(out.start_logits[2]:narrow(1, 4, 2):max():item() <= -1e4)
        local first, last = out.start_logits:log_softmax(-1):totable(), out.end_logits:log_softmax(-1):totable()
        assert.is_near((-(first[1][2] + first[2][3]) / 2 - last[1][4]) / 2, out.loss:item(), 1e-5)
        assert.equal(2, tiny.model("YosoForQuestionAnswering", {num_labels = 5}).config.num_labels)
        assert.is_nil(model{input_ids = tiny.ids(2, 5), start_positions = i64{1, 2}}.loss)
    end)

    it("names what is wrong with labels", function()
        local ids = tiny.ids(2, 5)
        for class, cases in pairs{
            YosoForMaskedLM = {{i64{1, 2}, "labels have shape %[2%], must be %[2, 5%]"},
                {i64{{1, 2, 3, 4, 40}, {1, 2, 3, 4, 5}}, "40"}, {5, "labels is a number"}},
            YosoForSequenceClassification = {{i64{1, 2, 3}, "labels have shape %[3%], must be %[2%]"},
                {i64{1, 2}, "2"}, {yoso.tensor{1, 2}, "labels have shape %[2%], must be %[2, 2%]"}},
            YosoForTokenClassification = {{i64{1, 2}, "labels have shape %[2%], must be %[2, 5%]"}},
        } do
            for _, case in ipairs(cases) do
                assert.error_matches(function()
                    tiny.model(class){input_ids = ids, labels = case[1]}
                end, case[2])
            end
        end
        assert.error_matches(function()
            tiny.model("YosoForQuestionAnswering"){input_ids = ids, start_positions = yoso.tensor{1, 2},
                end_positions = i64{1, 2}}
        end, "start_positions are f32, must be integers")
    end)

    it("trains: every parameter that takes part gets a gradient", function()
        for class, extra in pairs{
            YosoForMaskedLM = {labels = tiny.ids(2, 5)},
            YosoForSequenceClassification = {labels = i64{1, 0}},
            YosoForTokenClassification = {labels = i64{{0, 1, 0, 1, 0}, {1, 0, 1, 0, 0}}},
            YosoForQuestionAnswering = {start_positions = i64{1, 2}, end_positions = i64{2, 2}},
        } do
            for _, form in ipairs{"expectation", "sample", "softmax"} do
                local model = tiny.model(class, {hidden_dropout_prob = 0.1, conv_window = 3}):train()
                model:set_attention{attention = form}
                extra.input_ids, extra.attention_mask = tiny.ids(2, 5), padded_pair()
                model(extra).loss:backward()
                for name, parameter in model:named_parameters() do
                    assert.is_truthy(parameter.grad, name)
                    local size = parameter.grad:abs():max():item()
                    assert.is_true(size == size and size < math.huge, name)
                end
            end
        end
    end)
end)
