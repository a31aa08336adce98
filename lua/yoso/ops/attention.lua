-- The attention of packed sequences and its gradient: expectation, sample and the softmax
-- baseline behind one call; and YOSO's two forms alone, on [B, N, D].
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local forms = {
    expectation = lib.YOSO_EXPECTATION, sample = lib.YOSO_SAMPLED, softmax = lib.YOSO_SOFTMAX,
}
local new_options = c.typeof("yoso_attention_options")
local handle_slot = c.typeof("yoso_tensor *[1]")

local function whole(value, default, name, where)
    value = value == nil and default or value
    if type(value) ~= "number" or value ~= math.floor(value) or math.abs(value) >= 2 ^ 53 then
        c.raise(("%s: %s is %s, must be a whole number"):format(where, name, tostring(value)))
    end
    return value
end

local function small(value, default, name, where)
    value = whole(value, default, name, where)
    if math.abs(value) >= 2 ^ 31 then
        c.raise(("%s: %s is %.0f, must be below 2^31"):format(where, name, value))
    end
    return value
end

local function flag(value, default)
    if value == nil then
        value = default
    end
    return value and 1 or 0
end

--- attention_options({heads =, form =, ..}, where): attention's options as C wants them.
local function options_of(given, where)
    if type(given) ~= "table" then
        c.raise(("%s: options is a %s, must be a table"):format(where, type(given)))
    end
    local form = forms[given.form or "expectation"]
    if not form then
        c.raise(("%s: unknown form %s; there are expectation, sample and softmax")
            :format(where, tostring(given.form)))
    end
    local options = new_options()
    options.form = form
    options.heads = small(given.heads, 1, "heads", where)
    options.normalize = flag(given.normalize, true)
    options.hash_code_len = small(given.hash_code_len, 9, "hash_code_len", where)
    options.num_hash = small(given.num_hash, 32, "num_hash", where)
    if given.fast_hash == "spread" then
        options.fast_hash = lib.YOSO_HASH_SPREAD
    elseif given.fast_hash == nil or type(given.fast_hash) == "boolean" then
        options.fast_hash = flag(given.fast_hash, true)
    else
        c.raise(("%s: fast_hash is %s, must be true, false or \"spread\"")
            :format(where, tostring(given.fast_hash)))
    end
    options.lsh_backward = flag(given.lsh_backward, true)
    options.layer = small(given.layer, 0, "layer", where)
    options.seed = whole(given.seed, 0, "seed", where)
    return options
end

local function optional(value, where, name)
    if value ~= nil then
        return handle(value, where, name)
    end
    return nil
end

-- Masks and offsets as C wants them, after the operands.
local function sides(packing, where)
    return handle(packing.offset, where, "offset"), optional(packing.k_offset, where, "k_offset"),
        optional(packing.keep, where, "keep"), optional(packing.k_keep, where, "k_keep")
end

M.attention_options = options_of

-- The one differentiable operation under all forms. packing: {offset=, k_offset=, keep=, k_keep=}.
local run = op.define{
    name = "attention",
    forward = function(ctx, query, key, value, options, packing, where)
        local stat = ctx.recording and handle_slot() or nil
        local q_offset, k_offset, q_keep, k_keep = sides(packing, where)
        local out = call(lib.yoso_attention, stat, handle(query, where, "query"),
            handle(key, where, "key"), handle(value, where, "value"), q_offset, k_offset, q_keep,
            k_keep, options)
        if stat then
            ctx:save(query, key, value, out, tensor.adopt(stat[0]))
            ctx.options, ctx.packing, ctx.where = options, packing, where
        end
        return out
    end,
    backward = function(ctx, grad)
        local query, key, value, out, stat = unpack(ctx.saved, 1, 5)
        local dk, dv = handle_slot(), handle_slot()
        local q_offset, k_offset, q_keep, k_keep = sides(ctx.packing, ctx.where)
        local dq = call(lib.yoso_attention_grad, dk, dv, grad.handle, out.handle, stat.handle,
            query.handle, key.handle, value.handle, q_offset, k_offset, q_keep, k_keep,
            ctx.options)
        return dq, tensor.adopt(dk[0]), tensor.adopt(dv[0])
    end,
    -- Softmax, whose gradient is the derivative; the surrogates have their own spec.
    sample = function(random)
        local options = options_of({heads = 2, form = "softmax"}, "attention")
        return {random{5, 6}, random{5, 6}, random{5, 8}, options,
            {offset = tensor.tensor({0, 2, 5}, "i64")}, "attention"}
    end,
}

