-- Elementwise arithmetic and its gradients; the operators of tensors.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

-- A number operand becomes a tensor without dimensions, which takes the other's dtype.
local function operand(value, other, name)
    if type(value) == "number" then
        return tensor.tensor(value, other:dtype(), other:device())
    end
    return tensor.is(value) and value or handle(value, name)
end

local function operands(a, b, name)
    if tensor.is(a) then
        return a, operand(b, a, name)
    end
    return operand(a, tensor.is(b) and b or handle(b, name), name), b
end

--- Sums grad over what broadcasting repeated, back to the shape of input.
local function unbroadcast(grad, input)
    return M.sum_to(grad, input:shape())
end

local function define_binary(name, code, backward)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, a, b)
            a, b = operands(a, b, name)
            ctx:save(a, b)
            return call(lib.yoso_binary, code, handle(a, name), handle(b, name))
        end,
        backward = backward and function(ctx, grad)
            local a, b = ctx.saved[1], ctx.saved[2]
            local grad_a, grad_b = backward(a, b, grad, ctx.needs)
            return grad_a and unbroadcast(grad_a, a), grad_b and unbroadcast(grad_b, b)
        end,
        sample = function(random)
            return {random{2, 3}, random{3}:abs() + 0.5}
        end,
    }
end

--- add(a, b): a + b, broadcast. a or b may be a number.
define_binary("add", lib.YOSO_ADD, function(_, _, grad)
    return grad, grad
end)

--- mul(a, b): a * b, broadcast.
define_binary("mul", lib.YOSO_MUL, function(a, b, grad, needs)
    return needs[1] and grad * b, needs[2] and grad * a
end)

tensor.metatable.__add = M.add
tensor.metatable.__mul = M.mul

return M
