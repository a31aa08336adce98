-- What the sampled form promises: the paper's collision rate, an error that falls as one over
-- the root of the number of hashes, codes from (seed, layer, head) alone, and a gradient over
-- the forward pass's own collisions.
local close = require "spec.attention.close"
local reference = require "spec.attention.reference"
local yoso = require "yoso"

local ops = yoso.ops

local function offset(...)
    return yoso.tensor({...}, "i64")
end

describe("the dense hash", function()
    it("collides with probability (1 - angle / pi)^T", function()
        local hashes, size = 4096, 8
        for _, code_len in ipairs{1, 3, 6} do
            local projection = yoso.randn({1, size, hashes * code_len}, {seed = code_len})
            for _, angle in ipairs{0.3, 1.0, 2.0} do
                local a, b = {1, 0, 0, 0, 0, 0, 0, 0}, {math.cos(angle), math.sin(angle), 0, 0, 0, 0, 0, 0}
                local code = ops.lsh_hash(yoso.tensor{{a, b}}, projection, hashes, code_len):totable()[1]
                local equal = 0
                for h = 1, hashes do
                    equal = equal + (code[1][h] == code[2][h] and 1 or 0)
                end
                local rate = (1 - angle / math.pi) ^ code_len
                local deviation = math.sqrt(rate * (1 - rate) / hashes)
                assert.is_true(math.abs(equal / hashes - rate) < 4 * deviation)
            end
        end
    end)
end)

describe("the fast hash", function()
    it("is what a simulation in double gives, in every variant", function()
        for _, case in ipairs{{5, 3, 4}, {33, 9, 10}, {64, 9, 15}, {48, 16, 5}, {20, 1, 40}} do
            local size, code_len, hashes = unpack(case)
            local padded = 32
            while padded < size do
                padded = padded * 2
            end
            local groups = math.ceil(hashes / math.floor(padded / code_len))
            local x = yoso.randn({1, 70, size}, {seed = size})
            local sign = yoso.randn({1, 3, groups, padded}, {seed = code_len}):sign()
            local want, rows, signs = {}, x:totable()[1], sign:totable()[1]
            for i = 1, 70 do
                local smallest
                want[i], smallest = reference.fast_hash(rows[i], signs, hashes, code_len)
                assert.is_true(smallest > 1e-5)
            end
            for _, isa in ipairs(close.variants) do
                close.with_isa(isa, function()
                    assert.same(want, ops.fast_hash(x, sign, hashes, code_len):totable()[1])
                end)
            end
        end
    end)
end)

