-- Linear layers of bf16 that are multiplied in f16 (avx512fp16): against the plain kernels, for sizes
-- that fill tiles and sizes that do not, and for numbers that f16 does not have.
local yoso = require "yoso"
local c = require "yoso.c"
local variants = require "spec.attention.close"

local ops, lib = yoso.ops, c.lib

local function random(shape, seed, scale)
    return yoso.randn(shape, {seed = seed, std = scale}):to("bf16")
end

local function plainly(x, weight, bias, activation)
    local result
    variants.with_isa("plain", function()
        result = ops.linear(x:to("f32"), weight:to("f32"), bias and bias:to("f32"), activation)
    end)
    return result
end

-- Root mean square of the difference, as a part of what is wanted.
local function off(got, want)
    return math.sqrt((got:to("f32") - want):square():sum():item() / math.max(want:square():sum():item(), 1e-30))
end

local has_half = lib.yoso_set_isa("avx512fp16") == lib.YOSO_OK
c.check(lib.yoso_set_isa(variants.usual))

describe("a linear layer of bf16 by way of f16", function()
    if not has_half then
        pending("needs a processor with AVX512-FP16")
        return
    end
    setup(function() c.check(lib.yoso_set_isa("avx512fp16")) end)
    teardown(function() c.check(lib.yoso_set_isa(variants.usual)) end)

    it("is as near as bf16 is, with every activation", function()
        for _, size in ipairs{{1, 1, 1}, {5, 7, 3}, {12, 64, 32}, {13, 65, 33}, {24, 128, 64},
            {70, 33, 1100}, {530, 130, 200}, {40, 1100, 70}, {385, 64, 48}} do
            local rows, columns, depth = unpack(size)
            local x, weight = random({rows, depth}, 1), random({columns, depth}, 2, depth ^ -0.5)
            local bias = random({columns}, 3)
            for _, activation in ipairs{"none", "gelu", "relu", "tanh"} do
                activation = activation ~= "none" and activation or nil
                for _, b in ipairs{bias, false} do
                    b = b or nil
                    local distance = off(ops.linear(x, weight, b, activation),
                        plainly(x, weight, b, activation))
                    assert.is_true(distance < 4e-3, ("%d x %d x %d, %s: off by %g"):format(rows,
                        columns, depth, tostring(activation), distance))
                end
            end
        end
    end)

    it("takes rows far larger and smaller than f16's numbers, each by itself", function()
        local x, weight = random({6, 40}, 1), random({70, 40}, 2)
        local scales = {1e28, 1e-28, 1e10, 1e-10, 3e4, 1}
        for i, scale in ipairs(scales) do
            x[i] = x[i] * scale
        end
        weight[3], weight[4] = weight[3] * 1e-8, weight[4] * 1e6
        local got, want = ops.linear(x, weight), plainly(x, weight)
        for i = 1, 6 do
            for j = 1, 70 do
                local most = x[i]:abs():max():item() * weight[j]:abs():max():item() * 40 ^ 0.5
                local difference = math.abs(got[i][j]:item() - want[i][j]:item())
                assert.is_true(difference <= 4e-3 * most, ("row %d, column %d"):format(i, j))
            end
        end
    end)

    it("hands on zeros, infinities and what is no number", function()
        local x, weight = random({5, 40}, 1), random({3, 40}, 2)
        x[1], x[2][7], x[3][9] = 0, 0 / 0, math.huge
        local out = ops.linear(x, weight):totable()
        for j = 1, 3 do
            assert.equal(0, out[1][j])
            assert.is_true(out[2][j] ~= out[2][j])
            assert.is_true(out[3][j] ~= out[3][j] or math.abs(out[3][j]) == math.huge)
            assert.is_true(math.abs(out[4][j]) < 100)
        end
        assert.same({0, 4}, ops.linear(yoso.zeros({0, 8}, "bf16"), random({4, 8}, 1)):shape())
        assert.equal(0, ops.linear(x, weight * 0):to("f32")[5]:abs():sum():item())
    end)

    it("gives the same bits for any number of threads, and sees a weight change", function()
        local x, weight = random({800, 96}, 1), random({200, 96}, 2)
        local function run() return ops.linear(x, weight, nil, "gelu"):to("f32") end
        local threads = yoso.threads()
        local several = run()
        yoso.set_threads(1)
        local one = run()
        yoso.set_threads(threads)
        assert.equal(0, (several - one):abs():max():item())
        weight:fill_(0)
        assert.equal(0, run():abs():max():item())
    end)
end)
