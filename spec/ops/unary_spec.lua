-- Functions of one element: accuracy in units of the last place against the C library's double
-- functions, special values, and every activation by its name in configurations.
local yoso = require "yoso"
local raises = require "spec.support.misuse"

local nan, inf = 0 / 0, math.huge

-- erf by its series and, far out, its continued fraction, in double.
local function erf(x)
    local size = math.abs(x)
    if size < 2.5 then
        local term, sum, n = x, x, 0
        repeat
            n = n + 1
            term = -term * x * x / n
            sum = sum + term / (2 * n + 1)
        until math.abs(term) < 1e-18
        return sum * 2 / math.sqrt(math.pi)
    end
    local fraction = 0
    for k = 120, 1, -1 do
        fraction = k / 2 / (size + fraction)
    end
    local tail = math.exp(-x * x) / math.sqrt(math.pi) / (size + fraction)
    return (1 - tail) * (x < 0 and -1 or 1)
end

local function log1p(x)
    local u = 1 + x
    return u == 1 and x or math.log(u) * x / (u - 1)
end

local function expm1(x)
    local u = math.exp(x)
    if u == 1 then
        return x
    end
    return u - 1 == -1 and -1 or math.abs(x) < 1 and (u - 1) * x / math.log(u) or u - 1
end

local function sigmoid(x)
    return 1 / (1 + math.exp(-x))
end

local function softplus(x)
    return math.max(x, 0) + log1p(math.exp(-math.abs(x)))
end

local function normal(x)
    return 0.5 * (1 + erf(x / math.sqrt(2)))
end

local function gelu_tanh(x)
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ^ 3)))
end

-- The distance of two numbers in units of the last place of wanted.
local function ulps(wanted, got)
    local _, exponent = math.frexp(wanted)
    return math.abs(wanted - got) / 2 ^ math.max(exponent - 24, -149)
end

local function check_ulps(name, fn, low, high, most)
    local x = yoso.rand({5000}, {seed = 5, low = low, high = high})
    local inputs, outputs = x:totable(), yoso.ops[name](x):totable()
    for i = 1, #inputs do
        local wanted = fn(inputs[i])
        assert.is_true(ulps(wanted, outputs[i]) <= most,
            ("%s(%.9g) = %.9g, not %.9g"):format(name, inputs[i], outputs[i], wanted))
    end
end

describe("an elementary function", function()
    for _, case in ipairs{
        {"exp", math.exp, -87, 88, 1.5}, {"exp", math.exp, -1, 1, 1.5},
        {"log", math.log, 0.5, 2, 1.5}, {"log", math.log, 1e-30, 1e15, 1.5},
        {"expm1", expm1, -1, 1, 2}, {"expm1", expm1, -20, 80, 2},
        {"log1p", log1p, -0.9, 3, 2}, {"tanh", math.tanh, -10, 10, 2},
        {"tanh", math.tanh, -0.7, 0.7, 2}, {"sigmoid", sigmoid, -80, 80, 3},
        {"erf", erf, -1.2, 1.2, 3}, {"erf", erf, -5, 5, 3},
        {"sqrt", math.sqrt, 0, 100, 0.51}, {"sin", math.sin, -10, 10, 1},
        {"cos", math.cos, -10, 10, 1}, {"tan", math.tan, -1.5, 1.5, 2},
        {"sinh", math.sinh, -10, 10, 2}, {"cosh", math.cosh, -10, 10, 2},
        {"asin", math.asin, -1, 1, 2}, {"acos", math.acos, -1, 1, 2},
        {"atan", math.atan, -10, 10, 2},
        {"rsqrt", function(x) return 1 / math.sqrt(x) end, 0.01, 100, 1.5},
        {"reciprocal", function(x) return 1 / x end, 0.01, 100, 0.51},
        {"square", function(x) return x * x end, -100, 100, 0.51},
        {"floor", math.floor, -100, 100, 0}, {"ceil", math.ceil, -100, 100, 0},
    } do
        local name, fn, low, high, most = unpack(case)
        it(("%s is within %g units from %g to %g"):format(name, most, low, high), function()
            check_ulps(name, fn, low, high, most)
        end)
    end

    it("has its limits at special values", function()
        local x = yoso.tensor{nan, inf, -inf, 0}
        local wanted = {
            exp = {nan, inf, 0, 1}, log = {nan, inf, nan, -inf}, expm1 = {nan, inf, -1, 0},
            log1p = {nan, inf, nan, 0}, tanh = {nan, 1, -1, 0}, sigmoid = {nan, 1, 0, 0.5},
            erf = {nan, 1, -1, 0}, sqrt = {nan, inf, nan, 0}, abs = {nan, inf, inf, 0},
            sign = {nan, 1, -1, 0}, relu = {nan, inf, 0, 0}, neg = {nan, -inf, inf, 0},
        }
        for name, values in pairs(wanted) do
            for i, value in ipairs(yoso.ops[name](x):totable()) do
                assert.is_true(value == values[i] or (value ~= value and values[i] ~= values[i]),
                    ("%s of case %d is %g"):format(name, i, value))
            end
        end
        assert.equal(-inf, yoso.tensor{-1}:log1p():item())
        assert.equal(inf, yoso.tensor{89}:exp():item())
        assert.equal(0, yoso.tensor{-200}:exp():item())
        assert.near(2 ^ -140, yoso.tensor{-140 * math.log(2)}:exp():item(), 2 ^ -148)
    end)

    it("rounds half to even", function()
        assert.same({0, 2, 2, -0, -2}, yoso.tensor{0.5, 1.5, 2.5, -0.5, -1.5}:round():totable())
    end)

    it("keeps integers where they have it, and refuses them elsewhere", function()
        local x = yoso.tensor({-3, 0, 4}, "i64")
        assert.same({3, 0, 4}, x:abs():totable())
        assert.same({3, 0, -4}, (-x):totable())
        assert.same({-1, 0, 1}, x:sign():totable())
        assert.same({9, 0, 16}, x:square():totable())
        assert.same({0, 0, 4}, x:relu():totable())
        assert.same({-3, 0, 4}, x:floor():totable())
        raises(function() local _ = x:sqrt() end, "sqrt", "i64", "float")
        raises(function() local _ = yoso.ops.exp("x") end, "exp", "string", "tensor")
    end)

    it("clamps", function()
        local x = yoso.tensor{-2, 0, 2, nan}
        assert.same({-1, 0, 1}, x:narrow(1, 1, 3):clamp(-1, 1):totable())
        assert.same({-2, 0, 1}, x:narrow(1, 1, 3):clamp(nil, 1):totable())
        assert.is_true(x:clamp(-1, 1)[4]:isnan():item())
        assert.same({-1, 0, 1}, yoso.tensor({-5, 0, 5}, "i64"):clamp(-1, 1):totable())
        raises(function() local _ = x:clamp() end, "clamp", "bound")
        raises(function() local _ = x:clamp("a") end, "clamp", "numbers")
    end)
end)

