-- Layers in training: the one operation against its parts, checkpointing, bf16, exact products, and
-- the masked-LM loss that reads labelled places only.
local c = require "yoso.c"
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function mask_of(rows)
    local list = {}
    for i, row in ipairs(rows) do
        list[i] = {}
        for j = 1, #row do
            list[i][j] = row:sub(j, j) == "x" and 1 or 0
        end
    end
    return yoso.tensor(list, "i64")
end

local batch = {input_ids = tiny.ids(2, 9), attention_mask = mask_of{"xxxxxxxxx", "xxx.x...."}}

-- Lets layers compute in parts: one of them is no longer what the model made.
local function in_parts(model)
    for _, block in ipairs(model.encoder.layer) do
        local class = getmetatable(block.output)
        rawset(block.output, "forward", function(self, ...) return class.forward(self, ...) end)
    end
    return model
end

local function model_of(changes, form)
    return tiny.model("YosoModel", changes):set_attention{attention = form, seed = 3}
        :set_training{exact = true}:train()
end

-- Hidden states and all gradients of one pass, from the same random stream.
local function pass(model, with)
    yoso.manual_seed(11)
    model.runtime.step = 0
    local out = model(with or batch).last_hidden_state
    out:backward(yoso.randn(out:shape(), {seed = 5}):to(out:dtype()))
    local gradients = {}
    for name, parameter in model:named_parameters() do
        gradients[name] = parameter.grad
        parameter.grad = nil
    end
    return out, gradients
end

local function largest(x)
    return x:to("f32"):abs():max():item()
end

local function agree(one, other, bound)
    for name, gradient in pairs(one) do
        assert.is_truthy(other[name], name)
        local scale = math.max(largest(other[name]), 0.1)
        local error = largest(gradient:to("f32") - other[name]:to("f32")) / scale
        assert.is_true(error <= bound, ("%s: %g"):format(name, error))
    end
end

describe("a layer in training", function()
    for _, form in ipairs{"expectation", "sample", "softmax"} do
        for _, window in ipairs{false, 3} do
            it(("equals its parts with %s%s"):format(form, window and " and convolution" or ""), function()
                for _, changes in ipairs{{hidden_dropout_prob = 0.3},
                    {hidden_act = "silu", hidden_dropout_prob = 0}} do
                    changes.conv_window = window or nil
                    local whole, one = pass(model_of(changes, form))
                    local parts, other = pass(in_parts(model_of(changes, form)))
                    assert.is_true(tiny.difference(whole, parts) < 2e-5)
                    agree(one, other, 1e-4)
                    agree(other, one, 1e-4)
                end
            end)

            it(("keeps inputs only when told to, to the bit, with %s%s"):format(form,
                window and " and convolution" or ""), function()
                local changes = {conv_window = window or nil, hidden_dropout_prob = 0.3}
                for _, prepare in ipairs{function(model) return model end, in_parts} do
                    local plain, one = pass(prepare(model_of(changes, form)))
                    local lean, other = pass(prepare(model_of(changes, form))
                        :set_training{checkpointing = true})
                    assert.equal(0, tiny.difference(plain, lean))
                    agree(one, other, 0)
                end
            end)
        end
    end

    it("computes what it is asked for: a frozen parameter gets no gradient", function()
        local model = model_of({}, "expectation")
        local frozen = model.encoder.layer[1].intermediate.dense.weight:requires_grad(false)
        local _, gradients = pass(model)
        assert.is_nil(gradients["encoder.layer.0.intermediate.dense.weight"])
        assert.is_nil(frozen.grad)
        assert.is_truthy(gradients["encoder.layer.0.intermediate.dense.bias"])
    end)

    it("in bf16 comes near f32", function()
        for _, form in ipairs{"expectation", "sample"} do
            -- Weights that bf16 holds exactly, so that hash codes are those of the same numbers.
            local wide = model_of({}, form):to("bf16"):to("f32")
            local narrow = model_of({}, form):to("bf16")
            local one, of_wide = pass(wide)
            local two, of_narrow = pass(narrow)
            assert.equal("bf16", two:dtype())
            if form == "expectation" then
                assert.is_true(largest(one - two:to("f32")) < 0.06)
                agree(of_narrow, of_wide, 0.1)
            else
                agree(of_narrow, of_narrow, 0)
            end
        end
    end)

    it("keeps 16 bits of f32 unless told to keep all", function()
        local fast = model_of({}, "expectation"):set_training{exact = false}
        local one, of_fast = pass(fast)
        local two, of_exact = pass(model_of({}, "expectation"))
        assert.is_true(tiny.difference(one, two) < 1e-4)
        agree(of_fast, of_exact, 1e-3)
        if c.string(c.lib.yoso_isa()) == "amx" then
            assert.is_true(tiny.difference(one, two) > 0)
        end
    end)

    it("has more tokens than it takes together", function()
        local model = model_of({max_position_embeddings = 2102, num_hidden_layers = 1}, "sample")
        local long = {input_ids = tiny.ids(1, 2100)}
        local whole, one = pass(model, long)
        local parts, other = pass(in_parts(model_of({max_position_embeddings = 2102,
            num_hidden_layers = 1}, "sample")), long)
        assert.is_true(tiny.difference(whole, parts) < 1e-4)
        agree(one, other, 1e-3)
    end)

    it("names options that it does not know how to take", function()
        assert.error_matches(function() tiny.model():set_training{exact = 1} end,
            "set_training: exact is a number, must be a boolean")
    end)
end)

