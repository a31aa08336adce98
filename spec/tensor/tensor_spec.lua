-- Making, reading and converting tensors, in every dtype, and what is wrong with bad requests.
local yoso = require "yoso"
local raises = require "spec.support.misuse"

local nan, inf = 0 / 0, math.huge
local dtypes = {"f32", "f16", "bf16", "i32", "i64", "u8", "bool"}

describe("a tensor", function()
    it("is made from nested lists and read back", function()
        local x = yoso.tensor{{1, 2, 3}, {4, 5, 6}}
        assert.same({2, 3}, x:shape())
        assert.equal("f32", x:dtype())
        assert.equal("cpu", x:device())
        assert.equal(6, x:numel())
        assert.equal(2, x:ndim())
        assert.equal(3, x:size(-1))
        assert.same({{1, 2, 3}, {4, 5, 6}}, x:totable())
        assert.equal(6, x[2][3]:item())
        assert.equal(4, x[-1][1]:item())
    end)

    it("may have no dimensions, or no elements", function()
        assert.same({}, yoso.tensor(5):shape())
        assert.equal(5, yoso.tensor(5):totable())
        assert.same({0}, yoso.tensor{}:shape())
        assert.same({2, 0}, yoso.tensor{{}, {}}:shape())
        assert.same({{}, {}}, yoso.tensor{{}, {}}:totable())
        assert.same({0, 3}, yoso.zeros{0, 3}:shape())
    end)

    it("holds every dtype", function()
        for _, dtype in ipairs(dtypes) do
            local x = yoso.tensor({0, 1, 1}, dtype)
            assert.equal(dtype, x:dtype())
            local wanted = dtype == "bool" and {false, true, true} or {0, 1, 1}
            assert.same(wanted, x:totable())
            assert.same(wanted[2], x[2]:item())
            assert.same({1, 1}, yoso.ones({2}, dtype):to("f32"):totable())
            assert.same({0, 0}, yoso.zeros({2}, dtype):to("f32"):totable())
        end
        assert.same({true, false}, yoso.tensor({true, false}, "bool"):totable())
        assert.same({1, 0}, yoso.tensor({true, false}):totable())
        assert.equal(2 ^ 53, yoso.tensor({2 ^ 53}, "i64"):item())
    end)

    it("holds eight dimensions", function()
        local x = yoso.arange(256):reshape{2, 2, 2, 2, 2, 2, 2, 2}
        assert.equal(256, x[2][2][2][2][2][2][2][2]:item())
        assert.equal(1, x:totable()[1][1][1][1][1][1][1][1])
    end)

    it("is written by index", function()
        local x = yoso.zeros{2, 3}
        x[1] = 5
        x[2][3] = 7
        x[-1] = x[-1] + 1
        assert.same({{5, 5, 5}, {1, 1, 8}}, x:totable())
        raises(function() x[3] = 1 end, "select", "index 3", "1 to 2")
        raises(function() x[1] = "a" end, "fill_", "string")
    end)

    it("is freed once, and says so afterwards", function()
        local x = yoso.ones{2}
        x:free()
        x:free()
        raises(function() x:sum() end, "sum", "freed")
        raises(function() x:shape() end, "shape", "freed")
        raises(function() local _ = x[1] end, "select", "freed")
        assert.equal("a tensor that was freed", tostring(x))
    end)

    it("keeps its storage alive through views", function()
        local x = yoso.ones{4}
        local view = x:narrow(1, 2, 2)
        x:free()
        assert.same({1, 1}, view:totable())
    end)
end)