--- attention(query, key, value, {heads, offset, keep, form, hash_code_len, num_hash, seed, layer,
-- fast_hash, lsh_backward, conv_weight}): packed sequences [tokens, heads * D] attend to
-- themselves; offset is i64 [sequences + 1], keep [tokens] masks. YOSO's forms normalise query,
-- key and result. fast_hash: true for the reference's Hadamard hash, "spread" for its outputs
-- dealt to the codes so that the estimate has no bias, false for Gaussian projections.
-- conv_weight [heads, 1, W, 1] adds the depth-wise convolution of the masked value.
function M.attention(query, key, value, given)
    local options = options_of(given, "attention")
    local out = run(query, key, value, options, {offset = given.offset, keep = given.keep},
        "attention")
    if given.conv_weight then
        out = out + require("yoso.ops").depthwise_conv(value, given.conv_weight, options.heads,
            given.offset, given.keep)
    end
    return out
end

local function batch_of(x, where, name)
    handle(x, where, name)
    if x:ndim() ~= 3 then
        c.raise(("%s: %s has %d dimensions, must have 3: [batch, rows, size]")
            :format(where, name, x:ndim()))
    end
    return x:shape()
end

local function even_offset(batch, rows)
    local list = {}
    for s = 0, batch do
        list[s + 1] = s * rows
    end
    return tensor.tensor(list, "i64")
end

local function mask_of(mask, batch, rows, where, name)
    if mask == nil then
        return nil
    end
    handle(mask, where, name)
    local shape = mask:shape()
    if #shape ~= 2 or shape[1] ~= batch or shape[2] ~= rows then
        c.raise(("%s: %s has shape [%s], must be [%d, %d]")
            :format(where, name, table.concat(shape, ", "), batch, rows))
    end
    return mask
end

-- [B, N, D] as sequences end to end with one head.
local function batched(where, q_mask, k_mask, q, k, v, given)
    local q_shape, k_shape = batch_of(q, where, "q"), batch_of(k, where, "k")
    local v_shape = batch_of(v, where, "v")
    local batch, rows, keys = q_shape[1], q_shape[2], k_shape[2]
    if k_shape[1] ~= batch or v_shape[1] ~= batch or v_shape[2] ~= keys
        or k_shape[3] ~= q_shape[3] then
        c.raise(("%s: q [%s], k [%s] and v [%s] must be [B, N, D], [B, K, D] and [B, K, E]")
            :format(where, table.concat(q_shape, ", "), table.concat(k_shape, ", "),
                table.concat(v_shape, ", ")))
    end
    local packing = {
        offset = even_offset(batch, rows), k_offset = even_offset(batch, keys),
        keep = mask_of(q_mask, batch, rows, where, "q_mask"),
        k_keep = mask_of(k_mask, batch, keys, where, "k_mask"),
    }
    local out = run(q:reshape{batch * rows, q_shape[3]}, k:reshape{batch * keys, q_shape[3]},
        v:reshape{batch * keys, v_shape[3]}, options_of(given, where), packing, where)
    return out:reshape{batch, rows, v_shape[3]}
end

--- yoso_expectation(q_mask, k_mask, q, k, v, hash_code_len): sum over keys of
-- (1 - arccos(q . k) / pi)^hash_code_len v, for q and k of unit length. A nil mask keeps all.
function M.yoso_expectation(q_mask, k_mask, q, k, v, hash_code_len)
    return batched("yoso_expectation", q_mask, k_mask, q, k, v,
        {form = "expectation", hash_code_len = hash_code_len, normalize = false})
end

--- yoso_sample(q_mask, k_mask, q, k, v, {num_hash, hash_code_len, seed, layer, fast_hash,
-- lsh_backward}): its estimate from random hashes, before any normalisation.
function M.yoso_sample(q_mask, k_mask, q, k, v, given)
    given = given or {}
    if type(given) ~= "table" then
        c.raise(("yoso_sample: options is a %s, must be a table"):format(type(given)))
    end
    return batched("yoso_sample", q_mask, k_mask, q, k, v, {
        form = "sample", normalize = false, num_hash = given.num_hash,
        hash_code_len = given.hash_code_len, seed = given.seed, layer = given.layer,
        fast_hash = given.fast_hash, lsh_backward = given.lsh_backward,
    })
end


return M
