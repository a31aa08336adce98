-- The encoder layer in one call against the same layer put together from its parts; the layers in
-- 8 bits against those in f32.
local yoso = require "yoso"
local numbers = require "spec.support.numbers"

local ops, wave, close = yoso.ops, numbers.wave, numbers.close

local HEADS, WIDTH, INNER = 2, 16, 24

local function random(shape, seed, scale, dtype)
    return yoso.randn(shape, {seed = seed, std = scale}):to(dtype or "f32")
end

local function parts_of(dtype, conv)
    return {
        qkv_weight = random({3 * WIDTH, WIDTH}, 1, 0.3, dtype),
        qkv_bias = random({3 * WIDTH}, 2, 0.3, dtype),
        conv_weight = conv and random({HEADS, 1, 3, 1}, 3, 0.3, dtype) or nil,
        projection_weight = random({WIDTH, WIDTH}, 4, 0.3, dtype),
        projection_bias = random({WIDTH}, 5, 0.3, dtype),
        attention_norm_weight = random({WIDTH}, 6, 0.3, dtype),
        attention_norm_bias = random({WIDTH}, 7, 0.3, dtype),
        inner_weight = random({INNER, WIDTH}, 8, 0.3, dtype),
        inner_bias = random({INNER}, 9, 0.3, dtype),
        outer_weight = random({WIDTH, INNER}, 10, 0.3, dtype),
        outer_bias = random({WIDTH}, 11, 0.3, dtype),
        output_norm_weight = random({WIDTH}, 12, 0.3, dtype),
        output_norm_bias = random({WIDTH}, 13, 0.3, dtype),
        eps = 1e-12, activation = "gelu",
    }
end

local function by_parts(hidden, p, given)
    local qkv = ops.linear(hidden, p.qkv_weight, p.qkv_bias)
    local options = {conv_weight = p.conv_weight}
    for key, value in pairs(given) do
        options[key] = value
    end
    local estimate = ops.attention(qkv:narrow(2, 1, WIDTH), qkv:narrow(2, WIDTH + 1, WIDTH),
        qkv:narrow(2, 2 * WIDTH + 1, WIDTH), options)
    local x = ops.layer_norm(ops.linear(estimate, p.projection_weight, p.projection_bias),
        p.attention_norm_weight, p.attention_norm_bias, p.eps, hidden)
    local inner = ops.linear(x, p.inner_weight, p.inner_bias, "gelu")
    return ops.layer_norm(ops.linear(inner, p.outer_weight, p.outer_bias), p.output_norm_weight,
        p.output_norm_bias, p.eps, x)
end

describe("yoso_block", function()
    local offset = yoso.tensor({0, 5, 12}, "i64")
    local hidden = random({12, WIDTH}, 20, 1)

    it("equals the layer put together, in all forms", function()
        for _, form in ipairs{"expectation", "sample", "softmax"} do
            for _, conv in ipairs{false, true} do
                local parts = parts_of("f32", conv)
                local given = {heads = HEADS, offset = offset, form = form, num_hash = 8, seed = 3,
                    layer = 1, keep = yoso.tensor({1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0}, "bool")}
                close(ops.yoso_block(hidden, ops.block_weights(parts), given),
                    by_parts(hidden, parts, given), 2e-6)
            end
        end
    end)

    it("computes narrow formats, and more rows than it takes at once", function()
        local parts = parts_of("bf16")
        local given = {heads = HEADS, offset = offset}
        close(ops.yoso_block(hidden:to("bf16"), ops.block_weights(parts), given),
            by_parts(hidden:to("bf16"), parts, given), 0.02)
        local many = random({2500, WIDTH}, 21, 1)
        parts, given = parts_of("f32"), {heads = HEADS, offset = yoso.tensor({0, 2500}, "i64")}
        close(ops.yoso_block(many, ops.block_weights(parts), given), by_parts(many, parts, given),
            5e-6)
    end)

    it("takes no tokens", function()
        assert.same({0, WIDTH}, ops.yoso_block(yoso.zeros{0, WIDTH},
            ops.block_weights(parts_of("f32")),
            {heads = HEADS, offset = yoso.tensor({0}, "i64")}):shape())
    end)

    it("leaves nothing behind", function()
        local weights = ops.block_weights(parts_of("f32"))
        local given = {heads = HEADS, offset = offset}
        ops.yoso_block(hidden, weights, given):free()
        collectgarbage()
        collectgarbage()
        local before = yoso.memory().live
        ops.yoso_block(hidden, weights, given):free()
        local broken = parts_of("f32")
        broken.conv_weight = yoso.zeros{HEADS, 1, 2, 1}
        local broken_weights = ops.block_weights(broken)
        collectgarbage()
        local at = yoso.memory().live
        assert.error_matches(function() ops.yoso_block(hidden, broken_weights, given) end,
            "depthwise_conv: the window is 2, must be odd")
        collectgarbage()
        assert.is_true(at >= before)
    end)

    it("names the part that is missing or does not fit", function()
        local parts = parts_of("f32")
        parts.outer_bias = yoso.zeros{3}
        assert.error_matches(function()
            ops.yoso_block(hidden, ops.block_weights(parts), {heads = HEADS, offset = offset})
        end, "block: outer_bias is f32 %[3%], must be f32 %[16%] beside hidden")
        parts.outer_bias = nil
        assert.error_matches(function() ops.block_weights(parts) end,
            "block_weights: outer_bias is missing")
        assert.error_matches(function()
            ops.yoso_block(hidden[1], ops.block_weights(parts_of("f32")), {offset = offset})
        end, "block: hidden is %[16%], must be %[tokens, width%]")
        parts = parts_of("f32")
        parts.activation = "swish"
        assert.error_matches(function() ops.block_weights(parts) end,
            "block_weights: activation is swish")
    end)
end)

