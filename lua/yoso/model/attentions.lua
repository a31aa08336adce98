-- The attention's weights as a dense matrix, for looking at: what the expectation form multiplies
-- the values by, or the softmax. Quadratic in the length, and outside the tape.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local ops = require "yoso.ops"
local tensor = require "yoso.tensor"

local M = {}

--- The sampled form has no such matrix: each hash sees one of its own.
function M.check(runtime, where)
    if runtime.attention == "sample" then
        c.raise(where .. ": output_attentions needs the expectation form or softmax; sampled"
            .. " attention has no matrix of weights")
    end
end

-- [H, n, n] of queries and keys [H, n, D].
local function weights(query, key, runtime, hash_code_len)
    if runtime.attention == "softmax" then
        local scale = 1 / math.sqrt(query:size(3))
        return (query:matmul(key:transpose(2, 3)) * scale):softmax(-1)
    end
    local heads, n = query:size(1), query:size(2)
    local mask = tensor.ones({heads, n}, "f32", query:device())
    local identity = ops.eye(n):to(query:device()):reshape{1, n, n}:expand{heads, n, n}
    -- The weights are what the identity becomes when it stands in for the values.
    return ops.yoso_expectation(mask, mask, ops.l2_normalize(query), ops.l2_normalize(key),
        identity:contiguous(), hash_code_len)
end

--- [B, H, N, N] of one layer's attention (before YOSO's rows are normalised), 0 where the mask is.
function M.dense(attention, hidden, pack)
    return autograd.no_grad(function()
        local config, runtime = attention.config, attention.runtime
        local heads, size = config.num_attention_heads, config:head_size()
        local query, key = attention:project(hidden)
        local out = tensor.zeros({pack.rows, heads, pack.length, pack.length})
        local target = tensor.data(out)
        for row = 0, pack.rows - 1 do
            local first, n = pack.offsets[row], pack.offsets[row + 1] - pack.offsets[row]
            local function of(x)
                return x:narrow(1, first + 1, n):contiguous():reshape{n, heads, size}
                    :transpose(1, 2):contiguous():to("f32")
            end
            if n > 0 then
                local part = weights(of(query), of(key), runtime, config.hash_code_len):to("cpu")
                local source = tensor.data(part)
                local function column(i)
                    return pack.slots and pack.slots[first + i + 1] % pack.length or i
                end
                local function kept(i)
                    return not pack.keep_list or pack.keep_list[first + i + 1] ~= 0
                end
                for h = 0, heads - 1 do
                    for i = 0, n - 1 do
                        local base = ((row * heads + h) * pack.length + column(i)) * pack.length
                        for j = 0, n - 1 do
                            if kept(i) and kept(j) then
                                target[base + column(j)] = source[(h * n + i) * n + j]
                            end
                        end
                    end
                end
            end
        end
        return out:to(hidden:device())
    end)
end

return M
