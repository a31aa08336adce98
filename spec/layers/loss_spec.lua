-- Losses and the layers' gradients against PyTorch's values for the same inputs.
local yoso = require "yoso"
local numbers = require "spec.support.numbers"

local ops, wave, close = yoso.ops, numbers.wave, numbers.close

local labels = yoso.tensor({2, -100, 0, 1}, "i64")

describe("cross_entropy", function()
    it("equals PyTorch's, ignored labels left out", function()
        local logits = wave({4, 3}, 0):requires_grad(true)
        local loss = ops.cross_entropy(logits, labels)
        assert.is_true(math.abs(loss:item() - 0.9861919) < 1e-6)
        loss:backward()
        close(logits.grad, {0.05969957, 0.1136976, -0.1733972, 0, 0, 0, -0.228071, 0.09421495,
            0.133856, 0.06018664, -0.2191708, 0.1589842})
    end)

    it("reduces by sum and not at all", function()
        local logits = wave({4, 3}, 0)
        close(ops.cross_entropy(logits, labels, {reduction = "sum"}):reshape(1), {2.958576}, 2e-6)
        close(ops.cross_entropy(logits, labels, {reduction = "none"}),
            {0.7343684, 0, 1.152687, 1.07152}, 2e-6)
    end)

    it("gives each loss its own gradient", function()
        local logits = wave({4, 3}, 0):requires_grad(true)
        local losses = ops.cross_entropy(logits, labels, {reduction = "none"})
        losses:backward(yoso.tensor{1, 1, 0, 2})
        assert.same({0, 0, 0}, logits.grad[2]:totable())
        assert.same({0, 0, 0}, logits.grad[3]:totable())
        close(logits.grad[4], {2 * 3 * 0.06018664, -2 * 3 * 0.2191708, 2 * 3 * 0.1589842})
    end)

    it("is nan where all labels are ignored, with gradient 0", function()
        local logits = wave({2, 3}, 0):requires_grad(true)
        local ignored = yoso.tensor({-100, -100}, "i32")
        local loss = ops.cross_entropy(logits, ignored)
        assert.is_true(loss:item() ~= loss:item())
        assert.equal(0, ops.cross_entropy(logits, ignored, {reduction = "sum"}):item())
        ops.cross_entropy(logits, ignored, {reduction = "sum"}):backward()
        assert.same({{0, 0, 0}, {0, 0, 0}}, logits.grad:totable())
    end)

    it("takes another ignored label, large logits and bf16", function()
        local other = yoso.tensor({7, 0}, "i64")
        local logits = yoso.tensor{{0, 0}, {3e4, 0}}
        assert.equal(0, ops.cross_entropy(logits, other, {ignore_index = 7}):item())
        local half = wave({4, 3}, 0, "bf16"):requires_grad(true)
        local loss = ops.cross_entropy(half, labels)
        assert.equal("f32", loss:dtype())
        assert.is_true(math.abs(loss:item() - 0.9861919) < 5e-3)
        loss:backward()
        assert.equal("bf16", half.grad:dtype())
    end)

    it("names a label that is no class, and wrong shapes", function()
        assert.error_matches(function()
            ops.cross_entropy(wave({2, 3}, 0), yoso.tensor({0, 3}, "i64"))
        end, "cross_entropy: label 3 at position 2 is outside 0 to 2 %(ignored: %-100%)")
        assert.error_matches(function() ops.cross_entropy(wave({2, 3}, 0), labels) end,
            "cross_entropy: logits are %[2, 3%], labels %[4%]")
        assert.error_matches(function() ops.cross_entropy(wave({2, 3}, 0), yoso.zeros{2}) end,
            "cross_entropy: labels are f32, must be i64 or i32")
        assert.error_matches(function()
            ops.cross_entropy(wave({4, 3}, 0), labels, {reduction = "average"})
        end, "cross_entropy: reduction is average, must be mean, sum or none")
    end)
end)

describe("a loss by element", function()
    local target = (wave({2, 3}, 4) + 1) / 2

    it("equals PyTorch's", function()
        local x = wave({2, 3}, 0)
        close(ops.mse_loss(x, target):reshape(1), {0.5513087})
        close(ops.binary_cross_entropy_with_logits(x * 3, target):reshape(1), {1.486739}, 2e-6)
        assert.same({2, 3}, ops.mse_loss(x, target, {reduction = "none"}):shape())
    end)

    it("stands large logits", function()
        local loss = ops.binary_cross_entropy_with_logits(yoso.tensor{1000, -1000},
            yoso.tensor{0, 1}, {reduction = "none"})
        close(loss, {1000, 1000})
    end)

    it("names operands that differ", function()
        assert.error_matches(function() ops.mse_loss(wave({2}, 0), wave({3}, 0)) end,
            "loss: the target is %[3%], must be %[2%]")
    end)
end)

