-- A layer as the one operation that training runs, where its parts are what the model made: a
-- module of the user's own in the layer, or a hidden activation, is met by computing in parts.
local autograd = require "yoso.autograd"
local nn = require "yoso.nn"
local layer = require "yoso.ops.layer".yoso_layer
local random = require "yoso.random"

local M = {}

-- true for an instance of the class itself with the class's own forward.
local function is_plain(module, class)
    return getmetatable(module) == class and rawget(module, "forward") == nil
end

local function is_plain_output(output, class)
    return is_plain(output, class) and is_plain(output.dense, nn.Linear)
        and is_plain(output.LayerNorm, nn.LayerNorm) and is_plain(output.dropout, nn.Dropout)
end

-- classes = {Attention, Self, SelfOutput, Intermediate, Output}.
local function is_standard(block, classes)
    local attention = block.attention
    local own = attention.self
    return is_plain(attention, classes.Attention) and is_plain(own, classes.Self)
        and is_plain(own.query, nn.Linear) and is_plain(own.key, nn.Linear)
        and is_plain(own.value, nn.Linear) and is_plain_output(attention.output, classes.SelfOutput)
        and is_plain(block.intermediate, classes.Intermediate)
        and is_plain(block.intermediate.dense, nn.Linear)
        and is_plain_output(block.output, classes.Output)
        and attention.output.dropout.p == block.output.dropout.p
        and attention.output.LayerNorm.eps == block.output.LayerNorm.eps
end

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

--- The layer's result in training, or under a tape; nil where it must be computed in parts.
function M.forward(block, hidden, pack, classes)
    if not is_wanted(block, hidden) or not is_standard(block, classes) then
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
