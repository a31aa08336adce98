-- The attention's pieces as the reference computed them, and the checks that each device passes.
local assert = require "luassert"
local shared = require "spec.support.shared"
local close = require "spec.attention.close"
local yoso = require "yoso"

local ops = yoso.ops
local M = {}

M.cases = {"kernel-self", "kernel-cross", "kernel-d48"}

-- The tensors of a case on a device.
local function load(name, device)
    local path = shared.path(("fixtures/yoso/%s/golden.safetensors"):format(name))
    local file = assert(yoso.safetensors.load(path))
    for key, value in pairs(file) do
        file[key] = value:to(device)
    end
    local shape = file.q_code:shape()
    file.num_hash = shape[3]
    file.code_len = file.projection:shape()[3] / shape[3]
    return file
end
M.load = load

-- Codes may differ only in bits whose projection is within 1e-5 of zero.
local function codes_agree(got, want, projections, num_hash, code_len)
    local a, b, p = got:totable(), want:totable(), projections:totable()
    for batch = 1, #a do
        for row = 1, #a[batch] do
            for hash = 1, num_hash do
                for bit = 0, code_len - 1 do
                    local mine = math.floor(a[batch][row][hash] / 2 ^ bit) % 2
                    local theirs = math.floor(b[batch][row][hash] / 2 ^ bit) % 2
                    local value = p[batch][row][(hash - 1) * code_len + bit + 1]
                    if mine ~= theirs and math.abs(value) > 1e-5 then
                        return false
                    end
                end
            end
        end
    end
    return true
end

--- Checks by name, in order: {name, function(tensors of a case)}.
M.checks = {
    {"dense codes", function(g)
        for _, side in ipairs{"q", "k"} do
            local code = ops.lsh_hash(g[side], g.projection, g.num_hash, g.code_len)
            assert.is_true(codes_agree(code, g[side .. "_code"],
                g[side]:matmul(g.projection), g.num_hash, g.code_len))
        end
    end},
    {"fast codes", function(g)
        for _, side in ipairs{"q", "k"} do
            local code = ops.fast_hash(g[side], g.sign, g.num_hash, g.code_len)
            assert.same(g[side .. "_fast_code"]:totable(), code:totable())
        end
    end},
    {"cumulation and its gradients", function(g)
        local v = g.v:clone():requires_grad(true)
        local out = ops.lsh_cumulation(g.q_mask, g.q_code, g.k_mask, g.k_code, v, g.code_len)
        close.to_largest(out, g.out, 1e-5)
        out:backward(g.grad_out)
        close.to_largest(v.grad, g.grad_v, 1e-5)
        local half = g.code_len / 2
        close.to_largest(ops.lsh_weighted_cumulation(g.q_mask, g.q_code, g.grad_out, g.k_mask,
            g.k_code, g.v, g.k * half, g.code_len), g.grad_q, 1e-5)
        close.to_largest(ops.lsh_weighted_cumulation(g.k_mask, g.k_code, g.v, g.q_mask,
            g.q_code, g.grad_out, g.q * half, g.code_len), g.grad_k, 1e-5)
    end},
    {"expectation and its surrogate gradients", function(g)
        local q, k, v = g.q:clone(), g.k:clone(), g.v:clone()
        for _, x in ipairs{q, k, v} do
            x:requires_grad(true)
        end
        local out = ops.yoso_expectation(g.q_mask, g.k_mask, q, k, v, g.code_len)
        close.to_largest(out, g.expectation_out, 1e-5)
        out:backward(g.grad_out)
        close.to_largest(q.grad, g.expectation_grad_q, 1e-5)
        close.to_largest(k.grad, g.expectation_grad_k, 1e-5)
        close.to_largest(v.grad, g.expectation_grad_v, 1e-5)
    end},
}

return M
