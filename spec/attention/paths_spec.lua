-- The sampled form takes another way for few keys, for bf16 on tiles, for more buckets than keys and
-- for lengths of several chunks. All ways give the sums of the plain kernels.
local close = require "spec.attention.close"
local yoso = require "yoso"

local ops = yoso.ops

local function offset(list)
    return yoso.tensor(list, "i64")
end

local function sample(q, k, v, given)
    local options = {form = "sample", heads = 1, seed = 5, offset = offset{0, q:shape()[1]}}
    for name, value in pairs(given) do
        options[name] = value
    end
    return ops.attention(q, k, v, options)
end

local function operands(rows, size, value_size, dtype)
    return yoso.randn({rows, size}, {seed = rows}):to(dtype),
        yoso.randn({rows, size}, {seed = rows + 1}):to(dtype),
        yoso.randn({rows, value_size}, {seed = rows + 2}):to(dtype)
end

-- In every variant the result of the plain kernels for the same numbers as f32.
local function agrees(rows, size, value_size, dtype, given, tolerance)
    local q, k, v = operands(rows, size, value_size, dtype)
    local want
    close.with_isa("plain", function()
        want = sample(q:to("f32"), k:to("f32"), v:to("f32"), given)
    end)
    for _, isa in ipairs(close.variants) do
        close.with_isa(isa, function()
            local got = sample(q, k, v, given)
            assert.equal(dtype, got:dtype())
            close.to_largest(got:to("f32"), want, tolerance)
            assert.is_true(got:equal(sample(q, k, v, given)))
        end)
    end
end

describe("the sampled form agrees with the plain kernels", function()
    it("for lengths on either side of every limit", function()
        for _, rows in ipairs{1, 31, 33, 127, 193, 353, 513, 1001} do
            local given = {num_hash = 5, hash_code_len = 7}
            agrees(rows, 64, 64, "f32", given, 3e-6)
            agrees(rows, 64, 64, "bf16", given, 2 ^ -7)
        end
    end)

    it("for sizes of heads and values that are multiples of nothing", function()
        for _, sizes in ipairs{{16, 16}, {20, 33}, {48, 64}, {64, 20}, {96, 96}, {128, 128}, {7, 130}} do
            for _, rows in ipairs{40, 700} do
                local given = {num_hash = 3, hash_code_len = 6}
                agrees(rows, sizes[1], sizes[2], "f32", given, 3e-6)
                agrees(rows, sizes[1], sizes[2], "bf16", given, 2 ^ -7)
                agrees(rows, sizes[1], sizes[2], "f16", given, 2 ^ -10)
            end
        end
    end)

    it("for every length of codes, odd numbers of hashes and each way to hash", function()
        for code_len = 1, 16 do
            local fast = ({true, "spread", false})[code_len % 3 + 1]
            for _, num_hash in ipairs{1, 7, 33} do
                local given = {num_hash = num_hash, hash_code_len = code_len, fast_hash = fast}
                agrees(90, 32, 24, "f32", given, 3e-6)
                agrees(600, 32, 24, "bf16", given, 2 ^ -7)
            end
        end
    end)

    it("with more hashes than tiles of counts can hold", function()
        agrees(50, 16, 16, "bf16", {num_hash = 300, hash_code_len = 3}, 2 ^ -7)
    end)

    it("over several chunks, whose values may grow by far", function()
        local q, k, v = operands(17000, 16, 16, "bf16")
        local size = yoso.cat({yoso.full({9000, 1}, 1e-3), yoso.full({8000, 1}, 1e4)}, 1)
        local large = (v:to("f32") * size):to("bf16")
        for _, values in ipairs{v, large} do
            local given, want = {num_hash = 4, hash_code_len = 8}, nil
            close.with_isa("plain", function()
                want = sample(q:to("f32"), k:to("f32"), values:to("f32"), given)
            end)
            for _, isa in ipairs(close.variants) do
                close.with_isa(isa, function()
                    close.to_largest(sample(q, k, values, given):to("f32"), want, 2 ^ -7)
                    close.to_largest(sample(q:to("f32"), k:to("f32"), values:to("f32"), given), want, 3e-6)
                end)
            end
        end
    end)

    it("for values as large and as small as bf16 holds", function()
        local q, k, v = operands(600, 16, 16, "bf16")
        for _, scale in ipairs{1e-36, 1e-20, 1e20, 1e35} do
            local values, out = (v:to("f32") * scale):to("bf16"), {}
            for i, isa in ipairs(close.variants) do
                close.with_isa(isa, function()
                    out[i] = sample(q, k, values, {num_hash = 4, hash_code_len = 5}):to("f32")
                end)
                assert.equal(0, out[i]:ne(out[i]):to("f32"):sum():item())
                close.to_largest(out[i], out[1], 2 ^ -6)
            end
        end
    end)

    it("when all keys fall into one bucket", function()
        local one = yoso.ones{3000, 16}:to("bf16")
        local v = (yoso.rand({3000, 16}, {seed = 1}) + 0.5):to("bf16")
        local want = v:to("f32"):sum(1, true)
        want = want / (want * want):sum():sqrt()
        for _, isa in ipairs(close.variants) do
            close.with_isa(isa, function()
                local out = sample(one, one, v, {num_hash = 2}):to("f32")
                close.to_largest(out:narrow(1, 1500, 1), want, 2 ^ -7)
            end)
        end
    end)
end)