describe("layer_norm's gradient", function()
    it("equals PyTorch's", function()
        local x, weight, bias = wave({2, 4}, 0):requires_grad(true),
            wave({4}, 2):requires_grad(true), wave({4}, 3):requires_grad(true)
        local residual = wave({2, 4}, 1):requires_grad(true)
        ops.layer_norm(x, weight, bias, 1e-12, residual):backward(wave({2, 4}, 5))
        local of_x = {-0.2743614, -0.2548397, 0.223428, 0.305773, -0.06656824, 0.07484273,
            -0.1749705, 0.166696}
        close(x.grad, of_x)
        close(residual.grad, of_x)
        close(weight.grad, {2.680572, -0.7494125, -0.114333, -0.5200893}, 2e-6)
        close(bias.grad, {0.03961907, 0.2478016, 0.3394391, 0.2714331})
    end)

    it("has the same bits for any number of threads", function()
        local function gradients()
            local x, weight = wave({700, 64}, 0):requires_grad(true),
                wave({64}, 1):requires_grad(true)
            ops.layer_norm(x, weight):backward(wave({700, 64}, 2))
            return x.grad, weight.grad
        end
        local threads = yoso.threads()
        local x, weight = gradients()
        yoso.set_threads(threads == 1 and 2 or 1)
        local other_x, other_weight = gradients()
        yoso.set_threads(threads)
        close(x, other_x, 0)
        close(weight, other_weight, 0)
    end)
end)

describe("gradcheck", function()
    it("passes for products of every form", function()
        local forms = {{{3}, {3, 4}}, {{2, 3}, {3}}, {{3}, {3}}, {{5, 1, 2, 3}, {4, 3, 2}},
            {{2, 3, 4}, {2, 4, 5}}, {{4}, {2, 4, 3}}, {{2, 4, 3}, {3}}}
        for _, form in ipairs(forms) do
            assert(yoso.gradcheck(ops.matmul, {wave(form[1], 0), wave(form[2], 1)}))
        end
    end)

    it("passes for linear layers with an activation and normalised columns", function()
        assert(yoso.gradcheck(function(x, weight, bias)
            return ops.linear(x, weight, bias, "gelu")
        end, {wave({4}, 0), wave({3, 4}, 1), wave({3}, 2)}))
        assert(yoso.gradcheck(function(x)
            return ops.l2_normalize(x, 1)
        end, {wave({4, 3}, 0)}))
    end)
end)

describe("linear_cross_entropy", function()
    local function operands(n, width, classes)
        local x = yoso.randn({n, width}, {seed = 1}):requires_grad(true)
        local weight = (yoso.randn({classes, width}, {seed = 2}) * 0.3):detach():requires_grad(true)
        local bias = yoso.randn({classes}, {seed = 3}):requires_grad(true)
        local ids = yoso.randint(0, classes, {n}, {seed = 4})
        ids[2] = -100
        return x, weight, bias, ids
    end

    local function gradients(list)
        local result = {}
        for i, t in ipairs(list) do
            result[i], t.grad = t.grad, nil
        end
        return result
    end

    -- 900 rows of 40,000 classes are more than one chunk.
    for _, size in ipairs{{5, 3, 7}, {900, 4, 40000}} do
        it(("of %d rows equals the losses of all logits"):format(size[1]), function()
            local x, weight, bias, ids = operands(unpack(size))
            for _, reduction in ipairs{"mean", "sum"} do
                local loss = ops.linear_cross_entropy(x, weight, bias, ids, {reduction = reduction})
                loss:backward()
                local got = gradients{x, weight, bias}
                local wanted = ops.cross_entropy(ops.linear(x, weight, bias), ids,
                    {reduction = reduction})
                wanted:backward()
                assert.is_near(1, loss:item() / wanted:item(), 1e-5)
                for i, gradient in ipairs(gradients{x, weight, bias}) do
                    local scale = gradient:abs():max():item()
                    assert.is_true((got[i] - gradient):abs():max():item() < 1e-4 * scale)
                end
            end
        end)
    end

    it("goes without a bias, keeps a tape, and scales", function()
        local x, weight, _, ids = operands(5, 3, 7)
        local loss = ops.linear_cross_entropy(x, weight, nil, ids) * 2
        loss:backward{retain = true}
        local once = x.grad:clone()
        loss:backward()
        assert.is_true((x.grad - once * 2):abs():max():item() < 1e-6)
        local other = ops.linear_cross_entropy(x, weight, nil, ids)
        x.grad = nil
        other:backward()
        assert.is_true((once - x.grad * 2):abs():max():item() < 1e-6)
    end)

    it("names what does not fit", function()
        local x, weight, bias, ids = operands(5, 3, 7)
        assert.error_matches(function()
            ops.linear_cross_entropy(x, weight:transpose(1, 2), bias, ids)
        end, "linear_cross_entropy: x is %[5, 3%], weight %[3, 7%], labels %[5%]; must be")
        assert.error_matches(function()
            ops.linear_cross_entropy(x, weight, bias, ids, {reduction = "none"})
        end, "linear_cross_entropy: reduction is none, must be mean or sum")
    end)
end)

describe("an embedding's gradient", function()
    it("is added to one that is there, row by row", function()
        for _, dtype in ipairs{"f32", "bf16"} do
            local table = yoso.randn({6, 5}, {seed = 1}):to(dtype):requires_grad(true)
            local ids = yoso.tensor({1, 4, 1}, "i64")
            local weight = yoso.randn({3, 5}, {seed = 2}):to(dtype)
            local function loss(with_all)
                local sum = (ops.embedding(ids, table) * weight):sum()
                return with_all and sum + (table * 3):sum() or sum
            end
            loss(false):backward()
            local alone = table.grad:clone()
            loss(true):backward()
            local wanted = (alone:to("f32") * 2 + 3)
            assert.is_true((table.grad:to("f32") - wanted):abs():max():item()
                < (dtype == "f32" and 1e-6 or 0.1))
            assert.equal(dtype, table.grad:dtype())
        end
    end)
end)
