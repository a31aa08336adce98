-- Arithmetic: broadcasting, numbers as operands, integers, NaN, strided operands, changes in
-- place, and the same bits from every instruction set and number of threads.
local yoso = require "yoso"
local raises = require "spec.support.misuse"
local variants = require "spec.attention.close"

local nan, inf = 0 / 0, math.huge

describe("arithmetic", function()
    it("works element by element, with numbers on either side", function()
        local x = yoso.tensor{{1, 2}, {3, 4}}
        assert.same({{2, 4}, {6, 8}}, (x * 2):totable())
        assert.same({{1, 0}, {-1, -2}}, (2 - x):totable())
        assert.same({{0.5, 1}, {1.5, 2}}, (x / 2):totable())
        assert.same({{12, 6}, {4, 3}}, (12 / x):totable())
        assert.same({{1, 4}, {9, 16}}, (x ^ 2):totable())
        assert.same({{2, 4}, {8, 16}}, (2 ^ x):totable())
        assert.same({{-1, -2}, {-3, -4}}, (-x):totable())
        assert.same({{2, 2}, {3, 4}}, x:maximum(2):totable())
        assert.same({{1, 2}, {2, 2}}, x:minimum(2):totable())
    end)

    it("broadcasts in every dimension", function()
        local a, b = yoso.arange(3):reshape{3, 1, 1}, yoso.arange(8):reshape{1, 4, 2} * 10
        local sum = a + b
        assert.same({3, 4, 2}, sum:shape())
        for i = 1, 3 do
            for j = 1, 4 do
                for k = 1, 2 do
                    assert.equal(i + 10 * ((j - 1) * 2 + k), sum[i][j][k]:item())
                end
            end
        end
    end)

    it("reads strided operands", function()
        local x = yoso.arange(24):reshape{2, 3, 4}
        local y = x:permute(3, 1, 2)
        assert.is_true((y + y):equal((x * 2):permute(3, 1, 2):contiguous()))
        assert.is_true((y * y:contiguous()):equal((x * x):permute(3, 1, 2):contiguous()))
        assert.same({2, 4, 6}, (x[1][1]:narrow(1, 1, 3) * 2):totable())
    end)

    it("lets NaN through the extremes", function()
        local x, y = yoso.tensor{nan, 1, nan, inf}, yoso.tensor{1, nan, nan, -inf}
        for _, name in ipairs{"maximum", "minimum"} do
            local result = yoso.ops[name](x, y):totable()
            for i = 1, 3 do
                assert.is_true(result[i] ~= result[i])
            end
        end
        assert.equal(inf, x:maximum(y)[4]:item())
        assert.equal(-inf, x:minimum(y)[4]:item())
    end)

    it("keeps integers whole: division truncates, overflow wraps around", function()
        local x = yoso.tensor({7, -7, 9}, "i64")
        assert.same({3, -3, 4}, (x / 2):totable())
        assert.same({49, 49, 81}, (x ^ 2):totable())
        assert.same({8, -6, 10}, (x + 1):totable())
        local most = yoso.tensor({2 ^ 31 - 1}, "i32")
        assert.equal("i32", (most + 1):dtype())
        local big = yoso.tensor({2 ^ 62}, "i64") * 4
        assert.equal(0, big:item())
        local least = yoso.tensor({-2 ^ 63}, "i64")
        assert.equal(-2 ^ 63, (least / -1):item())
        assert.same({1, -1, 0}, (yoso.tensor({1, -1, 2}, "i64") ^ -3):totable())
    end)

    it("computes f16 and bf16 in f32 and rounds once", function()
        local x = yoso.tensor({1, 2 ^ -10, 3.14159}, "f16")
        assert.equal("f16", (x + x):dtype())
        assert.equal("f16", (x * 2.5):dtype())
        local third = yoso.tensor({1}, "bf16") / 3
        assert.equal(0.333984375, third:item())
    end)

    it("works on empty tensors and on eight dimensions", function()
        assert.same({0, 3}, (yoso.zeros{0, 3} + yoso.ones{3}):shape())
        local x = yoso.ones{1, 2, 1, 2, 1, 2, 1, 2}
        assert.equal(16 * 2, (x + x:permute(8, 7, 6, 5, 4, 3, 2, 1):contiguous()
            :permute(8, 7, 6, 5, 4, 3, 2, 1)):sum():item())
    end)
end)

