-- Positions: gathering, scattering, finding, sorting, running sums; all count from 1.
local yoso = require "yoso"
local raises = require "spec.support.misuse"

local nan, inf = 0 / 0, math.huge
local x = yoso.tensor{{11, 12, 13}, {21, 22, 23}}

local function i64(list)
    return yoso.tensor(list, "i64")
end

describe("gather", function()
    it("picks along any dimension", function()
        assert.same({{13, 11}, {21, 21}}, x:gather(2, i64{{3, 1}, {1, 1}}):totable())
        assert.same({{21, 12, 23}}, x:gather(1, i64{{2, 1, 2}}):totable())
        assert.same({{13, 11}, {21, 21}}, x:gather(-1, yoso.tensor({{3, 1}, {1, 1}}, "i32")):totable())
    end)

    it("reads strided tensors and positions, of every dtype", function()
        local index = i64{{2, 1, 2}, {1, 2, 2}}:transpose(1, 2)
        for _, dtype in ipairs{"f32", "f16", "bf16", "i32", "i64", "u8", "bool"} do
            local y = x:to(dtype):transpose(1, 2)
            local wanted = x:transpose(1, 2):contiguous():gather(1, index:contiguous()):to(dtype)
            assert.is_true(y:gather(1, index):equal(wanted), dtype)
        end
    end)

    it("gives repeated positions the sum of their gradients", function()
        local leaf = x:clone():requires_grad(true)
        leaf:gather(2, i64{{3, 3, 3}, {1, 3, 1}}):sum():backward()
        assert.same({{0, 0, 3}, {2, 0, 1}}, leaf.grad:totable())
    end)

    it("is misused", function()
        raises(function() local _ = x:gather(2, i64{{4}, {1}}) end, "gather", "1 to 3")
        raises(function() local _ = x:gather(2, i64{{0}, {1}}) end, "gather", "1 to 3")
        raises(function() local _ = x:gather(2, i64{{-2 ^ 63}, {1}}) end, "gather", "1 to 3")
        raises(function() local _ = x:gather(2, i64{1, 2}) end, "gather", "[2]", "[2, 3]")
        raises(function() local _ = x:gather(1, i64{{1, 1, 1, 1}}) end, "gather", "[1, 4]", "[2, 3]")
        raises(function() local _ = x:gather(2, yoso.ones{2, 1}) end, "gather", "f32", "i64 or i32")
        raises(function() local _ = x:gather(3, i64{{1}}) end, "gather", "dimension 3")
        raises(function() local _ = x:gather(2, 1) end, "gather", "index", "number")
    end)
end)

describe("index_select", function()
    it("picks whole parts", function()
        assert.same({{21, 22, 23}, {11, 12, 13}, {21, 22, 23}}, x:index_select(1, i64{2, 1, 2}):totable())
        assert.same({{13, 13}, {23, 23}}, x:index_select(2, i64{3, 3}):totable())
        assert.same({0, 3}, x:index_select(1, yoso.zeros({0}, "i64")):shape())
        local big = yoso.randn({50, 3000}, {seed = 1})
        local order = yoso.randperm(50, {seed = 2})
        local picked = big:index_select(1, order)
        for i, place in ipairs(order:totable()) do
            assert.is_true(picked[i]:equal(big[place]))
        end
    end)

    it("is misused", function()
        raises(function() local _ = x:index_select(1, i64{3}) end, "1 to 2")
        raises(function() local _ = x:index_select(1, i64{{1}}) end, "index_select", "[1, 1]", "one dimension")
        raises(function() local _ = x:index_select(1, {1}) end, "index_select", "table", "tensor")
    end)
end)

describe("scatter", function()
    it("puts elements at positions, the last one counting", function()
        local y = yoso.zeros{2, 3}:scatter(2, i64{{3, 3}, {1, 2}}, yoso.tensor{{5, 6}, {7, 8}})
        assert.same({{0, 0, 6}, {7, 8, 0}}, y:totable())
        assert.same({{11, 1, 13}, {2, 22, 3}}, x:scatter(1, i64{{2, 1, 2}},
            yoso.tensor{{2, 1, 3}}):totable())
    end)

    it("adds at positions, in order for any number of threads", function()
        local y = yoso.zeros{3}:scatter_add(1, i64{1, 3, 1, 1}, yoso.tensor{1, 2, 3, 4})
        assert.same({8, 0, 2}, y:totable())
        local index = yoso.randint(1, 11, {2000}, {seed = 3}):reshape{2000, 1}:expand{2000, 64}
        local source = yoso.randn({2000, 64}, {seed = 4})
        yoso.set_threads(1)
        local one = yoso.zeros{10, 64}:scatter_add(1, index, source)
        yoso.set_threads(4)
        local many = yoso.zeros{10, 64}:scatter_add(1, index, source)
        yoso.set_threads()
        assert.is_true(one:equal(many))
        assert.is_true(one:sum(1):allclose(source:sum(1), 1e-4, 1e-4))
        assert.same({3, 0}, i64{0, 0}:scatter_add(1, i64{1, 1}, i64{1, 2}):totable())
    end)

    it("is misused", function()
        local source = yoso.ones{2, 1}
        raises(function() local _ = x:scatter(2, i64{{4}, {1}}, source) end, "scatter", "1 to 3")
        raises(function() local _ = x:scatter(2, i64{{1}, {1}}, yoso.ones{1, 2}) end, "[1, 2]", "[2, 1]")
        raises(function() local _ = x:scatter(2, i64{{1}, {1}}, source:to("f16")) end, "f16", "f32")
        raises(function() local _ = x:scatter(2, i64{{1}, {1}}, 1) end, "scatter", "source", "number")
    end)
end)

