-- Products on the matrix unit against the plain kernels: sizes that fill tiles and sizes that do
-- not, both orders of both factors, one thread and more.
local yoso = require "yoso"
local c = require "yoso.c"
local variants = require "spec.attention.close"
local numbers = require "spec.support.numbers"

local ops, lib = yoso.ops, c.lib

local function random(shape, seed, scale)
    return yoso.randn(shape, {seed = seed, std = scale})
end

-- The largest difference, as a part of the largest wanted value.
local function off(got, want)
    return (got:to("f32") - want):abs():max():item() / want:abs():max():item()
end

local function plainly(fn)
    local result
    variants.with_isa("plain", function() result = fn() end)
    return result
end

-- Rows, columns, depth: within one tile; on its edges; deep enough for parts; many rows.
local sizes = {{1, 1, 1}, {5, 7, 3}, {16, 32, 32}, {33, 31, 65}, {32, 70, 130}, {70, 33, 1100},
    {300, 64, 96}, {530, 130, 200}, {40, 1100, 70}}

local has_amx = lib.yoso_set_isa("amx") == lib.YOSO_OK
c.check(lib.yoso_set_isa(variants.usual))

describe("a product on the matrix unit", function()
    if not has_amx then
        pending("needs a processor with AMX")
        return
    end
    setup(function() c.check(lib.yoso_set_isa("amx")) end)
    teardown(function() c.check(lib.yoso_set_isa(variants.usual)) end)

    it("is the linear layer's, with every activation, in f32, bf16 and f16", function()
        for _, size in ipairs(sizes) do
            local rows, columns, depth = unpack(size)
            local x, weight = random({rows, depth}, 1), random({columns, depth}, 2, depth ^ -0.5)
            local bias = random({columns}, 3)
            for _, activation in ipairs{"none", "gelu", "relu", "tanh"} do
                activation = activation ~= "none" and activation or nil
                for dtype, tolerance in pairs{f32 = 3e-6, bf16 = 8e-3, f16 = 1e-3} do
                    local a, w, b = x:to(dtype), weight:to(dtype), bias:to(dtype)
                    local want = plainly(function()
                        return ops.linear(a:to("f32"), w:to("f32"), b:to("f32"), activation)
                    end)
                    local got = ops.linear(a, w, b, activation)
                    assert.equal(dtype, got:dtype())
                    local distance = (got:to("f32") - want):abs():max():item()
                    assert.is_true(distance <= tolerance * math.max(1, want:abs():max():item()),
                        ("%d x %d x %d, %s, %s: off by %g"):format(rows, columns, depth, dtype,
                            tostring(activation), distance))
                end
            end
        end
    end)

    it("reads factors that lie either way", function()
        for _, size in ipairs{{210, 205, 220}, {300, 130, 1000}} do
            local m, n, k = unpack(size)
            local a, b = random({m, k}, 1), random({k, n}, 2)
            for dtype, tolerance in pairs{f32 = 3e-6, bf16 = 8e-3} do
                local x, y = a:to(dtype), b:to(dtype)
                local want = plainly(function() return x:to("f32"):matmul(y:to("f32")) end)
                local x_turned = x:transpose(1, 2):contiguous():transpose(1, 2)
                local y_turned = y:transpose(1, 2):contiguous():transpose(1, 2)
                for _, left in ipairs{x, x_turned} do
                    for _, right in ipairs{y, y_turned} do
                        assert.is_true(off(left:matmul(right), want) < tolerance)
                    end
                end
            end
        end
    end)

    it("gives a linear layer's gradients", function()
        local x, weight, grad = random({300, 220}, 1), random({250, 220}, 2), random({300, 250}, 3)
        local want_x = plainly(function() return grad:matmul(weight) end)
        local want_weight = plainly(function() return grad:transpose(1, 2):matmul(x) end)
        for dtype, tolerance in pairs{f32 = 3e-6, bf16 = 0.02} do
            local a, w = x:clone():to(dtype), weight:clone():to(dtype)
            a:requires_grad(true)
            w:requires_grad(true)
            ops.linear(a, w):backward(grad:to(dtype))
            assert.is_true(off(a.grad, want_x) < tolerance)
            assert.is_true(off(w.grad, want_weight) < tolerance)
        end
    end)

    it("keeps f32's precision, against sums in double precision", function()
        local depth = 768
        local x, weight = random({8, depth}, 1), random({32, depth}, 2)
        local a, w = x:totable(), weight:totable()
        local got = ops.linear(x, weight):totable()
        local theirs = plainly(function() return ops.linear(x, weight) end):totable()
        local ours, others = 0, 0
        for i = 1, 8 do
            for j = 1, 32 do
                local sum = 0
                for k = 1, depth do
                    sum = sum + a[i][k] * w[j][k]
                end
                ours = math.max(ours, math.abs(got[i][j] - sum))
                others = math.max(others, math.abs(theirs[i][j] - sum))
            end
        end
        -- Sums reach 100, whose last place is worth 8e-6.
        assert.is_true(ours < 1e-4 and ours < 3 * others, ("off by %g, plain by %g"):format(ours, others))
    end)

    it("gives the same bits with any number of threads, and every time", function()
        for dtype, shape in pairs{f32 = {600, 130, 900}, bf16 = {600, 130, 1100}} do
            local x = random({shape[1], shape[3]}, 1):to(dtype)
            local weight = random({shape[2], shape[3]}, 2):to(dtype)
            local function run(threads)
                yoso.set_threads(threads)
                local out = ops.linear(x, weight, nil, "gelu")
                yoso.set_threads(0)
                return out
            end
            local first = run(1)
            for _, threads in ipairs{1, 2, 3, 4} do
                assert.equal(0, (run(threads) - first):abs():max():item())
            end
        end
    end)

    it("gives a row the same bits whatever the other rows are", function()
        for _, depth in ipairs{100, 1100} do
            for _, dtype in ipairs{"f32", "bf16"} do
                local x, weight = random({300, depth}, 1):to(dtype), random({70, depth}, 2):to(dtype)
                local all = ops.linear(x, weight)
                for _, rows in ipairs{1, 16, 17, 40, 100} do
                    local some = ops.linear(x:narrow(1, 101, rows), weight)
                    assert.equal(0, (some - all:narrow(1, 101, rows)):abs():max():item())
                end
            end
        end
    end)

    it("passes NaN on", function()
        local x = random({40, 64}, 1)
        x:narrow(1, 3, 1):narrow(2, 5, 1):fill_(0 / 0)
        for _, dtype in ipairs{"f32", "bf16"} do
            local out = ops.linear(x:to(dtype), random({40, 64}, 2):to(dtype), nil, "gelu"):totable()
            assert.is_true(out[3][1] ~= out[3][1])
            assert.is_true(out[4][1] == out[4][1])
        end
    end)

    it("computes GELU over its whole range", function()
        local x = yoso.tensor({-1e4, -30, -7, -5.4, -3, -1, -1e-3, 0, 1e-3, 0.7, 3, 5.4, 7, 30, 1e4})
            :reshape{15, 1}
        local one = yoso.ones{1, 1}
        local want = plainly(function() return ops.linear(x, one, nil, "gelu") end)
        numbers.close(ops.linear(x, one, nil, "gelu"), want, 3e-7)
        numbers.close(ops.linear(x:to("bf16"), one:to("bf16"), nil, "gelu"):narrow(1, 3, 11),
            want:narrow(1, 3, 11), 0.02)
    end)
end)
