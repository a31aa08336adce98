-- The product that layers are trained with, against matmul, in every variant.
local c = require "yoso.c"
local close = require "spec.attention.close"
local yoso = require "yoso"

local lib = c.lib

local function product(out, a, b, bias, add, split)
    c.check(lib.yoso_product_into(out.handle, a.handle, b.handle, bias and bias.handle,
        add and 1 or 0, split and 1 or 0))
    return out
end

-- The largest difference, as a share of the largest element wanted.
local function error_of(got, wanted)
    wanted = wanted:to("f32")
    return (got:to("f32") - wanted):abs():max():item() / wanted:abs():max():item()
end

-- A matrix whose rows are neighbours, or whose columns are.
local function matrix(rows, columns, turned, seed, dtype)
    if turned then
        return yoso.randn({columns, rows}, {seed = seed}):to(dtype):transpose(1, 2)
    end
    return yoso.randn({rows, columns}, {seed = seed}):to(dtype)
end

-- One tile and less, edges in each direction, one row, many blocks, and a long sum.
local sizes = {{1, 1, 1}, {3, 2, 5}, {32, 32, 32}, {33, 31, 65}, {1, 100, 70}, {70, 1, 33},
    {100, 300, 257}, {40, 48, 4500}}

for _, isa in ipairs(close.variants) do
    describe("product_into in the kernels for " .. isa, function()
        setup(function() c.check(lib.yoso_set_isa(isa)) end)
        teardown(function() c.check(lib.yoso_set_isa(close.usual)) end)

        for _, dtype in ipairs{"f32", "bf16", "f16"} do
            it("equals matmul for " .. dtype .. ", however the operands lie", function()
                local bound = dtype == "f32" and 2e-6 or 1e-2
                for i, size in ipairs(sizes) do
                    local m, n, k = unpack(size)
                    local a = matrix(m, k, i % 2 == 0, i, dtype)
                    local b = matrix(k, n, i % 3 == 0, i + 50, dtype)
                    local bias = yoso.randn({n}, {seed = i + 99}):to(dtype)
                    local wanted = a:to("f32"):matmul(b:to("f32"))
                    local out = yoso.zeros({m, n}, dtype)
                    assert.is_true(error_of(product(out, a, b), wanted) < bound)
                    wanted = wanted + bias:to("f32")
                    assert.is_true(error_of(product(out, a, b, bias), wanted) < bound)
                    assert.is_true(error_of(product(out, a, b, nil, true), wanted
                        + a:to("f32"):matmul(b:to("f32"))) < bound)
                end
            end)
        end

        it("keeps 16 bits of f32 where it may split them", function()
            for i, size in ipairs(sizes) do
                local m, n, k = unpack(size)
                for _, turned in ipairs{false, true} do
                    local a, b = matrix(m, k, turned, i, "f32"), matrix(k, n, not turned, i + 50, "f32")
                    local out = yoso.ones{m, n}
                    local wanted = a:matmul(b) + 1
                    assert.is_true(error_of(product(out, a, b, nil, true, true), wanted) < 2e-5)
                end
            end
        end)

        it("leaves what lies beside a narrow result alone", function()
            local all = yoso.zeros{40, 50}
            local a, b = yoso.ones{40, 8}, yoso.ones{8, 34}
            product(all:narrow(2, 5, 34), a, b, nil, false, true)
            assert.equal(8 * 40 * 34, all:sum():item())
            assert.equal(0, all:narrow(2, 1, 4):abs():max():item())
            assert.equal(0, all:narrow(2, 39, 12):abs():max():item())
        end)

        it("gives the same bits again", function()
            local a, b = yoso.randn({70, 300}, {seed = 1}), yoso.randn({300, 90}, {seed = 2})
            local one = product(yoso.zeros{70, 90}, a, b, nil, false, true)
            local two = product(yoso.zeros{70, 90}, a, b, nil, false, true)
            assert.equal(0, (one - two):abs():max():item())
        end)
    end)
end

describe("product_into", function()
    it("names what does not fit", function()
        assert.error_matches(function()
            product(yoso.zeros{2, 3}, yoso.zeros{2, 4}, yoso.zeros{5, 3})
        end, "product: out is %[2, 3%], a %[2, 4%], b %[5, 3%], bias none; must be")
    end)

    it("takes a depth of nothing", function()
        local out = yoso.ones{2, 3}
        product(out, yoso.zeros{2, 0}, yoso.zeros{0, 3}, yoso.tensor{1, 2, 3})
        assert.same({{1, 2, 3}, {1, 2, 3}}, out:totable())
    end)
end)
