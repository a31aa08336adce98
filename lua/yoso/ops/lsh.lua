-- The pieces of the sampled attention alone, on [B, N, D]: hash codes and cumulations.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local function count(value, name, where)
    if type(value) ~= "number" or value ~= math.floor(value) or math.abs(value) >= 2 ^ 31 then
        c.raise(("%s: %s is %s, must be a whole number"):format(where, name, tostring(value)))
    end
    return value
end

local function optional(value, where, name)
    return value ~= nil and handle(value, where, name) or nil
end

--- lsh_hash(x [B, N, D], projection [B, D, M * T], num_hash M, hash_code_len T) -> i32 [B, N, M].
-- Bit t of code m is set where x . projection[:, m T + t] is above 0.
function M.lsh_hash(x, projection, num_hash, hash_code_len)
    return call(lib.yoso_lsh_hash, handle(x, "lsh_hash", "x"),
        handle(projection, "lsh_hash", "projection"), count(num_hash, "num_hash", "lsh_hash"),
        count(hash_code_len, "hash_code_len", "lsh_hash"))
end

--- fast_hash(x, sign [B, 3, P, D2], num_hash, hash_code_len) -> i32 [B, N, M]: three rounds of
-- sign and Hadamard transform; each of the P groups gives floor(D2 / T) codes.
function M.fast_hash(x, sign, num_hash, hash_code_len)
    return call(lib.yoso_fast_hash, handle(x, "fast_hash", "x"),
        handle(sign, "fast_hash", "sign"), count(num_hash, "num_hash", "fast_hash"),
        count(hash_code_len, "hash_code_len", "fast_hash"))
end

local function cumulate(q_mask, q_code, k_mask, k_code, v, hash_code_len)
    local where = "lsh_cumulation"
    return call(lib.yoso_lsh_cumulation, optional(q_mask, where, "q_mask"),
        handle(q_code, where, "q_code"), optional(k_mask, where, "k_mask"),
        handle(k_code, where, "k_code"), handle(v, where, "v"),
        count(hash_code_len, "hash_code_len", where))
end

local function cumulate_weighted(q_mask, q_code, q_weight, k_mask, k_code, k_weight, v,
    hash_code_len)
    local where = "lsh_weighted_cumulation"
    return call(lib.yoso_lsh_weighted_cumulation, optional(q_mask, where, "q_mask"),
        handle(q_code, where, "q_code"), handle(q_weight, where, "q_weight"),
        optional(k_mask, where, "k_mask"), handle(k_code, where, "k_code"),
        handle(k_weight, where, "k_weight"), handle(v, where, "v"),
        count(hash_code_len, "hash_code_len", where))
end

-- Codes for the samples: two bits, two hashes.
local function sample_codes(rows, shift)
    local list = {}
    for i = 1, rows do
        list[i] = {(i + shift) % 3, (i * shift) % 4}
    end
    return tensor.tensor({list}, "i32")
end

--- lsh_cumulation(q_mask, q_code, k_mask, k_code, v [B, K, E], hash_code_len) -> [B, N, E]: the
-- mean over the hashes of the sum of v over keys with the query's code. A nil mask keeps all.
M.lsh_cumulation = op.define{
    name = "lsh_cumulation",
    forward = function(ctx, q_mask, q_code, k_mask, k_code, v, hash_code_len)
        ctx.sides = {q_mask = q_mask, q_code = q_code, k_mask = k_mask, k_code = k_code,
            length = hash_code_len}
        return cumulate(q_mask, q_code, k_mask, k_code, v, hash_code_len)
    end,
    backward = function(ctx, grad)
        local s = ctx.sides
        return nil, nil, nil, nil,
            cumulate(s.k_mask, s.k_code, s.q_mask, s.q_code, grad, s.length)
    end,
    sample = function(random)
        return {nil, sample_codes(3, 1), tensor.tensor({{1, 1, 0, 1}}), sample_codes(4, 2),
            random{1, 4, 5}, 2}
    end,
}

--- lsh_weighted_cumulation(q_mask, q_code, q_weight, k_mask, k_code, k_weight, v, hash_code_len):
-- the same with each v_j weighted by q_weight_i . k_weight_j.
M.lsh_weighted_cumulation = op.define{
    name = "lsh_weighted_cumulation",
    forward = function(ctx, q_mask, q_code, q_weight, k_mask, k_code, k_weight, v, hash_code_len)
        ctx:save(q_weight, k_weight, v)
        ctx.sides = {q_mask = q_mask, q_code = q_code, k_mask = k_mask, k_code = k_code,
            length = hash_code_len}
        return cumulate_weighted(q_mask, q_code, q_weight, k_mask, k_code, k_weight, v,
            hash_code_len)
    end,
    -- out is linear in each of the three: sums over the same collisions.
    backward = function(ctx, grad)
        local s, needs = ctx.sides, ctx.needs
        local q_weight, k_weight, v = unpack(ctx.saved)
        return nil, nil,
            needs[3] and cumulate_weighted(s.q_mask, s.q_code, grad, s.k_mask, s.k_code, v,
                k_weight, s.length) or nil,
            nil, nil,
            needs[6] and cumulate_weighted(s.k_mask, s.k_code, v, s.q_mask, s.q_code, grad,
                q_weight, s.length) or nil,
            needs[7] and cumulate_weighted(s.k_mask, s.k_code, k_weight, s.q_mask, s.q_code,
                q_weight, grad, s.length) or nil
    end,
    sample = function(random)
        return {nil, sample_codes(3, 1), random{1, 3, 4}, tensor.tensor({{1, 0, 1, 1}}),
            sample_codes(4, 2), random{1, 4, 4}, random{1, 4, 5}, 2}
    end,
}

return M
