-- linear: x W^T + b with the weight packed once, and a fused activation where nothing is recorded.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local activations = {
    gelu = lib.YOSO_ACT_GELU, relu = lib.YOSO_ACT_RELU, tanh = lib.YOSO_ACT_TANH,
}
local slot = c.typeof("yoso_tensor *[1]")

local function layer(x, weight, bias, activation)
    return call(lib.yoso_linear, handle(x, "linear", "x"), handle(weight, "linear", "weight"),
        bias and handle(bias, "linear", "bias"), activation)
end

local recorded = op.define{
    name = "linear",
    forward = function(ctx, x, weight, bias)
        ctx:save(x, weight)
        return layer(x, weight, bias, lib.YOSO_ACT_NONE)
    end,
    backward = function(ctx, grad)
        local x, weight = ctx.saved[1], ctx.saved[2]
        local of_x, of_weight, of_bias = ctx.needs[1] and slot(), ctx.needs[2] and slot(),
            ctx.needs[3] and slot()
        c.check(lib.yoso_linear_grad(of_x or nil, of_weight or nil, of_bias or nil, grad.handle,
            x.handle, weight.handle))
        return of_x and tensor.adopt(of_x[0]), of_weight and tensor.adopt(of_weight[0]),
            of_bias and tensor.adopt(of_bias[0])
    end,
    sample = function(random)
        return {random{2, 3, 5}, random{4, 5}, random{4}}
    end,
}

-- The C code of an activation's name; nil is none.
local function activation_code(activation, where)
    if activation ~= nil and not activations[activation] then
        c.raise(("%s: activation is %s, must be nil, gelu, relu or tanh")
            :format(where, tostring(activation)))
    end
    return activation and activations[activation] or lib.YOSO_ACT_NONE
end
M.activation_code = activation_code -- for block.lua

--- linear(x, weight, bias, activation): x [.., in], weight [out, in], bias [out] or nil;
-- activation nil, "gelu", "relu" or "tanh".
function M.linear(x, weight, bias, activation)
    local code = activation_code(activation, "linear")
    local needs = autograd.needs_grad
    if activation and not (autograd.is_recording()
            and (needs(x) or needs(weight) or needs(bias))) then
        return layer(x, weight, bias, code)
    end
    local result = recorded(x, weight, bias)
    if activation then
        return result[activation](result)
    end
    return result
end

--- linear_int8(x, weight, bias, activation): the same in 8 bits, each row of x and of weight
-- with a scale of its own. Gives no gradient.
function M.linear_int8(x, weight, bias, activation)
    return call(lib.yoso_linear_int8, handle(x, "linear_int8", "x"),
        handle(weight, "linear_int8", "weight"), bias and handle(bias, "linear_int8", "bias"),
        activation_code(activation, "linear_int8"))
end

return M
