-- Every mistake a caller can make with the attention is an error at the caller's line, naming
-- the function and what it got.
local yoso = require "yoso"

local ops = yoso.ops

local function i64(...)
    return yoso.tensor({...}, "i64")
end

local function refused(pattern, fn, ...)
    local ok, message = pcall(fn, ...)
    assert.is_false(ok)
    assert.matches(pattern, message)
    assert.matches("misuse_spec%.lua:%d+: ", message)
    assert.is_nil(message:find("\n", 1, true))
end

describe("attention refuses", function()
    local x = yoso.zeros{4, 6}

    local function attend(change, q, k, v)
        local options = {heads = 2, offset = i64(0, 4)}
        for name, value in pairs(change or {}) do
            options[name] = value
        end
        return function()
            return ops.attention(q or x, k or x, v or x, options)
        end
    end

    it("options that are out of range or of another kind", function()
        refused("options is a nil", function() ops.attention(x, x, x) end)
        refused("unknown form fast", attend{form = "fast"})
        refused("heads is 0", attend{heads = 0})
        refused("heads is 1.5", attend{heads = 1.5})
        refused("hash_code_len is 0, must be 1 to 16", attend{hash_code_len = 0})
        refused("hash_code_len is 17, must be 1 to 16", attend{hash_code_len = 17})
        refused("num_hash is 0, must be 1 to 65536", attend{form = "sample", num_hash = 0})
        refused("num_hash is 65537", attend{form = "sample", num_hash = 65537})
        refused("layer is %-1", attend{layer = -1})
        refused("layer is 4294967296, must be below", attend{layer = 2 ^ 32})
        refused("fast_hash is slow, must be", attend{fast_hash = "slow"})
        refused("seed is x", attend{seed = "x"})
        refused("seed is 0.5", attend{seed = 0.5})
        refused("seed is nan", attend{seed = 0 / 0})
    end)

    it("operands that do not fit", function()
        refused("query is a number", attend({}, 3))
        refused("heads", attend{heads = 4})
        refused("query has shape %[4, 2, 3%]", attend({}, x:reshape{4, 2, 3}))
        refused("query %[4, 6%], key %[4, 4%]", attend({}, nil, yoso.zeros{4, 4}))
        refused("key %[3, 6%] and value %[4, 6%]", attend({}, nil, yoso.zeros{3, 6}))
        refused("one float dtype", attend({}, nil, x:to("bf16")))
        refused("one float dtype", attend({}, x:to("i32"), x:to("i32"), x:to("i32")))
    end)

    it("offsets and masks that do not fit", function()
        refused("offset is a nil", function() ops.attention(x, x, x, {heads = 2}) end)
        refused("offset is i32", attend{offset = i64(0, 4):to("i32")})
        refused("offset is i64 %[1, 2%]", attend{offset = i64(0, 4):reshape{1, 2}})
        refused("offset is i64 %[0%]", attend{offset = yoso.zeros({0}, "i64")})
        refused("falls from 5 to 4", attend{offset = i64(0, 5, 4)})
        refused("goes from 0 to 3, must from 0 to 4", attend{offset = i64(0, 3)})
        refused("goes from 1 to 4", attend{offset = i64(1, 4)})
        refused("falls from 0 to %-2", attend{offset = i64(0, -2, 4)})
        refused("keep has shape %[3%]", attend{keep = yoso.ones{3}})
        refused("keep is a table", attend{keep = {1, 1, 1, 1}})
    end)
end)

describe("the pieces refuse", function()
    local x, y = yoso.zeros{2, 5, 4}, yoso.zeros{2, 3, 4}

    it("batches that do not fit", function()
        refused("yoso_expectation: q has 2 dimensions", ops.yoso_expectation, nil, nil, x[1], y, y, 3)
        refused("yoso_expectation: q %[2, 5, 4%]", ops.yoso_expectation, nil, nil, x, y, x, 3)
        refused("q_mask has shape %[2, 3%], must be %[2, 5%]", ops.yoso_expectation, yoso.ones{2, 3},
            nil, x, y, y, 3)
        refused("k_mask has shape %[6%]", ops.yoso_expectation, nil, yoso.ones{6}, x, y, y, 3)
        refused("yoso_sample: options is a number", ops.yoso_sample, nil, nil, x, y, y, 9)
        refused("yoso_sample: num_hash is x", ops.yoso_sample, nil, nil, x, y, y, {num_hash = "x"})
    end)

    it("projections and signs that do not fit", function()
        refused("lsh_hash: x is f32 %[5, 4%]", ops.lsh_hash, x[1], x, 1, 4)
        refused("lsh_hash: projection has shape %[2, 4, 7%], must be %[2, 4, 6%]", ops.lsh_hash, x,
            yoso.zeros{2, 4, 7}, 2, 3)
        refused("projection is i32", ops.lsh_hash, x, yoso.zeros({2, 4, 6}, "i32"), 2, 3)
        refused("num_hash is %-1", ops.lsh_hash, x, x, -1, 3)
        refused("num_hash is nil", ops.lsh_hash, x, x)
        refused("hash_code_len is 17", ops.lsh_hash, x, x, 1, 17)
        refused("fast_hash: sign has shape %[2, 3, 1, 48%].*power of two", ops.fast_hash, x,
            yoso.zeros{2, 3, 1, 48}, 2, 3)
        refused("fast_hash: sign has shape %[2, 3, 1, 2%]", ops.fast_hash, x, yoso.zeros{2, 3, 1, 2}, 2, 3)
        refused("fast_hash: sign has shape %[2, 3, 2, 32%], must be %[2, 3, 1, 32%]", ops.fast_hash, x,
            yoso.zeros{2, 3, 2, 32}, 2, 3)
    end)

    it("codes that do not fit or do not exist", function()
        local q_code, k_code = yoso.zeros({2, 5, 6}, "i32"), yoso.zeros({2, 3, 6}, "i32")
        refused("q_code is f32", ops.lsh_cumulation, nil, q_code:to("f32"), nil, k_code, y, 3)
        refused("k_code is i32 %[2, 3, 5%]", ops.lsh_cumulation, nil, q_code, nil,
            yoso.zeros({2, 3, 5}, "i32"), y, 3)
        refused("k_code has shape %[2, 5, 6%], must have the 3 rows", ops.lsh_cumulation, nil, q_code,
            nil, q_code, y, 3)
        refused("code 8, must be 0 to 7", ops.lsh_cumulation, nil, q_code, nil, k_code + 8, y, 3)
        refused("code %-1, must be 0 to 7", ops.lsh_cumulation, nil, q_code - 1, nil, k_code, y, 3)
        refused("a mask has shape %[3%]", ops.lsh_cumulation, yoso.ones{3}, q_code, nil, k_code, y, 3)
        refused("v is f32 %[3, 4%]", ops.lsh_cumulation, nil, q_code, nil, k_code, y[1], 3)
        refused("q_weight has shape %[2, 3, 4%]", ops.lsh_weighted_cumulation, nil, q_code, y, nil,
            k_code, y, y, 3)
        refused("q_weight %[2, 5, 4%] and k_weight %[2, 3, 2%]", ops.lsh_weighted_cumulation, nil,
            q_code, x, nil, k_code, yoso.zeros{2, 3, 2}, y, 3)
        refused("k_weight is a nil", ops.lsh_weighted_cumulation, nil, q_code, x, nil, k_code, nil, y, 3)
    end)
end)
