-- Random tensors: repeatable by seed, independent of threads and instruction sets, distributed
-- as they should be.
local yoso = require "yoso"
local random = yoso.random
local raises = require "spec.support.misuse"

local makers = {
    randn = function(seed) return yoso.randn({20001}, {seed = seed}) end,
    rand = function(seed) return yoso.rand({20001}, {seed = seed}) end,
    trunc_normal = function(seed) return random.trunc_normal({20001}, {seed = seed}) end,
    randint = function(seed) return yoso.randint(-5, 6, {20001}, {seed = seed}) end,
    randperm = function(seed) return yoso.randperm(20001, {seed = seed}) end,
}

describe("a random tensor", function()
    for name, make in pairs(makers) do
        it(name .. " repeats by its seed alone", function()
            local first = make(7)
            assert.is_true(first:equal(make(7)))
            assert.is_false(first:equal(make(8)))
            yoso.set_threads(3)
            assert.is_true(first:equal(make(7)))
            yoso.set_threads()
            local c = require "yoso.c"
            local best = c.string(c.lib.yoso_isa())
            c.check(c.lib.yoso_set_isa("plain"))
            local plain = make(7)
            c.check(c.lib.yoso_set_isa(best))
            assert.is_true(first:equal(plain))
        end)

        it(name .. " follows manual_seed", function()
            yoso.manual_seed(3)
            local a, b = make(), make()
            yoso.manual_seed(3)
            assert.is_true(a:equal(make()))
            assert.is_true(b:equal(make()))
            assert.is_false(a:equal(b))
        end)
    end

    it("begins alike whatever its length", function()
        local long, short = yoso.randn({1000}, {seed = 1}), yoso.randn({10}, {seed = 1})
        assert.is_true(long:narrow(1, 1, 10):contiguous():equal(short))
    end)

    it("has the moments of its distribution", function()
        local n = 400000
        local normal = yoso.randn({n}, {seed = 2})
        assert.near(0, normal:mean():item(), 0.01)
        assert.near(1, normal:var():item(), 0.02)
        assert.near(3, (normal ^ 4):mean():item(), 0.1)
        assert.near(0, (normal:narrow(1, 1, n - 1) * normal:narrow(1, 2, n - 1)):mean():item(), 0.01)
        local uniform = yoso.rand({n}, {seed = 2})
        assert.near(0.5, uniform:mean():item(), 0.005)
        assert.near(1 / 12, uniform:var():item(), 0.002)
        assert.is_true(uniform:min():item() >= 0 and uniform:max():item() < 1)
        local cut = random.trunc_normal({n}, {seed = 2, mean = 1, std = 0.5})
        assert.near(1, cut:mean():item(), 0.005)
        assert.near(0.5 * 0.8796, cut:std():item(), 0.005)
        assert.is_true(cut:min():item() >= 0 and cut:max():item() <= 2)
        local die = yoso.randint(1, 7, {n}, {seed = 2})
        for face = 1, 6 do
            assert.near(1 / 6, die:eq(face):to("f32"):mean():item(), 0.005)
        end
        assert.is_true(die:min():item() == 1 and die:max():item() == 6)
    end)

    it("stays below 1 in narrow formats", function()
        for _, dtype in ipairs{"f16", "bf16"} do
            local x = yoso.rand({100000}, {seed = 1, dtype = dtype})
            assert.equal(dtype, x:dtype())
            assert.is_true(x:to("f32"):max():item() < 1)
        end
    end)

    it("permutes without loss", function()
        local order = yoso.randperm(1000, {seed = 5})
        assert.is_true((order:sort()):equal(yoso.arange(1000, {dtype = "i64"})))
        assert.same({0}, yoso.randperm(0):shape())
        local first = yoso.zeros{6}
        for seed = 1, 600 do
            first:narrow(1, yoso.randperm(6, {seed = seed})[1]:item(), 1):add_(1)
        end
        assert.is_true(first:min():item() > 60 and first:max():item() < 140)
    end)

    it("takes mean, std, low and high", function()
        assert.near(10, yoso.randn({10000}, {seed = 1, mean = 10, std = 0.1}):mean():item(), 0.01)
        local x = yoso.rand({10000}, {seed = 1, low = -3, high = -1})
        assert.is_true(x:min():item() >= -3 and x:max():item() <= -1)
    end)

    it("is misused", function()
        raises(function() yoso.randn({2}, {seed = -1}) end, "randn", "seed", "-1")
        raises(function() yoso.randn({2}, {seed = 0.5}) end, "randn", "seed", "0.5")
        raises(function() yoso.randn({2}, {seed = "a"}) end, "randn", "seed", "a")
        raises(function() yoso.randn({2}, 3) end, "randn", "number", "table")
        raises(function() yoso.randn("a") end, "randn", "shape", "string")
        raises(function() yoso.randn({2}, {dtype = "i64"}) end, "i64", "float")
        raises(function() yoso.randint(3, 3, {2}) end, "rising")
        raises(function() yoso.randint({2}) end, "randint", "low")
        raises(function() yoso.randint(0, 3, {2}, {dtype = "f32"}) end, "f32", "integer")
        raises(function() yoso.randperm(-1) end, "randperm", "-1")
        raises(function() yoso.manual_seed("a") end, "manual_seed", "a")
    end)
end)

describe("next_seed", function()
    it("gives fresh whole numbers below 2^53", function()
        yoso.manual_seed(1)
        local seen = {}
        for _ = 1, 1000 do
            local seed = random.next_seed()
            assert.is_true(seed >= 0 and seed < 2 ^ 53 and seed == math.floor(seed))
            assert.is_nil(seen[seed])
            seen[seed] = true
        end
    end)

    it("derives seeds from seeds", function()
        assert.equal(random.derive(1, 2), random.derive(1, 2))
        assert.not_equal(random.derive(1, 2), random.derive(1, 3))
        assert.not_equal(random.derive(1, 2), random.derive(2, 2))
    end)
end)