describe("the sampled form", function()
    local q, k = close.unit({1, 40, 16}, 1), close.unit({1, 40, 16}, 2)
    local v = yoso.randn({1, 40, 12}, {seed = 3})

    -- The error of the mean over 1, 4, 16, 64, 256 seeds: its slope, and the last against the first.
    local function errors(fast, a, b, values, num_hash, code_len)
        local want = ops.yoso_expectation(nil, nil, a, b, values, code_len)
        local sum, points = values * 0, {}
        for seed = 1, 256 do
            sum = sum + ops.yoso_sample(nil, nil, a, b, values,
                {num_hash = num_hash, hash_code_len = code_len, seed = seed, fast_hash = fast})
            if math.log(seed) / math.log(4) % 1 == 0 then
                local wrong = sum / seed - want
                points[#points + 1] = {math.log(seed), 0.5 * math.log((wrong * wrong):sum():item())}
            end
        end
        local n, sx, sy, sxx, sxy = #points, 0, 0, 0, 0
        for _, point in ipairs(points) do
            sx, sy = sx + point[1], sy + point[2]
            sxx, sxy = sxx + point[1] ^ 2, sxy + point[1] * point[2]
        end
        local slope = (n * sxy - sx * sy) / (n * sxx - sx ^ 2)
        assert.equal(5, n)
        return slope, math.exp(points[n][2] - points[1][2])
    end

    it("errs less by the root of the number of hashes, around the expectation", function()
        local slope = errors(false, q, k, v, 4, 4)
        assert.is_true(math.abs(slope + 0.5) < 0.1, "slope " .. slope)
    end)

    it("has no bias when spread, where the reference's layout has one", function()
        -- Vectors that have much in common, as a trained model's have.
        local common = close.unit({1, 1, 16}, 20)
        local function alike(x)
            x = x + common
            return x / (x * x):sum(-1, true):sqrt()
        end
        local values = yoso.ones{1, 40, 1}
        local slope, spread = errors("spread", alike(q), alike(k), values, 32, 4)
        assert.is_true(math.abs(slope + 0.5) < 0.15, "slope " .. slope)
        local _, layout = errors(true, alike(q), alike(k), values, 32, 4)
        assert.is_true(spread < 0.5 * layout, ("%g and %g"):format(spread, layout))
    end)

    it("depends on seed, layer and head, and not on batch row, neighbours or threads", function()
        local options = {num_hash = 5, hash_code_len = 6, seed = 7}
        for _, fast in ipairs{true, false, "spread"} do
            local function sample(change, rows)
                local given = {fast_hash = fast}
                for name, value in pairs(options) do
                    given[name] = value
                end
                for name, value in pairs(change or {}) do
                    given[name] = value
                end
                local function twice(x)
                    return rows and yoso.cat({x * 0.5, x}, 1) or x
                end
                return ops.yoso_sample(nil, nil, twice(q), twice(k), twice(v), given)
            end
            local out = sample()
            assert.is_true(out:equal(sample()))
            assert.is_false(out:equal(sample{seed = 8}))
            assert.is_false(out:equal(sample{layer = 1}))
            assert.is_true(out:equal(sample(nil, true):narrow(1, 2, 1)))
            yoso.set_threads(1)
            local alone = sample()
            yoso.set_threads(3)
            local three = sample()
            yoso.set_threads(0)
            assert.is_true(alone:equal(out) and three:equal(out))

            local two = ops.attention(yoso.cat({q[1], q[1]}, 2), yoso.cat({k[1], k[1]}, 2),
                yoso.cat({v[1], v[1]}, 2), {heads = 2, offset = offset(0, 40), form = "sample",
                num_hash = 5, hash_code_len = 6, seed = 7, fast_hash = fast})
            assert.is_false(two:narrow(2, 1, 12):equal(two:narrow(2, 13, 12)))
        end
    end)

    it("gives the first hashes the same codes when more are asked for", function()
        -- M times the mean is a sum over hashes: the difference of two sums counts collisions.
        local ones = yoso.ones{1, 40, 1}
        for _, fast in ipairs{true, false} do
            local function sums(hashes)
                return ops.yoso_sample(nil, nil, q, k, ones,
                    {num_hash = hashes, hash_code_len = 4, seed = 3, fast_hash = fast}) * hashes
            end
            local more = (sums(20) - sums(13)):totable()[1]
            for i = 1, 40 do
                local count = more[i][1]
                assert.is_true(math.abs(count - math.floor(count + 0.5)) < 1e-3 and count > -0.5)
            end
        end
    end)

    it("has the surrogate gradient of the very collisions of its forward pass", function()
        -- With unit vectors for keys and values the output is the matrix of weights.
        local n, options = 9, {num_hash = 6, hash_code_len = 2, seed = 5}
        local keys = yoso.eye(n):reshape{1, n, n}
        local queries = close.unit({1, 14, n}, 4)
        for _, fast in ipairs{true, false, "spread"} do
            options.fast_hash = fast
            local weight = ops.yoso_sample(nil, nil, queries, keys, keys, options)[1]
            local leaf_q, leaf_k = queries:clone():requires_grad(true), keys:clone():requires_grad(true)
            local leaf_v = yoso.randn({1, n, 5}, {seed = 6}):requires_grad(true)
            local grad = yoso.randn({1, 14, 5}, {seed = 7})
            ops.yoso_sample(nil, nil, leaf_q, leaf_k, leaf_v, options):backward(grad)
            local both = weight * grad[1]:matmul(leaf_v:detach()[1]:transpose(1, 2)) -- half of T is 1
            close.to_largest(leaf_q.grad[1], both:matmul(keys[1]), 1e-5)
            close.to_largest(leaf_k.grad[1], both:transpose(1, 2):matmul(queries[1]), 1e-5)
            close.to_largest(leaf_v.grad[1], weight:transpose(1, 2):matmul(grad[1]), 1e-5)
        end
    end)

    it("has the expectation's gradient with lsh_backward = false", function()
        local grads = {}
        for i, given in ipairs{
            {form = "sample", num_hash = 4096, fast_hash = false, lsh_backward = false},
            {form = "expectation"}, {form = "sample", num_hash = 4096, fast_hash = false},
        } do
            given.heads, given.offset, given.hash_code_len, given.seed = 1, offset(0, 40), 3, 1
            local leaves = {q[1]:clone(), k[1]:clone(), v[1]:clone()}
            for _, leaf in ipairs(leaves) do
                leaf:requires_grad(true)
            end
            local out = ops.attention(leaves[1], leaves[2], leaves[3], given)
            out:backward(yoso.randn({40, 12}, {seed = 8}))
            grads[i] = leaves
        end
        for i = 1, 3 do
            close.to_largest(grads[1][i].grad, grads[2][i].grad, 0.1)
            close.to_largest(grads[3][i].grad, grads[2][i].grad, 0.15)
        end
    end)

    it("works for buckets so full that its gradient multiplies matrices", function()
        local same = yoso.ones({1, 300, 8}) / math.sqrt(8)
        local values = yoso.randn({1, 300, 4}, {seed = 9})
        local codes = yoso.zeros({1, 300, 2}, "i32")
        local weights = yoso.randn({1, 300, 8}, {seed = 10})
        local got = ops.lsh_weighted_cumulation(nil, codes, weights, nil, codes, same, values, 3)
        local want = weights[1]:matmul(same[1]:transpose(1, 2)):matmul(values[1])
        close.to_largest(got[1], want, 1e-5)
    end)
end)
