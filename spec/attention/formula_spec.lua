-- The packed attention against the formulas in double: every hash_code_len, the surrogate
-- gradients through both normalisations, softmax, several heads, masks and packings.
local c = require "yoso.c"
local close = require "spec.attention.close"
local reference = require "spec.attention.reference"
local yoso = require "yoso"

local ops = yoso.ops

local function offset(...)
    return yoso.tensor({...}, "i64")
end

local function random(shape, seed)
    return yoso.randn(shape, {seed = seed})
end

-- Columns of one head of [tokens, heads * size] as lists.
local function head_of(x, head, size)
    return x:narrow(2, (head - 1) * size + 1, size):contiguous():totable()
end

for _, isa in ipairs(close.variants) do
    describe("attention in " .. isa, function()
        setup(function() c.check(c.lib.yoso_set_isa(isa)) end)
        teardown(function() c.check(c.lib.yoso_set_isa(close.usual)) end)

        for code_len = 1, 16 do
            it("has the expectation of hash_code_len " .. code_len .. " and its gradient", function()
                local q, k, v = random({11, 6}, 1), random({11, 6}, 2), random({11, 10}, 3)
                local grad = random({11, 10}, 4)
                local out, dq, dk, dv = reference.attention(q:totable(), k:totable(), v:totable(),
                    code_len, grad:totable())
                for _, x in ipairs{q, k, v} do
                    x:requires_grad(true)
                end
                local got = ops.attention(q, k, v, {heads = 1, offset = offset(0, 11),
                    hash_code_len = code_len})
                close.to_largest(got, yoso.tensor(out), 2e-6)
                got:backward(grad)
                close.to_largest(q.grad, yoso.tensor(dq), 5e-6)
                close.to_largest(k.grad, yoso.tensor(dk), 5e-6)
                close.to_largest(v.grad, yoso.tensor(dv), 5e-6)
            end)
        end

        it("replaces arccos and power to 1e-6 over the whole range", function()
            for code_len = 1, 16 do
                local q, k, want = {}, {{1, 0}}, {}
                for i = 0, 400 do
                    local angle = math.pi * i / 400
                    q[i + 1] = {math.cos(angle), math.sin(angle)}
                    -- The weight of the cosine as f32 holds it: arccos is steep at both ends.
                    local cosine = yoso.tensor(math.cos(angle)):item()
                    want[i + 1] = {(1 - math.acos(cosine) / math.pi) ^ code_len}
                end
                local out = ops.yoso_expectation(nil, nil, yoso.tensor{q}, yoso.tensor{k},
                    yoso.tensor{{{1}}}, code_len)
                assert.is_true(close.largest(out - yoso.tensor{want}) <= 1e-6)
            end
        end)

        it("is one head and one sequence at a time", function()
            local q, k, v = random({9, 12}, 5), random({9, 12}, 6), random({9, 6}, 7)
            for _, form in ipairs{"expectation", "softmax"} do
                local out = ops.attention(q, k, v, {heads = 3, offset = offset(0, 4, 4, 9), form = form,
                    hash_code_len = 3})
                for head = 1, 3 do
                    for _, span in ipairs{{1, 4}, {5, 5}} do
                        local function part(x, size)
                            return head_of(x:narrow(1, span[1], span[2]), head, size)
                        end
                        local call = form == "softmax" and reference.softmax or reference.attention
                        local want = call(part(q, 4), part(k, 4), part(v, 2), 3)
                        close.to_largest(yoso.tensor(part(out, 2)), yoso.tensor(want), 2e-6)
                    end
                end
            end
        end)

        it("reads views of a fused product without a copy", function()
            local fused = random({7, 36}, 8)
            local function view(i)
                return fused:narrow(2, 12 * i + 1, 12)
            end
            for _, form in ipairs{"expectation", "sample", "softmax"} do
                local options = {heads = 2, offset = offset(0, 7), form = form, num_hash = 3}
                local a = ops.attention(view(0), view(1), view(2), options)
                local b = ops.attention(view(0):clone(), view(1):clone(), view(2):clone(), options)
                assert.is_true(a:equal(b))
            end
        end)

        it("keeps softmax finite for large products", function()
            local q = random({5, 4}, 9) * 1000
            local out = ops.attention(q, q, q, {heads = 1, offset = offset(0, 5), form = "softmax"})
            close.to_largest(out, yoso.tensor(reference.softmax((q / 1000):totable(),
                (q * 1000):totable(), q:totable())), 1e-5)
        end)
    end)
end
