-- Layers against PyTorch's values for the same inputs, in every float dtype and kernel variant.
local yoso = require "yoso"
local numbers = require "spec.support.numbers"
local variants = require "spec.attention.close"

local ops, wave, close = yoso.ops, numbers.wave, numbers.close

local golden = {
    layer_norm = {-0.8405521, -0.1170499, -1.214886, -0.1758142, 1.639391, -0.6462669, -0.6828489,
        -0.6610268},
    linear_gelu = {2.184067, -0.1638463, 1.658681, 0.4365674},
    linear_tanh = {0.9763948, -0.7306389, 0.9391643, 0.5379091},
    conv = {0.665635, 1.221914, -1.237379, -0.9165468, 1.203508, 1.161164, -0.1373308, 0.7057749,
        0.572706, -0.2851043, 1.216944, 1.155765, -1.008826, -1.25808, 0.5510116, -0.3128909,
        -1.359411, -0.8100316, -0.06128739, -0.4353841},
    softmax = {0.01317662, 0.8243566, 0.9987473, 0.9868234, 0.1756434, 0.001252745},
    log_softmax = {-5.1002, -1.879111, -0.1729511, -0.07101156, -2.712118, -6.140975},
    l2_normalize = {0.0, 0.547181, 0.8370143, 0.8717969, 0.3383207, -0.3542729},
}

local runs = {
    layer_norm = function(dtype)
        return ops.layer_norm(wave({2, 4}, 0, dtype), wave({4}, 2, dtype), wave({4}, 3, dtype),
            1e-12, wave({2, 4}, 1, dtype))
    end,
    linear_gelu = function(dtype)
        return ops.linear(wave({2, 3}, 0, dtype), wave({2, 3}, 1, dtype), wave({2}, 2, dtype),
            "gelu")
    end,
    linear_tanh = function(dtype)
        return ops.linear(wave({2, 3}, 0, dtype), wave({2, 3}, 1, dtype), wave({2}, 2, dtype),
            "tanh")
    end,
    conv = function(dtype)
        -- [heads, tokens, size] as the golden values were made -> [tokens, heads * size]
        local value = wave({2, 5, 2}, 0, dtype):transpose(1, 2):reshape(5, 4)
        return ops.depthwise_conv(value, wave({2, 1, 3, 1}, 1, dtype), 2,
            yoso.tensor({0, 5}, "i64"))
    end,
    softmax = function(dtype)
        return ops.softmax((wave({2, 3}, 0) * 5):to(dtype), 1)
    end,
    log_softmax = function(dtype)
        return ops.log_softmax((wave({2, 3}, 0) * 5):to(dtype))
    end,
    l2_normalize = function(dtype)
        return ops.l2_normalize(wave({2, 3}, 0, dtype))
    end,
}

describe("a layer", function()
    for _, isa in ipairs(variants.variants) do
        it("equals PyTorch's in the kernels for " .. isa, function()
            variants.with_isa(isa, function()
                for name, run in pairs(runs) do
                    local ok, message = pcall(close, run("f32"), golden[name], 2e-6)
                    assert(ok, name .. ": " .. tostring(message))
                end
            end)
        end)
    end

    for dtype, tolerance in pairs{f16 = 6e-3, bf16 = 5e-2} do
        it("computes in f32 what is stored as " .. dtype, function()
            for name, run in pairs(runs) do
                local out = run(dtype)
                assert.equal(dtype, out:dtype())
                local ok, message = pcall(close, out, golden[name], tolerance)
                assert(ok, name .. ": " .. tostring(message))
            end
        end)
    end
end)