describe("the masked-LM loss in training", function()
    local function model()
        return tiny.model("YosoForMaskedLM"):train()
    end
    local labels = yoso.tensor({{-100, 5, -100, -100, 7}, {3, -100, -100, 9, -100}}, "i64")
    local ids = tiny.ids(2, 5)

    it("is that of the logits, which are there when they are asked for", function()
        local out = model(){input_ids = ids, labels = labels}
        assert.is_nil(rawget(out, "logits"))
        local log = out.logits:log_softmax(-1):totable()
        local wanted = -(log[1][2][6] + log[1][5][8] + log[2][1][4] + log[2][4][10]) / 4
        assert.is_near(wanted, out.loss:item(), 1e-5)
    end)

    it("has the gradients of the loss through all logits", function()
        local one, other = model(), model()
        one{input_ids = ids, labels = labels}.loss:backward()
        local logits = other{input_ids = ids}.logits:reshape{10, 40}
        yoso.ops.cross_entropy(logits, labels:reshape{10}):backward()
        for name, parameter in one:named_parameters() do
            local wanted = other:state()[name].grad
            assert.is_true((parameter.grad - wanted):abs():max():item() < 2e-5, name)
        end
    end)

    it("never holds logits of all tokens", function()
        local big = tiny.model("YosoForMaskedLM", {vocab_size = 20000, num_hidden_layers = 1,
            max_position_embeddings = 1030}):train()
        local long, few = tiny.ids(1, 1024), {}
        for i = 1, 1024 do
            few[i] = i % 50 == 0 and 7 or -100
        end
        local given = {input_ids = long, labels = yoso.tensor({few}, "i64")}
        yoso.scope(function() big(given).loss:backward() end)
        big:zero_grad()
        collectgarbage()
        collectgarbage()
        local before = yoso.memory().live
        yoso.reset_peak()
        yoso.scope(function() big(given).loss:backward() end)
        assert.is_true(yoso.memory().peak - before < 1024 * 20000 * 4 / 4)
    end)

    it("trains in the room of what was alive at once: gradients leave theirs to activations", function()
        local wide = tiny.model("YosoForMaskedLM", {hidden_size = 256, intermediate_size = 1024,
            vocab_size = 4000, num_hidden_layers = 3, max_position_embeddings = 1030}):train()
        local optimizer = yoso.optim.AdamW(wide:parameters(), {lr = 1e-4})
        local long = tiny.ids(1, 1024)
        c.lib.yoso_memory_trim()
        yoso.reset_peak()
        for _ = 1, 3 do
            yoso.scope(function() wide{input_ids = long, labels = long}.loss:backward() end)
            optimizer:step()
            optimizer:zero_grad()
        end
        local memory = yoso.memory()
        assert.is_true(memory.live + memory.cached < 1.1 * memory.peak)
    end)

    it("without a label is no number, with gradient 0", function()
        local none = model()
        local loss = none{input_ids = ids, labels = yoso.full({2, 5}, -100, "i64")}.loss
        assert.is_true(loss:item() ~= loss:item())
    end)
end)
