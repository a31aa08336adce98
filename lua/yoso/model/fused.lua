-- A layer as the one call that inference takes: its parameters gathered in the form that C wants,
-- once, and again only after one of them moved.
local autograd = require "yoso.autograd"
local ops = require "yoso.ops"

local M = {}

-- Names of configurations -> activations that the call applies itself.
local activations = {gelu = "gelu", gelu_python = "gelu", relu = "relu", tanh = "tanh"}

local function parts_of(block)
    local attention, inner, outer = block.attention, block.intermediate.dense, block.output
    local weight, bias = attention.self:joined()
    return {qkv_weight = weight, qkv_bias = bias,
        conv_weight = attention.self.conv and attention.self.conv.weight,
        projection_weight = attention.output.dense.weight,
        projection_bias = attention.output.dense.bias,
        attention_norm_weight = attention.output.LayerNorm.weight,
        attention_norm_bias = attention.output.LayerNorm.bias,
        inner_weight = inner.weight, inner_bias = inner.bias,
        outer_weight = outer.dense.weight, outer_bias = outer.dense.bias,
        output_norm_weight = outer.LayerNorm.weight, output_norm_bias = outer.LayerNorm.bias}
end

-- The same tensors on the same handles as when `kept` was made.
local function is_current(kept, parts, int8)
    if not kept or kept.int8 ~= int8 then
        return false
    end
    for name, part in pairs(parts) do
        if kept.handles[name] ~= part.handle then
            return false
        end
    end
    return true
end

--- What ops.yoso_block takes for a standard layer; nil where the layer must be computed in parts: in
-- training, for the tape, and for activations that the products do not apply.
function M.weights(block, hidden)
    local act = activations[block.intermediate.act]
    if not act or block.training or (autograd.is_recording() and (autograd.needs_grad(hidden)
            or autograd.needs_grad(block.output.dense.weight))) then
        return nil
    end
    local runtime = block.attention.self.runtime
    local int8 = runtime.int8 == true
    local parts = parts_of(block)
    local kept = block.kept_weights
    if not is_current(kept, parts, int8) then
        kept = {handles = {}, int8 = int8}
        for name, part in pairs(parts) do
            kept.handles[name] = part.handle
        end
        parts.eps, parts.activation, parts.int8 = block.output.LayerNorm.eps, act, int8
        kept.weights = ops.block_weights(parts)
        rawset(block, "kept_weights", kept)
    end
    return kept.weights
end

return M
