-- A layer as the one operation that training runs.
local autograd = require "yoso.autograd"
local layer = require "yoso.ops.layer".yoso_layer
local random = require "yoso.random"

local M = {}

local function weights_of(block)
    local own, output = block.attention.self, block.attention.output
    local inner, outer = block.intermediate.dense, block.output
    return {
        query_weight = own.query.weight, query_bias = own.query.bias,
        key_weight = own.key.weight, key_bias = own.key.bias,
        value_weight = own.value.weight, value_bias = own.value.bias,
        projection_weight = output.dense.weight, projection_bias = output.dense.bias,
        attention_norm_weight = output.LayerNorm.weight,
        attention_norm_bias = output.LayerNorm.bias,
        inner_weight = inner.weight, inner_bias = inner.bias,
        outer_weight = outer.dense.weight, outer_bias = outer.dense.bias,
        output_norm_weight = outer.LayerNorm.weight, output_norm_bias = outer.LayerNorm.bias,
        conv_weight = own.conv and own.conv.weight,
    }
end

local function is_wanted(block, hidden)
    return block.training or (autograd.is_recording() and (autograd.needs_grad(hidden)
        or autograd.needs_grad(block.output.dense.weight)))
end

--- The result of a standard layer in training, or under a tape; nil where neither is so.
function M.forward(block, hidden, pack)
    if not is_wanted(block, hidden) then
        return nil
    end
    local given = block.attention.self:options(pack)
    given.conv_weight = nil -- it is among the weights
    local dropout = block.output.dropout
    given.dropout = block.training and dropout.p or 0
    if given.dropout > 0 then
        given.seeds = {random.next_seed(), random.next_seed()}
    end
    given.eps, given.activation = block.output.LayerNorm.eps, block.intermediate.act
    given.split = block.training and block.attention.self.runtime.split
    return layer(hidden:contiguous(), weights_of(block), given)
end

return M