describe("nonzero and masked_select", function()
    it("find the places of what is not zero", function()
        assert.same({{1, 1}, {1, 3}, {2, 2}}, yoso.tensor{{1, 0, 2}, {0, -1, 0}}:nonzero():totable())
        assert.same({{1, 1}, {2, 2}, {3, 1}},
            yoso.tensor{{1, 0, 2}, {0, -1, 0}}:transpose(1, 2):nonzero():totable())
        assert.same({0, 2}, yoso.zeros{3, 3}:nonzero():shape())
        assert.same({2, 1}, yoso.tensor({true, false, true}, "bool"):nonzero():shape())
        assert.same({1, 1}, yoso.tensor({-0.0, nan}):nonzero():shape())
    end)

    it("select by a mask, with gradient", function()
        local leaf = x:clone():requires_grad(true)
        local chosen = leaf:masked_select(x:gt(12))
        assert.same({13, 21, 22, 23}, chosen:totable())
        chosen:sum():backward()
        assert.same({{0, 0, 1}, {1, 1, 1}}, leaf.grad:totable())
        assert.same({11, 13, 21, 23}, x:masked_select(yoso.tensor({true, false, true}, "bool")):totable())
    end)
end)

describe("sort", function()
    it("orders values and says where they were", function()
        local y = yoso.tensor{{3, 1, 2}, {-1, inf, -inf}}
        local values, places = y:sort()
        assert.same({{1, 2, 3}, {-inf, -1, inf}}, values:totable())
        assert.same({{2, 3, 1}, {3, 1, 2}}, places:totable())
        assert.same({{3, 2, 1}, {inf, -1, -inf}}, (y:sort(2, true)):totable())
        assert.same({{-1, 1, -inf}, {3, inf, 2}}, (y:sort(1)):totable())
        assert.same({{2, 3, 1}, {3, 1, 2}}, y:argsort():totable())
    end)

    it("is stable, takes both zeros as equal and NaN as the largest", function()
        local y = yoso.tensor{0, nan, -0.0, 1, 0, -1}
        assert.same({6, 1, 3, 5, 4, 2}, y:argsort():totable())
        assert.same({2, 4, 1, 3, 5, 6}, y:argsort(1, true):totable())
    end)

    it("sorts long lines, and topk is its head", function()
        for _, n in ipairs{1, 2, 63, 64, 65, 1000, 20000} do
            local y = yoso.randint(-n, n, {3, n}, {seed = n})
            for _, dtype in ipairs{"i64", "f32"} do
                local z = y:to(dtype)
                local values, places = z:sort(2)
                assert.is_true(z:gather(2, places):equal(values))
                if n > 1 then
                    local steps = values:narrow(2, 2, n - 1) - values:narrow(2, 1, n - 1)
                    assert.is_true(steps:min():item() >= 0)
                end
                for _, k in ipairs{1, math.min(n, 70), n} do
                    local first, at = z:topk(k, 2, false)
                    assert.is_true(first:equal(values:narrow(2, 1, k)))
                    assert.is_true(at:equal(places:narrow(2, 1, k)))
                end
            end
        end
    end)

    it("keeps integers beyond 2^53 apart", function()
        local y = (i64{2 ^ 53, 2 ^ 53} + i64{1, 0})
        assert.same({2, 1}, y:argsort():totable())
    end)

    it("is misused", function()
        raises(function() local _ = x:topk(4) end, "topk", "k is 4", "0 to 3")
        raises(function() local _ = x:topk("a") end, "topk", "k is a")
        raises(function() local _ = x:sort(3) end, "sort", "dimension 3")
        assert.same({2, 0}, (x:topk(0)):shape())
    end)
end)

describe("cumsum", function()
    it("sums up to each place", function()
        assert.same({{11, 23, 36}, {21, 43, 66}}, x:cumsum(2):totable())
        assert.same({{11, 12, 13}, {32, 34, 36}}, x:cumsum(1):totable())
        assert.equal("i64", yoso.ones({3}, "bool"):cumsum(1):dtype())
        assert.near(100000 * 0.1, yoso.full({100000}, 0.1):cumsum(1)[100000]:item(), 0.01)
    end)
end)
