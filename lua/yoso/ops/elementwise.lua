-- Arithmetic of two operands and its gradients; the operators of tensors; changes in place.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local op = require "yoso.op"
local reduce = require "yoso.ops.reduce"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

-- A number operand becomes a tensor without dimensions, which takes the other's dtype. Beside
-- integers it must be one itself.
local function operand(value, other, name)
    if type(value) ~= "number" then
        handle(value, name, "an operand")
        return value
    end
    local dtype = other:dtype()
    local is_float = dtype == "f32" or dtype == "f16" or dtype == "bf16"
    if not is_float and value ~= math.floor(value) then
        c.raise(("%s: the number %s beside a tensor of %s; convert it with to(\"f32\")")
            :format(name, tostring(value), dtype))
    end
    return tensor.full({}, value, is_float and "f32" or dtype, other:device())
end

--- The two operands as tensors; one of them may be a number.
function M.operands(a, b, name)
    if tensor.is(a) then
        handle(a, name, "the first operand")
        return a, operand(b, a, name)
    end
    handle(b, name, "an operand")
    return operand(a, b, name), b
end
local operands = M.operands

-- Sums grad over what broadcasting repeated, back to the shape (and dtype) of input.
local function unbroadcast(grad, input)
    if lib.yoso_tensor_same_shape(grad.handle, input.handle) == 0 then
        grad = reduce.sum_to(grad, input:shape())
    end
    return grad:to(input:dtype())
end

-- backward(ctx, a, b, grad): gradients before unbroadcasting. saves: the gradient reads a and b.
local function define(name, code, saves, backward)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, a, b)
            a, b = operands(a, b, name)
            if ctx.recording then
                ctx.a, ctx.b = a, b
                if saves then
                    ctx:save(a, b)
                end
            end
            return call(lib.yoso_binary, code, a.handle, b.handle)
        end,
        backward = function(ctx, grad)
            local a, b = ctx.a, ctx.b
            local grad_a, grad_b = backward(ctx.needs, a, b, grad)
            return ctx.needs[1] and unbroadcast(grad_a, a), ctx.needs[2] and unbroadcast(grad_b, b)
        end,
        sample = function(random)
            return {random{2, 3}:abs() + 0.5, random{3}:abs() + 0.7}
        end,
    }
end

--- add(a, b), sub, mul, div, pow, maximum, minimum: elementwise, broadcast; one of the operands
-- may be a number. Integers stay integers: div truncates.
define("add", lib.YOSO_ADD, false, function(_, _, _, grad)
    return grad, grad
end)

define("sub", lib.YOSO_SUB, false, function(needs, _, _, grad)
    return grad, needs[2] and -grad
end)

define("mul", lib.YOSO_MUL, true, function(needs, a, b, grad)
    return needs[1] and grad * b, needs[2] and grad * a
end)

define("div", lib.YOSO_DIV, true, function(needs, a, b, grad)
    return needs[1] and grad / b, needs[2] and -(grad * a / (b * b))
end)

-- d/db a^b = a^b ln a, which is 0 where a is 0.
define("pow", lib.YOSO_POW, true, function(needs, a, b, grad)
    local grad_b
    if needs[2] then
        local y = M.pow(a, b)
        grad_b = grad * (y * a:log()):masked_fill(a:eq(0), 0)
    end
    return needs[1] and grad * b * M.pow(a, b - 1), grad_b
end)

-- Equal operands share the gradient.
local function define_extreme(name, code, wins)
    define(name, code, true, function(needs, a, b, grad)
        local ties = a:eq(b):to(grad:dtype()) * 0.5
        return needs[1] and grad * (wins(a, b):to(grad:dtype()) + ties),
            needs[2] and grad * (wins(b, a):to(grad:dtype()) + ties)
    end)
end

define_extreme("maximum", lib.YOSO_MAXIMUM, function(a, b) return a:gt(b) end)
define_extreme("minimum", lib.YOSO_MINIMUM, function(a, b) return a:lt(b) end)

-- -- In place ----------------------------------------------------------------------------------
-- Not recorded: a tensor that needs a gradient may only be changed in no_grad.

local function target_of(x, name)
    handle(x, name, "the tensor")
    if autograd.is_recording() and autograd.needs_grad(x) then
        c.raise(("%s: the tensor needs a gradient; change it inside no_grad"):format(name))
    end
    return x
end

local function define_in_place(name, code)
    tensor.methods[name] = function(x, other)
        target_of(x, name)
        local value = operand(other, x, name)
        c.check(lib.yoso_binary_into(x.handle, code, x.handle, value.handle))
        if value ~= other then
            value:free()
        end
        return x
    end
end

--- x:add_(y), sub_, mul_, div_: x changed in place; returns x.
define_in_place("add_", lib.YOSO_ADD)
define_in_place("sub_", lib.YOSO_SUB)
define_in_place("mul_", lib.YOSO_MUL)
define_in_place("div_", lib.YOSO_DIV)

--- x:copy_(source): source's elements, broadcast and converted, written into x.
function tensor.methods.copy_(x, source)
    target_of(x, "copy_")
    c.check(lib.yoso_copy_into(x.handle, handle(source, "copy_", "the source")))
    return x
end

--- x:fill_(value), x:zero_(): every element set.
function tensor.methods.fill_(x, value)
    target_of(x, "fill_")
    if type(value) ~= "number" then
        c.raise(("fill_: value is a %s, must be a number"):format(type(value)))
    end
    c.check(lib.yoso_fill(x.handle, value))
    return x
end

function tensor.methods.zero_(x)
    return x:fill_(0)
end

local meta = tensor.metatable
meta.__add, meta.__sub, meta.__mul, meta.__div, meta.__pow = M.add, M.sub, M.mul, M.div, M.pow

return M