describe("bits", function()
    local function everything(n)
        local a = yoso.randn({n}, {seed = 1})
        local b = yoso.rand({n}, {seed = 2}) + 0.1
        local strided = yoso.randn({n, 3}, {seed = 3}):transpose(1, 2)[2]
        return {a + b, a - strided, a * b, a / b, a:maximum(b), (a * b):sum(), strided:sum(),
            a:to("bf16") * b:to("bf16"), a:reshape{-1, 10}:sum(1), a:gelu(), a:to("i64") * 3}
    end

    it("are the same for any number of threads", function()
        local one, many
        yoso.set_threads(1)
        one = everything(100000)
        yoso.set_threads(3)
        many = everything(100000)
        yoso.set_threads()
        for i = 1, #one do
            assert.is_true(one[i]:equal(many[i]), "result " .. i)
        end
    end)

    it("of exact operations are the same for every instruction set", function()
        local results = {}
        for i, isa in ipairs(variants.variants) do
            variants.with_isa(isa, function() results[i] = everything(5000) end)
        end
        for k = 2, #results do
            for _, i in ipairs{1, 2, 3, 4, 5, 8, 11} do
                assert.is_true(results[1][i]:equal(results[k][i]), "result " .. i)
            end
            assert.is_true(results[1][10]:allclose(results[k][10], 1e-6, 1e-6))
        end
    end)
end)

describe("changes in place", function()
    it("change the tensor and return it", function()
        local x = yoso.tensor{1, 2, 3}
        assert.equal(x, x:add_(1):mul_(2):sub_(yoso.tensor{1, 1, 1}):div_(3))
        assert.same({1, 5 / 3, 7 / 3}, {x[1]:item(), 5 / 3, 7 / 3})
        assert.same({7, 7, 7}, x:fill_(7):totable())
        assert.same({0, 0, 0}, x:zero_():totable())
        assert.same({4, 5, 6}, x:copy_(yoso.tensor({4, 5, 6}, "i32")):totable())
    end)

    it("reach the elements through a view", function()
        local x = yoso.zeros{2, 3}
        x[2]:add_(1)
        x:narrow(2, 2, 1):add_(yoso.tensor{{10}, {20}})
        assert.same({{0, 10, 0}, {1, 21, 1}}, x:totable())
    end)

    it("are right when target and operand overlap", function()
        local x = yoso.arange(6)
        x:narrow(1, 2, 5):add_(x:narrow(1, 1, 5))
        assert.same({1, 3, 5, 7, 9, 11}, x:totable())
        local square = yoso.arange(9):reshape{3, 3}
        square:add_(square:transpose(1, 2))
        assert.same({{2, 6, 10}, {6, 10, 14}, {10, 14, 18}}, square:totable())
    end)
end)

describe("misuse of arithmetic", function()
    it("is told", function()
        local x = yoso.ones{2, 3}
        raises(function() local _ = x + yoso.ones{4} end, "add", "[2, 3]", "[4]", "broadcast")
        raises(function() local _ = x + "one" end, "add", "string", "tensor")
        raises(function() local _ = x * {} end, "mul", "table")
        raises(function() local _ = x:sub(nil) end, "sub", "nil")
        raises(function() local _ = x + yoso.ones({2, 3}, "f16") end, "add", "f32", "f16", "to()")
        raises(function() local _ = yoso.ones({2}, "i64") + 0.5 end, "add", "0.5", "i64")
        raises(function() local _ = yoso.ones({2}, "i64") / 0 end, "div", "zero")
        raises(function() local _ = x:add_(yoso.ones{2, 2, 3}) end, "add", "[2, 2, 3]", "[2, 3]")
        raises(function() local _ = yoso.ones{1}:expand{4}:add_(1) end, "add", "expanded")
        raises(function() local _ = x:fill_("a") end, "fill_", "string")
        raises(function() local _ = x:copy_(yoso.ones{4}) end, "copy_into", "[4]", "[2, 3]")
        local freed = yoso.ones{2}
        freed:free()
        raises(function() local _ = freed + 1 end, "add", "freed")
        raises(function() local _ = x + freed end, "add", "freed")
    end)
end)