describe("conversion", function()
    it("goes between all dtypes", function()
        for _, from in ipairs(dtypes) do
            for _, to in ipairs(dtypes) do
                local x = yoso.tensor({0, 1, 1, 0}, from):to(to)
                assert.equal(to, x:dtype())
                assert.same({0, 1, 1, 0}, x:to("f32"):totable())
            end
        end
    end)

    it("truncates and saturates towards integers, and takes NaN as 0", function()
        local x = yoso.tensor{2.9, -2.9, 300, -300, 3e9, -3e9, 1e30, nan, inf}
        assert.same({2, -2, 300, -300, 2 ^ 31 - 1, -2 ^ 31, 2 ^ 31 - 1, 0, 2 ^ 31 - 1},
            x:to("i32"):totable())
        assert.same({2, 0, 255, 0, 255, 0, 255, 0, 255}, x:to("u8"):totable())
        assert.same({2, -2, 300, -300, 3e9, -3e9}, x:narrow(1, 1, 6):to("i64"):totable())
        assert.same({true, true, true, true, true, true, true, true, true}, x:to("bool"):totable())
    end)

    it("rounds to the nearest even in the narrow formats", function()
        local x = yoso.tensor{1 + 2 ^ -11, 1 + 3 * 2 ^ -11, 65504, 65520, 2 ^ -24, 2 ^ -26, -0.0}
        assert.same({1, 1 + 2 ^ -9, 65504, inf, 2 ^ -24, 0, 0}, x:to("f16"):totable())
        local y = yoso.tensor{1 + 2 ^ -8, 1 + 3 * 2 ^ -8, 3.3895e38}
        assert.same({1, 1 + 2 ^ -6}, y:to("bf16"):narrow(1, 1, 2):totable())
        assert.is_true(yoso.tensor{nan}:to("f16"):isnan():item())
        assert.is_true(yoso.tensor{nan}:to("bf16"):isnan():item())
    end)

    it("is the same through every f16 and bf16 value and back", function()
        local c = require "yoso.c"
        local tensor = require "yoso.tensor"
        for _, dtype in ipairs{"f16", "bf16"} do
            local all = tensor.empty({65536}, dtype)
            local bits = tensor.data(all)
            for i = 0, 65535 do
                bits[i] = i
            end
            local back = all:to("f32"):to(dtype)
            local got = tensor.data(back)
            local most = dtype == "f16" and 0x7c00 or 0x7f80
            for i = 0, 65535 do
                local magnitude = i % 32768
                if magnitude <= most then
                    assert(got[i] == i, ("%s %04x became %04x"):format(dtype, i, got[i]))
                else -- NaN stays NaN
                    assert(got[i] % 32768 > most)
                end
            end
        end
        assert.is_truthy(c)
    end)

    it("gives the tensor itself when nothing changes", function()
        local x = yoso.ones{2}
        assert.is_true(rawequal(x, x:to("f32")))
        assert.is_true(rawequal(x, x:to("cpu")))
        assert.is_true(rawequal(x, x:to("f32", "cpu")))
        assert.is_false(rawequal(x, x:clone()))
    end)

    it("is misused", function()
        raises(function() yoso.ones{2}:to("f64") end, "to", '"f64"', "f32 f16")
        raises(function() yoso.ones{2}:to(3) end, "to", "number")
    end)
end)

describe("a bad request", function()
    it("is told at the caller's line", function()
        raises(function() yoso.tensor{{1, 2}, {3}} end, "tensor", "[2]", "1 elements", "2")
        raises(function() yoso.tensor{{1, 2}, 3} end, "tensor", "[2]", "no elements")
        raises(function() yoso.tensor{1, "a"} end, "tensor", "[2]", "string")
        raises(function() yoso.tensor{1, {2}} end, "tensor", "[2]", "table")
        raises(function() yoso.tensor(nil) end, "tensor", "nil")
        raises(function() yoso.tensor({1}, "f64") end, "tensor", "f64", "f32 f16 bf16")
        raises(function() yoso.tensor({nan}, "i64") end, "tensor", "nan", "i64")
        raises(function() yoso.tensor({2 ^ 63}, "i64") end, "tensor", "i64")
        raises(function() yoso.tensor({1}, "f32", "tpu") end, "tpu")
        raises(function() yoso.tensor(yoso.ones{1}) end, "tensor", "already")
        raises(function() yoso.zeros(3) end, "zeros", "number", "list")
        raises(function() yoso.zeros{-1} end, "zeros", "-1")
        raises(function() yoso.zeros{1.5} end, "zeros", "1.5")
        raises(function() yoso.zeros{"a"} end, "zeros", "a")
        raises(function() yoso.zeros({2}, "f32", "tpu") end, "zeros", "tpu", "cpu")
        raises(function() yoso.zeros{1, 1, 1, 1, 1, 1, 1, 1, 1} end, "9 dimensions", "8")
        raises(function() yoso.full({2}, "a") end, "full", "string")
        raises(function() yoso.zeros{2 ^ 40, 2 ^ 40} end, "too many elements")
        raises(function() yoso.zeros{2 ^ 50} end, "memory")
        raises(function() yoso.ones{2}:item() end, "item", "2 elements")
        raises(function() yoso.ones{2}:size(2) end, "size", "dimension 2")
        local circle = {}
        circle[1] = circle
        raises(function() yoso.tensor(circle) end, "tensor", "nested")
    end)
end)
