-- Functions of one element and activations, with their gradients.
local c = require "yoso.c"
local elementwise = require "yoso.ops.elementwise"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

-- Integers have no square root: the message names the function.
local function check_dtype(name, x)
    local dtype = lib.yoso_tensor_dtype(handle(x, name, "the tensor"))
    if dtype ~= lib.YOSO_F32 and dtype ~= lib.YOSO_F16 and dtype ~= lib.YOSO_BF16 then
        c.raise(("%s: dtype is %s, must be a float; convert with to(\"f32\")")
            :format(name, x:dtype()))
    end
end

local function define(name, code, whole, sample)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, x)
            if whole then
                handle(x, name, "the tensor")
            else
                check_dtype(name, x)
            end
            ctx:save(x)
            return call(lib.yoso_unary, code, x.handle)
        end,
        backward = function(ctx, grad)
            return call(lib.yoso_unary_grad, code, grad.handle, ctx.saved[1].handle)
        end,
        sample = sample or function(random)
            return {random{3, 4}}
        end,
    }
end

local function positive(random)
    return {random{3, 4}:abs() + 0.3}
end

local function within_one(random)
    return {random{3, 4}:tanh() * 0.9}
end

-- Away from the points where the slope jumps.
local function off_kinks(random)
    local x = random{3, 4}
    return {x + x:sign() * 0.2}
end

-- Defines several at once, in the order of their names.
local function define_all(codes, whole, sample)
    local names = {}
    for name in pairs(codes) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        define(name, codes[name], whole, sample)
    end
end

-- Functions that integers have too.
define_all({neg = lib.YOSO_NEG, square = lib.YOSO_SQUARE}, true)
define_all({sign = lib.YOSO_SIGN, abs = lib.YOSO_ABS, relu = lib.YOSO_RELU}, true, off_kinks)
define_all({floor = lib.YOSO_FLOOR, ceil = lib.YOSO_CEIL, round = lib.YOSO_ROUND}, true,
    function(random)
        return {random{3, 4}:round() + 0.25}
    end)

define_all({log = lib.YOSO_LOG, log1p = lib.YOSO_LOG1P, sqrt = lib.YOSO_SQRT,
    rsqrt = lib.YOSO_RSQRT, reciprocal = lib.YOSO_RECIPROCAL}, false, positive)
define_all({asin = lib.YOSO_ASIN, acos = lib.YOSO_ACOS, tan = lib.YOSO_TAN}, false, within_one)
define_all({exp = lib.YOSO_EXP, expm1 = lib.YOSO_EXPM1, sin = lib.YOSO_SIN, cos = lib.YOSO_COS,
    sinh = lib.YOSO_SINH, cosh = lib.YOSO_COSH, tanh = lib.YOSO_TANH, atan = lib.YOSO_ATAN,
    sigmoid = lib.YOSO_SIGMOID, erf = lib.YOSO_ERF, gelu = lib.YOSO_GELU, silu = lib.YOSO_SILU,
    mish = lib.YOSO_MISH, softplus = lib.YOSO_SOFTPLUS}, false)

local slot = c.typeof("int32_t[1]")

--- The code of an activation name for calls into C; raises for an unknown name and lists all.
function M.activation_code(name)
    if type(name) ~= "string" then
        c.raise(("activation: the name is a %s, must be a string"):format(type(name)))
    end
    local code = slot()
    c.check(lib.yoso_activation(code, name))
    return code[0]
end

--- activation(x, name): any activation by its name in configurations ("gelu", "gelu_new", ...).
M.activation = op.define{
    name = "activation",
    forward = function(ctx, x, name)
        ctx.code = M.activation_code(name)
        check_dtype("activation", x)
        ctx:save(x)
        return call(lib.yoso_unary, ctx.code, x.handle)
    end,
    backward = function(ctx, grad)
        return call(lib.yoso_unary_grad, ctx.code, grad.handle, ctx.saved[1].handle)
    end,
    sample = function(random)
        return {random{3, 4}, "gelu_new"}
    end,
}

--- isnan(x), isinf(x), isfinite(x): bool tensors.
function M.isnan(x)
    return x:ne(x)
end

function M.isinf(x)
    check_dtype("isinf", x)
    return x:abs():eq(math.huge)
end

function M.isfinite(x)
    check_dtype("isfinite", x)
    return x:abs():lt(math.huge)
end

--- clamp(x, low, high): low <= x <= high, either may be nil. The gradient is 0 outside.
M.clamp = op.define{
    name = "clamp",
    methods = {"clamp"},
    forward = function(ctx, x, low, high)
        handle(x, "clamp", "the tensor")
        if type(low or 0) ~= "number" or type(high or 0) ~= "number" or not (low or high) then
            c.raise("clamp: wants a lower bound, an upper bound or both, as numbers")
        end
        ctx:save(x)
        ctx.low, ctx.high = low, high
        local y = low and elementwise.maximum(x, low) or x
        return high and elementwise.minimum(y, high) or y
    end,
    backward = function(ctx, grad)
        local x = ctx.saved[1]
        local inside = x:eq(x)
        if ctx.low then
            inside = inside:logical_and(x:ge(ctx.low))
        end
        if ctx.high then
            inside = inside:logical_and(x:le(ctx.high))
        end
        return grad * inside:to(grad:dtype())
    end,
    sample = function(random)
        return {random{3, 4}:round() * 0.4 + 0.03, -0.5, 0.5}
    end,
}

for _, name in ipairs{"isnan", "isinf", "isfinite"} do
    tensor.methods[name] = M[name]
end
tensor.metatable.__unm = M.neg

return M