describe("matmul", function()
    -- The definition, element by element.
    local function expected(a, b)
        local x, y, out = a:totable(), b:totable(), {}
        for i = 1, #x do
            for j = 1, #y[1] do
                local sum = 0
                for k = 1, #y do
                    sum = sum + x[i][k] * y[k][j]
                end
                out[#out + 1] = sum
            end
        end
        return out
    end

    it("multiplies matrices of any stride", function()
        local a, b = wave({5, 7}, 0), wave({7, 3}, 1)
        close(ops.matmul(a, b), expected(a, b))
        local turned_a, turned_b = wave({7, 5}, 0):transpose(1, 2), wave({3, 7}, 1):transpose(1, 2)
        close(ops.matmul(turned_a, turned_b), expected(turned_a, turned_b))
        local part = wave({5, 20}, 2):narrow(2, 4, 7)
        close(ops.matmul(part, b), expected(part, b))
        local row = wave({7}, 3):expand{5, 7}
        close(ops.matmul(row, b), expected(row, b))
    end)

    it("broadcasts leading dimensions", function()
        local a, b = wave({2, 1, 3, 4}, 0), wave({5, 4, 2}, 1)
        local out = ops.matmul(a, b)
        assert.same({2, 5, 3, 2}, out:shape())
        for i = 1, 2 do
            for j = 1, 5 do
                close(out[i][j], expected(a[i][1], b[j]))
            end
        end
        local permuted = wave({3, 2, 5, 4}, 2):permute(2, 3, 1, 4) -- [2, 5, 3, 4]
        out = ops.matmul(permuted, b)
        for i = 1, 2 do
            for j = 1, 5 do
                close(out[i][j], expected(permuted[i][j], b[j]))
            end
        end
    end)

    it("takes a vector as a row or a column", function()
        local a, b = wave({3}, 0), wave({3, 2}, 1)
        assert.same({2}, ops.matmul(a, b):shape())
        close(ops.matmul(a, b), expected(a:reshape(1, 3), b))
        assert.same({2}, ops.matmul(b:transpose(1, 2), a):shape())
        assert.same({}, ops.matmul(a, a):shape())
        close(ops.matmul(a, a):reshape(1), expected(a:reshape(1, 3), a:reshape(3, 1)))
        assert.same({4, 2}, ops.matmul(wave({4, 2, 3}, 0), a):shape())
    end)

    it("of empty operands is zero or empty", function()
        assert.same({{0, 0}, {0, 0}}, ops.matmul(yoso.zeros{2, 0}, yoso.zeros{0, 2}):totable())
        assert.same({0, 3}, ops.matmul(yoso.zeros{0, 2}, yoso.zeros{2, 3}):shape())
    end)

    it("rounds bf16 and f16 once", function()
        for dtype, tolerance in pairs{bf16 = 2 ^ -8, f16 = 2 ^ -11} do
            local a, b = wave({9, 33}, 0, dtype), wave({33, 6}, 1, dtype)
            local exact = expected(a, b)
            local got = ops.matmul(a, b):to("f32"):reshape(-1):totable()
            for i = 1, #exact do
                assert.is_true(math.abs(got[i] - exact[i])
                    <= tolerance * math.abs(exact[i]) + 1e-6)
            end
        end
    end)

    it("says which shapes or dtypes do not fit", function()
        assert.error_matches(function() ops.matmul(yoso.zeros{2, 3}, yoso.zeros{2, 3}) end,
            "matmul: shapes %[2, 3%] and %[2, 3%] do not fit: %[%.%., M, K%] and %[%.%., K, N%]")
        assert.error_matches(function() ops.matmul(yoso.tensor(1), yoso.zeros{2}) end, "do not fit")
        assert.error_matches(function() ops.matmul(yoso.zeros{2, 2, 3}, yoso.zeros{3, 3, 2}) end,
            "matmul: shapes")
        assert.error_matches(function()
            ops.matmul(yoso.zeros{2, 2}, yoso.zeros({2, 2}, "bf16"))
        end, "matmul: dtypes f32 and bf16")
        assert.error_matches(function()
            ops.matmul(yoso.zeros({2, 2}, "i64"), yoso.zeros({2, 2}, "i64"))
        end, "matmul: dtypes i64 and i64, must be one of f32, f16, bf16")
    end)
end)

describe("linear", function()
    it("packs a weight once, and again when it was changed", function()
        local weight, x = wave({40, 30}, 0), wave({5, 30}, 1)
        local first = ops.linear(x, weight)
        collectgarbage()
        local before = yoso.memory().live
        local again = ops.linear(x, weight)
        local grown = yoso.memory().live - before
        assert.is_true(grown <= 2048, ("a second packed copy: %d bytes"):format(grown))
        close(again, first, 0)
        weight:copy_(weight * 2)
        close(ops.linear(x, weight), first * 2, 1e-5)
    end)

    it("keeps packed copies of several parts of one storage apart", function()
        local whole, x = wave({6, 4}, 0), wave({3, 4}, 1)
        local top, bottom = whole:narrow(1, 1, 3), whole:narrow(1, 4, 3)
        for _ = 1, 2 do
            close(ops.linear(x, top), ops.matmul(x, top:transpose(1, 2)))
            close(ops.linear(x, bottom), ops.matmul(x, bottom:transpose(1, 2)))
        end
        local turned = wave({4, 6}, 2):transpose(1, 2)
        close(ops.linear(x, turned), ops.matmul(x, turned:transpose(1, 2)))
    end)

    it("frees the packed copy with the weight", function()
        local x = wave({2, 256}, 1)
        collectgarbage()
        collectgarbage()
        local before = yoso.memory().live
        for _ = 1, 5 do
            local weight = yoso.zeros{256, 256}
            ops.linear(x, weight):free()
            weight:free()
        end
        assert.is_true(yoso.memory().live - before < 4096)
    end)

    it("gives the same result for any number of rows", function()
        local weight, bias, x = wave({70, 50}, 0), wave({70}, 1), wave({300, 50}, 2)
        local all = ops.linear(x, weight, bias, "gelu")
        local largest = all:abs():max():item()
        for rows = 1, 300, 23 do -- more shapes than one, all from one packed weight
            close(ops.linear(x:narrow(1, 1, rows), weight, bias, "gelu"),
                all:narrow(1, 1, rows), 1e-6 * largest)
        end
    end)

    it("has the same activation whether a gradient is recorded or not", function()
        for _, activation in ipairs{"gelu", "relu", "tanh"} do
            local x, weight = wave({4, 6}, 0), wave({3, 6}, 1)
            local plain = ops.linear(x, weight, nil, activation)
            weight:requires_grad(true)
            close(ops.linear(x, weight, nil, activation):detach(), plain, 1e-6)
        end
    end)

    it("takes no rows", function()
        assert.same({0, 2}, ops.linear(yoso.zeros{0, 3}, yoso.zeros{2, 3}):shape())
    end)

    it("names wrong operands", function()
        local weight = yoso.zeros{2, 3}
        assert.error_matches(function() ops.linear(yoso.zeros{4, 2}, weight) end,
            "linear: x is %[4, 2%], weight is %[2, 3%]; must be %[%.%., in%] and %[out, in%]")
        assert.error_matches(function() ops.linear(yoso.zeros{4, 3}, weight, yoso.zeros{3}) end,
            "linear: bias is %[3%], must be %[2%]")
        assert.error_matches(function() ops.linear(yoso.zeros({4, 3}, "bf16"), weight) end,
            "linear: dtypes of x, weight and bias are bf16, f32, none")
        assert.error_matches(function() ops.linear(yoso.zeros{4, 3}, weight, nil, "swish") end,
            "linear: activation is swish, must be nil, gelu, relu or tanh")
        assert.error_matches(function() ops.linear(yoso.zeros{4, 0}, yoso.zeros{2, 0}) end,
            "weight is %[2, 0%], must not be empty")
    end)
end)

describe("softmax", function()
    it("stands very large and very small logits", function()
        local out = ops.softmax(yoso.tensor{1e4, 1e4, -1e4})
        close(out, {0.5, 0.5, 0})
        close(ops.log_softmax(yoso.tensor{0, -1e4}), {0, -1e4})
        close(ops.softmax(yoso.tensor{0, -math.huge}), {1, 0})
    end)

    it("sums to one along any dimension", function()
        local x = wave({3, 4, 5}, 0)
        for dim = 1, 3 do
            close(ops.softmax(x, dim):sum(dim), yoso.ones{60 / x:size(dim)}, 2e-6)
        end
        assert.same({0, 3}, ops.softmax(yoso.zeros{0, 3}):shape())
    end)

    it("names a dimension that is not there", function()
        assert.error_matches(function() ops.softmax(yoso.zeros{2, 3}, 3) end,
            "softmax: dimension 3, the tensor has 2")
        assert.error_matches(function() ops.log_softmax(yoso.zeros({2}, "i64")) end,
            "log_softmax: dtype is i64, must be f32, f16 or bf16")
    end)
end)

describe("layer_norm", function()
    it("does without weight, bias and residual", function()
        close(ops.layer_norm(yoso.tensor{{1, 3}}, nil, nil, 0), {-1, 1})
    end)

    it("names wrong operands", function()
        assert.error_matches(function() ops.layer_norm(yoso.zeros{2, 3}, yoso.zeros{2}) end,
            "layer_norm: weight is %[2%], must be %[3%] for x %[2, 3%]")
        assert.error_matches(function()
            ops.layer_norm(yoso.zeros{2, 3}, nil, nil, 0, yoso.zeros{3, 2})
        end, "layer_norm: residual is %[3, 2%], must be %[2, 3%]")
        assert.error_matches(function() ops.layer_norm(yoso.zeros{2, 3}, {}) end,
            "layer_norm: weight is a table, must be a tensor")
    end)
end)

describe("l2_normalize", function()
    it("leaves zeros alone and works along any dimension", function()
        close(ops.l2_normalize(yoso.zeros{2, 3}), yoso.zeros{2, 3})
        close(ops.l2_normalize(yoso.tensor{{3, 1}, {4, 0}}, 1), {0.6, 1, 0.8, 0})
    end)
end)

describe("embedding", function()
    it("gathers rows by ids of any shape", function()
        local rows = wave({5, 3}, 0)
        local ids = yoso.tensor({{4, 0}, {1, 1}}, "i32")
        local out = ops.embedding(ids, rows)
        assert.same({2, 2, 3}, out:shape())
        close(out[1][1], rows[5], 0)
        close(out[2][2], rows[2], 0)
        close(ops.embedding(ids, wave({9, 3}, 0):narrow(1, 2, 5))[1][2], wave({9, 3}, 0)[2], 0)
    end)

    it("adds the gradients of ids that come twice, but for the padding's", function()
        local rows = wave({3, 2}, 0):requires_grad(true)
        local ids = yoso.tensor({0, 2, 2, 1}, "i64")
        ops.embedding(ids, rows, 1):sum():backward()
        assert.same({{1, 1}, {0, 0}, {2, 2}}, rows.grad:totable())
    end)

    it("names the id that is outside, and where it is", function()
        local rows = yoso.zeros{5, 3}
        for id, text in pairs{[5] = "id 5", [-1] = "id %-1"} do
            assert.error_matches(function()
                ops.embedding(yoso.tensor({0, 4, id}, "i64"), rows)
            end, "embedding: " .. text .. " at position 3 is outside the table's 0 to 4")
        end
        assert.error_matches(function() ops.embedding(yoso.zeros{2}, rows) end,
            "embedding: ids are f32, must be i64 or i32")
        assert.error_matches(function() ops.embedding(yoso.zeros({2}, "i64"), yoso.zeros{2}) end,
            "embedding: table is f32 %[2%], must be a float %[rows, width%]")
    end)
end)

describe("depthwise_conv", function()
    local weight = wave({2, 1, 3, 1}, 1)

    it("keeps sequences apart", function()
        local value = wave({9, 4}, 0)
        local whole = ops.depthwise_conv(value, weight, 2, yoso.tensor({0, 4, 4, 9}, "i64"))
        local function alone(start, length)
            return ops.depthwise_conv(value:narrow(1, start, length), weight, 2,
                yoso.tensor({0, length}, "i64"))
        end
        close(whole:narrow(1, 1, 4), alone(1, 4), 0)
        close(whole:narrow(1, 5, 5), alone(5, 5), 0)
    end)

    it("reads what is masked as zeros", function()
        local value, keep = wave({5, 4}, 0), {1, 0, 1, 1, 0}
        local zeroed = value * yoso.tensor(keep):reshape(5, 1)
        local offset = yoso.tensor({0, 5}, "i64")
        close(ops.depthwise_conv(value, weight, 2, offset, yoso.tensor(keep, "bool")),
            ops.depthwise_conv(zeroed, weight, 2, offset), 0)
    end)

    it("names wrong operands", function()
        local value, offset = wave({5, 4}, 0), yoso.tensor({0, 5}, "i64")
        local function refused(pattern, ...)
            local arguments = {...}
            assert.error_matches(function() ops.depthwise_conv(unpack(arguments, 1, 5)) end,
                "depthwise_conv: " .. pattern)
        end
        refused("value is %[5, 4%], must be %[tokens, 3 heads", value, weight, 3, offset)
        refused("weight is %[2, 1, 3%]", value, wave({2, 1, 3}, 0), 2, offset)
        refused("the window is 2, must be odd", value, wave({2, 1, 2, 1}, 0), 2, offset)
        refused("offset must rise from 0 to the 5 tokens", value, weight, 2,
            yoso.tensor({0, 4}, "i64"))
        refused("offset must rise", value, weight, 2, yoso.tensor({0, 6, 5}, "i64"))
        refused("offset is i32 %[2%]", value, weight, 2, yoso.tensor({0, 5}, "i32"))
        refused("keep is bool %[4%], must be u8 or bool %[5%]", value, weight, 2, offset,
            yoso.tensor({1, 1, 1, 1}, "bool"))
    end)
end)

describe("dropout", function()
    it("drops the wanted share and keeps the mean", function()
        local out = ops.dropout(yoso.ones{200, 500}, 0.3, 11)
        local dropped = 1 - out:ne(0):to("f32"):mean():item()
        assert.is_true(math.abs(dropped - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 1e5))
        assert.is_true(math.abs(out:max():item() - 1 / 0.7) < 1e-6)
    end)

    it("depends on the seed alone, not on threads or on neighbours", function()
        local x = wave({70000}, 0)
        local first = ops.dropout(x, 0.5, 3)
        assert.is_true(numbers.distance(first, ops.dropout(x, 0.5, 4)) > 0)
        local threads = yoso.threads()
        yoso.set_threads(1)
        close(ops.dropout(x, 0.5, 3), first, 0)
        yoso.set_threads(threads)
        close(ops.dropout(x:narrow(1, 1, 1001), 0.5, 3), first:narrow(1, 1, 1001), 0)
    end)

    it("gives its gradient the same mask", function()
        local x = yoso.ones{40}:requires_grad(true)
        local y = ops.dropout(x, 0.5, 9)
        y:sum():backward()
        close(x.grad, y:detach(), 0)
    end)

    it("takes the extremes and refuses more", function()
        close(ops.dropout(wave({5}, 0), 0, 1), wave({5}, 0), 0)
        close(ops.dropout(wave({5}, 0), 1, 1), yoso.zeros{5}, 0)
        assert.error_matches(function() ops.dropout(yoso.ones{2}, 1.5, 1) end,
            "dropout: p is 1.5, must be 0 to 1")
        assert.error_matches(function() ops.dropout(yoso.ones{2}, "half", 1) end,
            "dropout: p is a string, must be a number from 0 to 1")
    end)
end)
