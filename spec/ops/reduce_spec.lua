-- Reductions: values, dimensions, precision, special values, integers, strides, empty tensors.
local yoso = require "yoso"
local raises = require "spec.support.misuse"

local nan, inf = 0 / 0, math.huge

-- Sums of nested lists the slow way: fn over the values of x along dim.
local function by_hand(x, dim, fn)
    local moved = {}
    for i = 1, x:ndim() do
        if i ~= dim then
            moved[#moved + 1] = i
        end
    end
    moved[#moved + 1] = dim
    local rows = x:permute(moved):reshape{-1, x:size(dim)}:totable()
    local results = {}
    for i, row in ipairs(rows) do
        results[i] = fn(row)
    end
    return results
end

local function sum_of(row)
    local total = 0
    for _, v in ipairs(row) do
        total = total + v
    end
    return total
end

local reference = {
    sum = sum_of,
    mean = function(row) return sum_of(row) / #row end,
    prod = function(row)
        local total = 1
        for _, v in ipairs(row) do
            total = total * v
        end
        return total
    end,
    max = function(row) return math.max(unpack(row)) end,
    min = function(row) return math.min(unpack(row)) end,
    norm = function(row)
        local total = 0
        for _, v in ipairs(row) do
            total = total + v * v
        end
        return math.sqrt(total)
    end,
    logsumexp = function(row)
        local total = 0
        for _, v in ipairs(row) do
            total = total + math.exp(v)
        end
        return math.log(total)
    end,
    var = function(row)
        local mean, total = sum_of(row) / #row, 0
        for _, v in ipairs(row) do
            total = total + (v - mean) ^ 2
        end
        return total / (#row - 1)
    end,
}

describe("a reduction", function()
    for name, fn in pairs(reference) do
        it(name .. " of any dimension of any layout is what a loop gives", function()
            for _, shape in ipairs{{5, 7, 20}, {3, 40, 2}, {33, 1, 3}} do
                local x = yoso.randn(shape, {seed = 4})
                for _, view in ipairs{x, x:permute(3, 1, 2), x:transpose(2, 3), x:narrow(3, 2, 1)
                    :expand{shape[1], shape[2], 6}} do
                    for dim = 1, 3 do
                        if not (name == "var" and view:size(dim) == 1) then
                            local wanted = by_hand(view, dim, fn)
                            local got = yoso.ops[name](view, dim)
                            assert.same(view:select(dim, 1):shape(), got:shape())
                            for i, value in ipairs(got:reshape(-1):totable()) do
                                assert.near(wanted[i], value, 1e-5 * math.max(1, math.abs(wanted[i])))
                            end
                        end
                    end
                end
            end
        end)
    end

    it("takes one dimension, several or all, and keeps them on request", function()
        local x = yoso.arange(24):reshape{2, 3, 4}
        assert.equal(300, x:sum():item())
        assert.same({}, x:sum():shape())
        assert.same({1, 1, 1}, x:sum(nil, true):shape())
        assert.same({2, 4}, x:sum(2):shape())
        assert.same({2, 1, 4}, x:sum(-2, true):shape())
        assert.same({3}, x:sum({1, 3}):shape())
        assert.same({10 + 58, 26 + 74, 42 + 90}, x:sum({1, 3}):totable())
        assert.same({1, 3, 1}, x:mean({1, -1}, true):shape())
    end)

    it("does not lose small terms", function()
        local x = yoso.full({1000003}, 0.1)
        assert.near(1000003 * 0.1, x:sum():item(), 0.02)
        assert.near(0.1, x:mean():item(), 1e-8)
        local large = yoso.randn({100000}, {seed = 1}) + 1e4
        assert.near(1, large:var():item(), 0.02)
        assert.near(1, large:std():item(), 0.01)
        local rows = yoso.full({300000, 3}, 0.1):sum(1)
        for _, value in ipairs(rows:totable()) do
            assert.near(30000, value, 0.01)
        end
    end)

    it("does not overflow in logsumexp", function()
        assert.near(1000 + math.log(2), yoso.tensor{1000, 1000}:logsumexp():item(), 1e-4)
        assert.equal(-inf, yoso.tensor{-inf, -inf}:logsumexp():item())
        assert.equal(inf, yoso.tensor{inf, 1}:logsumexp():item())
        assert.near(5, yoso.cat{yoso.full({5000}, -inf), yoso.tensor{5}}:logsumexp():item(), 1e-6)
    end)

    it("lets NaN win the extremes, wherever it stands", function()
        for _, place in ipairs{1, 700, 1500, 40000} do
            local x = yoso.randn({40000}, {seed = 2})
            x:narrow(1, place, 1):fill_(nan)
            assert.is_true(x:max():isnan():item())
            assert.is_true(x:min():isnan():item())
            assert.equal(place, x:argmax():item())
            assert.equal(place, x:argmin():item())
        end
    end)

    it("finds the first of equal extremes, counted from 1", function()
        local x = yoso.tensor{{1, 3, 3}, {2, 2, 0}}
        assert.same({2, 1}, x:argmax(2):totable())
        assert.same({1, 3}, x:argmin(2):totable())
        assert.same({2, 1, 1}, x:argmax(1):totable())
        assert.equal(2, x:argmax():item())
        assert.equal("i64", x:argmax():dtype())
        local values, places = x:max(2)
        assert.same({3, 2}, values:totable())
        assert.same({2, 1}, places:totable())
        local most = yoso.zeros{100000}
        most:narrow(1, 99999, 1):fill_(1)
        assert.equal(99999, most:argmax():item())
    end)

    it("keeps integers exact", function()
        local x = yoso.tensor({2 ^ 53, 1, 1}, "i64")
        assert.is_true(x:sum():eq(yoso.tensor(2 ^ 53, "i64") + 2):item())
        assert.equal("i64", yoso.ones({3}, "u8"):sum():dtype())
        assert.equal(300, yoso.full({3}, 100, "u8"):sum():item())
        assert.equal(2, yoso.tensor({true, false, true}, "bool"):sum():item())
        assert.equal(-5, yoso.tensor({3, -5}, "i32"):min():item())
        assert.equal("i32", yoso.tensor({3, -5}, "i32"):max():dtype())
        assert.equal(-15, yoso.tensor({3, -5}, "i32"):prod():item())
        assert.is_true((yoso.tensor({2 ^ 53, 0}, "i64") + 1):max():gt(yoso.tensor(2 ^ 53, "i64")):item())
    end)

    it("asks whether any or all", function()
        local x = yoso.tensor{{0, 0}, {0, 2}, {1, 3}}
        assert.same({false, true, true}, x:any(2):totable())
        assert.same({false, false, true}, x:all(2):totable())
        assert.is_true(yoso.tensor{nan}:any():item())
        assert.equal("bool", x:any():dtype())
    end)

    it("of nothing is its neutral element", function()
        local x = yoso.zeros{0, 3}
        assert.same({0, 0, 0}, x:sum(1):totable())
        assert.same({1, 1, 1}, x:prod(1):totable())
        assert.same({0, 0, 0}, x:norm(1):totable())
        assert.same({false, false, false}, x:any(1):totable())
        assert.same({true, true, true}, x:all(1):totable())
        assert.same({-inf, -inf, -inf}, x:logsumexp(1):totable())
        assert.is_true(x:mean(1):isnan():all():item())
        assert.is_true(x:var(1):isnan():all():item())
        assert.same({}, x:sum(2):totable())
        assert.equal(0, x:sum():item())
    end)

    it("divides the variance as it is told", function()
        local x = yoso.tensor{1, 2, 3, 4}
        assert.near(5 / 3, x:var():item(), 1e-6)
        assert.near(1.25, x:var(1, false, 0):item(), 1e-6)
        assert.is_true(yoso.tensor{1}:var():isnan():item())
    end)

    it("gives a product with zeros its right gradient", function()
        local x = yoso.tensor{{2, 0, 3}, {0, 0, 4}, {1, 2, 3}}:requires_grad(true)
        x:prod(2):sum():backward()
        assert.same({{0, 6, 0}, {0, 0, 0}, {6, 3, 2}}, x.grad:totable())
    end)

    it("is misused", function()
        local x = yoso.ones{2, 3}
        raises(function() local _ = x:sum(3) end, "sum", "dimension 3", "2")
        raises(function() local _ = x:sum(0) end, "sum", "dimension 0")
        raises(function() local _ = x:sum("a") end, "sum", "dimension a")
        raises(function() local _ = x:sum({1, 1}) end, "sum", "twice")
        raises(function() local _ = x:to("i64"):mean() end, "mean", "i64", "float")
        raises(function() local _ = yoso.zeros{0, 3}:max() end, "max", "no elements", "[0, 3]")
        raises(function() local _ = yoso.zeros{0, 3}:argmin(1) end, "argmin", "no elements")
        raises(function() local _ = yoso.ops.sum(3) end, "sum", "number", "tensor")
    end)
end)
