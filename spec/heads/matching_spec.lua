-- Pooling by the mean, and the head that reads two texts in two towers.
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function i64(values)
    return yoso.tensor(values, "i64")
end

describe("a classifier that pools by the mean", function()
    -- The head alone on the mean of hidden states, computed row by row.
    local function by_hand(model, batch, rows)
        local hidden = model.yoso(batch).last_hidden_state
        local means = {}
        for i, columns in ipairs(rows) do
            means[i] = hidden[i]:index_select(1, i64(columns)):mean(1)
        end
        return model.classifier(yoso.ops.stack(means, 1))
    end

    it("reads every kept token, and no other", function()
        local model = tiny.model("YosoForSequenceClassification", {pooling = "mean"})
        local batch = {input_ids = tiny.ids(2, 5), attention_mask = i64{{1, 1, 1, 1, 1}, {0, 1, 0, 1, 0}}}
        local expected = by_hand(model, batch, {{1, 2, 3, 4, 5}, {2, 4}})
        assert.is_true(tiny.difference(model(batch).logits, expected) < 1e-5)
        local first = tiny.model("YosoForSequenceClassification")
        assert.is_true(tiny.difference(first(batch).logits, expected) > 1e-4)
    end)

    it("leaves out masked tokens that only hold a place for a convolution", function()
        local model = tiny.model("YosoForSequenceClassification", {pooling = "mean", conv_window = 3})
        local batch = {input_ids = tiny.ids(1, 5), attention_mask = i64{{1, 0, 1, 1, 0}}}
        assert.is_true(tiny.difference(model(batch).logits, by_hand(model, batch, {{1, 3, 4}})) < 1e-5)
    end)

    it("gives numbers for a row that keeps nothing", function()
        local model = tiny.model("YosoForSequenceClassification", {pooling = "mean"})
        local logits = model{input_ids = tiny.ids(2, 4), attention_mask = i64{{0, 0, 0, 0}, {1, 1, 1, 1}}}.logits
        assert.equal(0, tiny.difference(logits:ne(logits):to("f32"), yoso.zeros{2, 2}))
    end)

    it("keeps the setting in its checkpoint, which others do not mention", function()
        local json = tiny.config{pooling = "mean"}:to_json()
        assert.truthy(json:find('"pooling": "mean"', 1, true))
        assert.is_nil(tiny.config():to_json():find("pooling", 1, true))
        assert.error_matches(function() tiny.config{pooling = "max"} end, "pooling is max, must be first or mean")
    end)
end)

describe("a head for two texts", function()
    local ids = tiny.ids(4, 5):reshape{2, 2, 5}

    it("compares what stands for each", function()
        local model = tiny.model("YosoForTextMatching", {pooling = "mean"})
        local hidden = model.yoso{input_ids = tiny.ids(4, 5)}.last_hidden_state:mean(2)
        local a, b = hidden:index_select(1, i64{1, 3}), hidden:index_select(1, i64{2, 4})
        local joined = yoso.ops.cat({a, b, a * b, a - b}, 2)
        local head = model.classifier
        local expected = head.out_proj(yoso.ops.gelu(head.dense(joined)))
        local out = model{input_ids = ids, labels = i64{1, 0}}
        assert.is_true(tiny.difference(out.logits, expected) < 1e-5)
        local log = out.logits:log_softmax(-1):totable()
        assert.is_near(-(log[1][2] + log[2][1]) / 2, out.loss:item(), 1e-5)
    end)

    it("wants two", function()
        assert.error_matches(function()
            tiny.model("YosoForTextMatching"){input_ids = tiny.ids(6, 5):reshape{2, 3, 5}}
        end, "input_ids has shape %[2, 3, 5%], must be %[batch, 2, length%]")
    end)

    it("trains every parameter", function()
        local model = tiny.model("YosoForTextMatching", {pooling = "mean"}):train()
        model{input_ids = ids, labels = i64{1, 0}}.loss:backward()
        for name, parameter in model:named_parameters() do
            assert.is_truthy(parameter.grad, name)
        end
    end)
end)