describe("activation", function()
    local formulas = {
        gelu = function(x) return x * normal(x) end,
        gelu_10 = function(x) return math.min(10, math.max(-10, x * normal(x))) end,
        gelu_new = gelu_tanh,
        hardswish = function(x) return x * math.min(6, math.max(0, x + 3)) / 6 end,
        laplace = function(x) return normal((x - 0.707107) / 0.282095) end,
        leaky_relu = function(x) return x < 0 and 0.01 * x or x end,
        linear = function(x) return x end,
        mish = function(x) return x * math.tanh(softplus(x)) end,
        quick_gelu = function(x) return x * sigmoid(1.702 * x) end,
        relu = function(x) return math.max(0, x) end,
        relu2 = function(x) return math.max(0, x) ^ 2 end,
        relu6 = function(x) return math.min(6, math.max(0, x)) end,
        sigmoid = sigmoid,
        silu = function(x) return x * sigmoid(x) end,
        softplus = softplus,
        sqrtsoftplus = function(x) return math.sqrt(softplus(x)) end,
        tanh = math.tanh,
    }
    local same_as = {gelu_python = "gelu", gelu_accurate = "gelu_new", gelu_fast = "gelu_new",
        gelu_pytorch_tanh = "gelu_new", gelu_python_tanh = "gelu_new", swish = "silu"}
    for name, other in pairs(same_as) do
        formulas[name] = formulas[other]
    end

    for name, formula in pairs(formulas) do
        it(name .. " is its formula, with its derivative", function()
            local x = yoso.cat{yoso.rand({1000}, {seed = 6, low = -12, high = 12}),
                yoso.tensor{0, 20, -20, 50, -50}}
            local out = yoso.ops.activation(x, name):totable()
            for i, value in ipairs(x:totable()) do
                local wanted = formula(value)
                assert.near(wanted, out[i], 1e-7 + 3e-7 * math.abs(wanted))
            end
            local point = yoso.tensor{-7.3, -2.6, -1.1, -0.4, 0.3, 0.9, 1.7, 4.2, 8.5, 15}
            local leaf = point:clone():requires_grad(true)
            yoso.ops.activation(leaf, name):sum():backward()
            local slopes = leaf.grad:totable()
            for i, value in ipairs(point:totable()) do
                local h = 1e-5
                local wanted = (formula(value + h) - formula(value - h)) / (2 * h)
                assert.near(wanted, slopes[i], 2e-6 + 1e-6 * math.abs(wanted))
            end
        end)
    end

    it("stays finite and has finite gradients far out", function()
        for name in pairs(formulas) do
            local x = yoso.tensor{-1e4, -100, -30, 30, 100, 1e4}:requires_grad(true)
            local y = yoso.ops.activation(x, name)
            assert.is_true(y:isfinite():all():item(), name)
            y:sum():backward()
            assert.is_true(x.grad:isfinite():all():item(), name)
        end
    end)

    it("lists all names for one that it does not know", function()
        raises(function() local _ = yoso.ops.activation(yoso.ones{2}, "gelo") end, "activation",
            '"gelo"', "gelu gelu_10", "sqrtsoftplus swish tanh")
        raises(function() local _ = yoso.ops.activation(yoso.ones{2}, 3) end, "activation", "number")
    end)
end)