describe("packed sequences of many lengths", function()
    it("are hashed together and come out as alone", function()
        local lengths, list, total = {24, 1, 0, 400, 37, 700, 3, 64, 520}, {0}, 0
        for i, n in ipairs(lengths) do
            total = total + n
            list[i + 1] = total
        end
        for _, dtype in ipairs{"f32", "bf16"} do
            local q, k, v = operands(total, 64, 64, dtype)
            local given = {heads = 2, num_hash = 6, hash_code_len = 5}
            for _, isa in ipairs(close.variants) do
                close.with_isa(isa, function()
                    given.offset = offset(list)
                    local packed = sample(q, k, v, given)
                    for i, n in ipairs(lengths) do
                        if n > 0 then
                            local function part(x)
                                return x:narrow(1, list[i] + 1, n)
                            end
                            given.offset = offset{0, n}
                            assert.is_true(part(packed):equal(sample(part(q), part(k), part(v), given)))
                        end
                    end
                end)
            end
        end
    end)
end)

describe("expectation and softmax of bf16", function()
    local function attend(form, q, k, v, given)
        given.form, given.heads, given.offset = form, 1, offset{0, q:shape()[1]}
        return ops.attention(q, k, v, given)
    end

    for _, form in ipairs{"expectation", "softmax"} do
        it(form .. " is that of f32 but for rounding, for any size", function()
            for _, rows in ipairs{1, 17, 129, 1100} do
                for _, sizes in ipairs{{16, 16}, {20, 33}, {64, 64}, {64, 130}, {96, 16}, {128, 128}} do
                    local q, k, v = operands(rows, sizes[1], sizes[2], "bf16")
                    local given = {hash_code_len = rows % 16 + 1}
                    local want = attend(form, q:to("f32"), k:to("f32"), v:to("f32"), given)
                    for _, isa in ipairs(close.variants) do
                        close.with_isa(isa, function()
                            close.to_largest(attend(form, q, k, v, given):to("f32"), want, 2 ^ -7)
                        end)
                    end
                end
            end
        end)

        it(form .. " lets nothing through that is masked, and is finite at the ends", function()
            local x = yoso.randn({150, 32}, {seed = 1}):to("bf16")
            local hole = yoso.cat({x:narrow(1, 1, 70), yoso.full({5, 32}, 0 / 0):to("bf16"),
                x:narrow(1, 76, 75)}, 1)
            local bits = {}
            for i = 1, 150 do
                bits[i] = i > 70 and i <= 75 and 0 or 1
            end
            local keep = yoso.tensor(bits, "bool")
            local ends = yoso.cat({x:narrow(1, 1, 1), x:narrow(1, 1, 1), x:narrow(1, 1, 1) * -1,
                x:narrow(1, 1, 1) * 0, x:narrow(1, 1, 1) * 1e18}, 1)
            for _, isa in ipairs(close.variants) do
                close.with_isa(isa, function()
                    local a = attend(form, x, x, x, {keep = keep})
                    local b = attend(form, hole, hole, hole, {keep = keep})
                    assert.is_true(a:equal(b))
                    assert.equal(0, close.largest(a:narrow(1, 71, 5):to("f32")))
                    for code_len = 1, 16 do
                        local out = attend(form, ends, ends, x:narrow(1, 1, 5), {hash_code_len = code_len})
                        assert.equal(0, out:ne(out):to("f32"):sum():item())
                    end
                end)
            end
        end)
    end
end)