describe("comparisons", function()
    it("give bool", function()
        local x, y = yoso.tensor{1, 2, 3}, yoso.tensor{3, 2, 1}
        assert.same({false, false, true}, x:gt(y):totable())
        assert.same({false, true, true}, x:ge(y):totable())
        assert.same({true, false, false}, x:lt(y):totable())
        assert.same({true, true, false}, x:le(y):totable())
        assert.same({false, true, false}, x:eq(y):totable())
        assert.same({true, false, true}, x:ne(y):totable())
        assert.same({true, true, false}, x:le(2):totable())
        assert.equal("bool", x:gt(y):dtype())
    end)

    it("follow IEEE with NaN", function()
        local x = yoso.tensor{nan}
        assert.is_false(x:eq(x):item())
        assert.is_true(x:ne(x):item())
        assert.is_false(x:le(x):item())
        assert.same({true, false, false}, yoso.tensor{nan, inf, 1}:isnan():totable())
        assert.same({false, true, true}, yoso.tensor{nan, inf, -inf}:isinf():totable())
        assert.same({false, false, true}, yoso.tensor{nan, -inf, 1}:isfinite():totable())
    end)

    it("compare large integers exactly", function()
        local x = yoso.tensor({2 ^ 53}, "i64")
        assert.is_true((x + 1):gt(x):item())
        assert.is_false((x + 1):eq(x):item())
    end)

    it("combine", function()
        local a, b = yoso.tensor({true, true, false, false}, "bool"),
            yoso.tensor({true, false, true, false}, "bool")
        assert.same({true, false, false, false}, a:logical_and(b):totable())
        assert.same({true, true, true, false}, a:logical_or(b):totable())
        assert.same({false, true, true, false}, a:logical_xor(b):totable())
        assert.same({false, false, true, true}, a:logical_not():totable())
    end)

    it("choose with where and masked_fill", function()
        local x = yoso.tensor{{1, -2}, {-3, 4}}
        assert.same({{1, 0}, {0, 4}}, yoso.where(x:gt(0), x, 0):totable())
        assert.same({{1, 10}, {10, 4}}, yoso.where(x:gt(0), x, yoso.tensor{10}):totable())
        assert.same({{1, 9}, {9, 4}}, x:masked_fill(x:lt(0), 9):totable())
        local y = yoso.where(yoso.tensor({true, false}, "bool"), yoso.tensor({1, 2}, "i64"), 7)
        assert.same({1, 7}, y:totable())
        raises(function() local _ = yoso.where(x, x, x) end, "where", "f32", "bool")
        raises(function() local _ = yoso.where(1, x, x) end, "where", "condition", "number")
        raises(function() local _ = x:masked_fill(true, 1) end, "masked_fill", "mask", "boolean")
    end)

    it("tell whether tensors are equal", function()
        local x = yoso.tensor{1, 2}
        assert.is_true(x:equal(yoso.tensor{1, 2}))
        assert.is_false(x:equal(yoso.tensor{1, 3}))
        assert.is_false(x:equal(yoso.tensor{{1, 2}}))
        assert.is_false(x:equal(x:to("f16")))
        assert.is_true(x:allclose(x + 1e-6))
        assert.is_false(x:allclose(x + 1e-2))
        assert.is_false(x:allclose(yoso.tensor{1, nan}))
        assert.is_true(yoso.tensor{inf}:allclose(yoso.tensor{inf}))
    end)
end)