describe("embeddings", function()
    local function table_of(rows, seed, dtype)
        return random({rows, WIDTH}, seed, 1, dtype)
    end
    local weight, bias = random({WIDTH}, 1, 1), random({WIDTH}, 2, 1)

    it("sums the rows of three tables and normalises the sum", function()
        for _, tokens in ipairs{1, 7, 2500} do -- the last: more than are taken at once
            for dtype, tolerance in pairs{f32 = 2e-6, bf16 = 0.06} do
                local ids = {words = yoso.randint(0, 30, {tokens}, {seed = 3}),
                    types = yoso.randint(0, 2, {tokens}, {seed = 4}),
                    positions = yoso.randint(0, 9, {tokens}, {seed = 5})}
                local tables = {words = table_of(30, 6, dtype), types = table_of(2, 7, dtype),
                    positions = table_of(9, 8, dtype)}
                local w, b = weight:to(dtype), bias:to(dtype)
                local function wanted()
                    local types = ids.types and ops.embedding(ids.types, tables.types)
                        or tables.types:narrow(1, 1, 1)
                    return ops.layer_norm(ops.embedding(ids.words, tables.words) + types, w, b, 1e-12,
                        ops.embedding(ids.positions, tables.positions))
                end
                close(ops.embeddings(ids, tables, w, b, 1e-12), wanted(), tolerance)
                ids.types = nil
                close(ops.embeddings(ids, tables, w, b, 1e-12), wanted(), tolerance)
            end
        end
        assert.same({0, WIDTH}, ops.embeddings({words = yoso.zeros({0}, "i64"),
            positions = yoso.zeros({0}, "i64")}, {words = table_of(3, 1), types = table_of(2, 2),
            positions = table_of(3, 3)}, weight, bias, 1e-12):shape())
    end)

    it("names what does not fit", function()
        local ids = {words = yoso.tensor({1, 2}, "i64"), positions = yoso.tensor({0, 1}, "i64")}
        local tables = {words = table_of(3, 1), types = table_of(2, 2), positions = table_of(3, 3)}
        local function run()
            return ops.embeddings(ids, tables, weight, bias, 1e-12)
        end
        ids.positions = yoso.tensor({0, 1, 2}, "i64")
        assert.error_matches(run, "embeddings: ids of positions are %[3%] beside words' %[2%]")
        ids.positions = yoso.tensor({0, 7}, "i64")
        assert.error_matches(run, "id 7 at position 2 is outside")
        ids.positions = nil
        assert.error_matches(run, "embeddings: ids.positions is")
        ids.positions = yoso.tensor({0, 1}, "i64")
        tables.types = yoso.zeros{2, 3}
        assert.error_matches(run, "embeddings: types' table is %[2, 3%] beside words' %[3, 16%]")
        tables.types = table_of(2, 2, "bf16")
        assert.error_matches(run, "embeddings: dtypes f32 and bf16 differ")
        tables.types, bias = table_of(2, 2), yoso.zeros{2}
        assert.error_matches(run, "embeddings: the norm's weight is %[16%], its bias %[2%], must be %[16%]")
    end)
end)

describe("linear_int8", function()
    local weight, bias, x = random({70, 130}, 1, 0.1), random({70}, 2, 1), random({600, 130}, 3, 1)

    it("stays within the rounding of its bytes", function()
        for _, activation in ipairs{false, "gelu", "relu", "tanh"} do
            local exact = ops.linear(x, weight, bias, activation or nil)
            local got = ops.linear_int8(x, weight, bias, activation or nil)
            local off = (got - exact):square():mean():sqrt():item()
            local size = ops.matmul(x, weight:transpose(1, 2)):square():mean():sqrt():item()
            assert.is_true(off < 0.012 * size, ("relative error %g"):format(off / size))
        end
    end)

    it("is exact where bytes are", function()
        local whole = wave({9, 33}, 0):mul(100):to("i32"):to("f32")
        whole:narrow(2, 1, 1):fill_(127)
        local other = wave({5, 33}, 1):mul(100):to("i32"):to("f32")
        other:narrow(2, 1, 1):fill_(-127)
        close(ops.linear_int8(other, whole), ops.linear(other, whole), 0.02)
    end)

    it("takes zeros, bf16 and changed weights", function()
        close(ops.linear_int8(yoso.zeros{2, 130}, weight, bias), bias:expand(2, 70), 1e-6)
        close(ops.linear_int8(x, yoso.zeros{4, 130}), yoso.zeros{600, 4}, 0)
        assert.equal("bf16",
            ops.linear_int8(x:to("bf16"), weight:to("bf16"), bias:to("bf16")):dtype())
        local changing = weight:clone()
        local first = ops.linear_int8(x, changing)
        changing:mul_(2)
        close(ops.linear_int8(x, changing), first * 2, 1e-4)
    end)

    it("names wrong operands", function()
        assert.error_matches(function() ops.linear_int8(yoso.zeros{4, 2}, weight) end,
            "linear_int8: x is %[4, 2%], weight is %[70, 130%]")
        assert.error_matches(function() ops.linear_int8(x, weight, nil, "swish") end,
            "linear_int8: activation is swish")
    end)

    it("serves a whole layer", function()
        local offset = yoso.tensor({0, 40}, "i64")
        local hidden, parts = random({40, WIDTH}, 22, 1), parts_of("f32")
        local given = {heads = HEADS, offset = offset}
        local exact = ops.yoso_block(hidden, ops.block_weights(parts), given)
        parts.int8 = true
        local got = ops.yoso_block(hidden, ops.block_weights(parts), given)
        local distance = numbers.distance(got, exact)
        assert.is_true(distance < 0.1, tostring(distance))
    end)
end)
