-- Packed sequences and masks in all three forms: what is masked or elsewhere changes nothing,
-- odd sizes, extreme vectors, narrow dtypes, and memory that grows with the length only.
local c = require "yoso.c"
local close = require "spec.attention.close"
local yoso = require "yoso"

local ops = yoso.ops
local forms = {"expectation", "sample", "softmax"}

local function offset(list)
    return yoso.tensor(list, "i64")
end

local function attend(form, x, given)
    local options = {form = form, heads = 2, num_hash = 6, hash_code_len = 4, seed = 3}
    for name, value in pairs(given) do
        options[name] = value
    end
    return ops.attention(x, x * 0.5 + 0.1, x * 2, options)
end

local function rows(x, list)
    local parts = {}
    for i, row in ipairs(list) do
        parts[i] = x:narrow(1, row, 1)
    end
    return yoso.cat(parts, 1)
end

for _, form in ipairs(forms) do
    describe(form .. " attention", function()
        local x = yoso.randn({13, 12}, {seed = 1})

        it("masks with holes as if the tokens were not there", function()
            local keep = yoso.tensor({1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 1, 0, 1}, "bool")
            local kept = {1, 3, 4, 7, 9, 10, 11, 13}
            local out = attend(form, x, {offset = offset{0, 6, 13}, keep = keep})
            local bare = attend(form, rows(x, kept), {offset = offset{0, 3, 8}})
            close.to_largest(rows(out, kept), bare, 1e-6)
            assert.equal(0, close.largest(rows(out, {2, 5, 6, 8, 12})))
        end)

        it("lets nothing that is masked through, NaN included, forward and back", function()
            local poisoned = yoso.cat({x:narrow(1, 1, 5), yoso.full({1, 12}, 0 / 0), x:narrow(1, 7, 7)}, 1)
            local keep = yoso.tensor({1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1}, "f32")
            local given = {offset = offset{0, 13}, keep = keep}
            assert.is_true(attend(form, poisoned, given):equal(attend(form, x, given)))
            local grads = {}
            for i, input in ipairs{poisoned, x} do
                local leaf = input:clone():requires_grad(true)
                given.form, given.heads = form, 2
                ops.attention(leaf, leaf, leaf, given):backward(yoso.ones{13, 12})
                grads[i] = leaf.grad
            end
            assert.is_true(grads[1]:equal(grads[2]))
            assert.equal(0, close.largest(grads[1]:narrow(1, 6, 1)))
        end)

        it("gives zeros where everything is masked, and no gradient", function()
            local leaf = x:clone():requires_grad(true)
            local out = ops.attention(leaf, leaf, leaf, {form = form, heads = 2,
                offset = offset{0, 13}, keep = yoso.zeros({13}, "u8")})
            assert.equal(0, close.largest(out))
            out:backward(yoso.ones{13, 12})
            assert.equal(0, close.largest(leaf.grad))
        end)

        it("takes one token, none, and lengths that are multiples of nothing", function()
            for _, n in ipairs{1, 2, 5, 7, 63, 65, 131} do
                local long = yoso.randn({n, 12}, {seed = n})
                local alone = attend(form, long, {offset = offset{0, n}})
                local packed = attend(form, yoso.cat({x, long}, 1), {offset = offset{0, 13, 13, 13 + n}})
                close.to_largest(packed:narrow(1, 14, n), alone, 1e-6)
            end
            local none = attend(form, yoso.zeros{0, 12}, {offset = offset{0}})
            assert.same({0, 12}, none:shape())
        end)

        it("keeps duplicates, opposites and zeros free of NaN, gradients too", function()
            local one = yoso.randn({1, 12}, {seed = 4})
            local input = yoso.cat({one, one, one * -1, one * 1e-20, one * 0, one * 1e15}, 1)
            for code_len = 1, 16, form == "softmax" and 16 or 1 do
                local leaf = input:clone():requires_grad(true)
                local out = ops.attention(leaf, leaf, leaf * 1e-15,
                    {form = form, heads = 2, offset = offset{0, 6}, hash_code_len = code_len, num_hash = 3})
                out:backward(yoso.ones{6, 12})
                for _, t in ipairs{out, leaf.grad} do
                    assert.equal(0, t:ne(t):to("f32"):sum():item())
                end
            end
        end)

        it("repeats to the bit, and agrees between variants", function()
            local long = yoso.randn({201, 40}, {seed = 5})
            local given = {offset = offset{0, 90, 201}}
            local usual = attend(form, long, given)
            assert.is_true(usual:equal(attend(form, long, given)))
            for _, isa in ipairs(close.variants) do
                close.with_isa(isa, function()
                    close.to_largest(attend(form, long, given), usual, 2e-6)
                end)
            end
        end)

        it("rounds bf16 and f16 once, at the end", function()
            for dtype, epsilon in pairs{bf16 = 2 ^ -7, f16 = 2 ^ -10} do
                local narrow = yoso.randn({30, 12}, {seed = 6}):to(dtype)
                local given = {form = form, heads = 2, offset = offset{0, 30}, num_hash = 4}
                local out = ops.attention(narrow, narrow, narrow, given)
                assert.equal(dtype, out:dtype())
                local wide = narrow:to("f32")
                close.to_largest(out:to("f32"), ops.attention(wide, wide, wide, given), epsilon)
            end
        end)
    end)
end

describe("memory", function()
    local function used_by(pass)
        collectgarbage()
        collectgarbage()
        c.lib.yoso_memory_reset_peak()
        local before = yoso.memory().live
        local result = pass()
        local used = yoso.memory().peak - before
        assert.is_true(close.largest(result) > 0)
        return used
    end

    local function options_of(form, n)
        return {form = form, heads = 1, offset = offset{0, n}, num_hash = 4, hash_code_len = 6}
    end

    local function peak(form, n)
        local x = yoso.randn({n, 8}, {seed = 1})
        return used_by(function() return ops.attention(x, x, x, options_of(form, n)) end)
    end

    local function peak_of_gradient(form, n)
        local x = yoso.randn({n, 8}, {seed = 1}):requires_grad(true)
        local grad = yoso.randn({n, 8}, {seed = 2})
        return used_by(function()
            ops.attention(x, x, x, options_of(form, n)):backward(grad)
            return x.grad
        end)
    end

    it("of 65,536 tokens is that of their results and a few rows more", function()
        for _, form in ipairs{"expectation", "sample"} do
            local short, long = peak(form, 16384), peak(form, 65536)
            assert.is_true(long < 4.5 * short + 2 ^ 22, ("%s: %d, %d"):format(form, short, long))
            assert.is_true(long < 16 * 2 ^ 20, ("%s: %d bytes"):format(form, long))
        end
    end)

    it("of their gradients grows with the length", function()
        for form, n in pairs{expectation = 2048, sample = 16384} do
            local short, long = peak_of_gradient(form, n), peak_of_gradient(form, 4 * n)
            assert.is_true(long < 4.5 * short + 2 ^ 20, ("%s: %d, %d"):format(form, short, long))
        end
    end)
end)
