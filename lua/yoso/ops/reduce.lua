-- Reductions and their gradients. Each takes (x, dim, keepdim): without dim over everything,
-- dim one dimension or a list of them; keepdim leaves the reduced ones with size 1.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

-- The dimensions as C wants them: an array or NULL, and its length.
local function dims_of(x, dim, where)
    local ndim = lib.yoso_tensor_ndim(handle(x, where, "the tensor"))
    if dim == nil then
        return nil, 0
    end
    local list = type(dim) == "table" and dim or {dim}
    local array = c.array("int32_t[?]", #list + 1)
    for i = 1, #list do
        array[i - 1] = tensor.dim(list[i], ndim, where)
    end
    return array, #list
end

local function reduce(code, name, x, dim, keepdim, parameter)
    local dims, count = dims_of(x, dim, name)
    return call(lib.yoso_reduce, code, x.handle, count, dims, keepdim and 1 or 0, parameter or 0)
end

-- The shape of the result with every reduced dimension kept as 1.
local function kept_shape(x, dim)
    local shape = x:shape()
    local dims, count = dims_of(x, dim, "reduce")
    for i = 1, #shape do
        shape[i] = dim ~= nil and shape[i] or 1
    end
    for i = 0, count - 1 do
        shape[dims[i] + 1] = 1
    end
    return shape
end

-- grad, or any result of the reduction, so that it broadcasts against the input.
local function spread(ctx, t)
    return t:reshape(ctx.kept)
end

-- Defines a reduction to floats; backward(x, y, grad, ctx) with y and grad broadcastable to x.
local function define(name, code, backward, sample)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, x, dim, keepdim)
            local y = reduce(code, name, x, dim, keepdim)
            if ctx.recording then
                ctx:save(x, y)
                ctx.kept, ctx.dim = kept_shape(x, dim), dim
            end
            return y
        end,
        backward = backward and function(ctx, grad)
            local x, y = ctx.saved[1], ctx.saved[2]
            return backward(x, spread(ctx, y), spread(ctx, grad), ctx)
        end,
        sample = sample or function(random)
            return {random{2, 3, 4}, 2}
        end,
    }
end

--- sum(x, dim, keepdim): integers give i64.
define("sum", lib.YOSO_SUM, function(x, _, grad)
    return grad:expand(x:shape())
end)

define("mean", lib.YOSO_MEAN, function(x, y, grad)
    return (grad * (y:numel() / x:numel())):expand(x:shape())
end)

--- norm(x, dim, keepdim): the root of the sum of squares. Its gradient at 0 is 0.
define("norm", lib.YOSO_NORM, function(x, y, grad)
    return x * (grad / y):masked_fill(y:eq(0), 0)
end)

--- logsumexp(x, dim, keepdim): the log of the sum of exponentials, without overflow.
define("logsumexp", lib.YOSO_LOGSUMEXP, function(x, y, grad)
    return (x - y):exp():masked_fill(y:eq(-math.huge), 0) * grad
end)

-- The product of all others, from the whole product where no element is 0; else one by one.
define("prod", lib.YOSO_PROD, function(x, y, grad, ctx)
    if not x:eq(0):any():item() then
        return grad * y / x
    end
    local zero = x:eq(0)
    local zeros = M.sum(zero, ctx.dim, true):reshape(ctx.kept)
    local others = x:masked_fill(zero, 1):prod(ctx.dim, true):reshape(ctx.kept)
    -- Beside one zero only the zero itself has a gradient; beside two nothing has.
    local lone = zero:logical_and(zeros:eq(1)):to(grad:dtype())
    return (grad * y / x):masked_fill(zeros:gt(0):expand(x:shape()), 0) + grad * others * lone
end, function(random)
    local x = random{2, 3, 2}
    return {x:masked_fill(x:eq(x:max()), 0), 2}
end)

-- Reductions without a gradient.
define("any", lib.YOSO_ANY)
define("all", lib.YOSO_ALL)

--- argmax(x, dim, keepdim), argmin: the position (from 1) of the first largest element, i64.
for _, pair in ipairs{{"argmax", lib.YOSO_ARGMAX}, {"argmin", lib.YOSO_ARGMIN}} do
    local name, code = pair[1], pair[2]
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(_, x, dim, keepdim)
            return reduce(code, name, x, dim, keepdim, 1)
        end,
        sample = function(random)
            return {random{2, 3, 4}, 2}
        end,
    }
end

local function define_extreme(name, code, arg_name)
    local one = op.define{
        name = name,
        forward = function(ctx, x, dim, keepdim)
            local y = reduce(code, name, x, dim, keepdim)
            if ctx.recording then
                ctx:save(x, y)
                ctx.kept, ctx.dim = kept_shape(x, dim), dim
            end
            return y
        end,
        -- Equal extremes share the gradient.
        backward = function(ctx, grad)
            local x, y = ctx.saved[1], spread(ctx, ctx.saved[2])
            local chosen = x:eq(y):to(grad:dtype())
            return chosen * (spread(ctx, grad) / M.sum(chosen, ctx.dim, true):reshape(ctx.kept))
        end,
        sample = function(random)
            return {random{2, 3, 4}, 2}
        end,
    }
    -- With one dimension also where: the positions from 1.
    M[name] = function(x, dim, keepdim)
        local y = one(x, dim, keepdim)
        if type(dim) == "number" then
            return y, M[arg_name](x, dim, keepdim)
        end
        return y
    end
    tensor.methods[name] = M[name]
end

--- max(x, dim, keepdim), min: the largest; with a dimension also its position, as argmax.
define_extreme("max", lib.YOSO_MAX, "argmax")
define_extreme("min", lib.YOSO_MIN, "argmin")

-- correction: 1 divides by n - 1 (unbiased, the default), 0 by n.
local function define_spread(name, code, slope)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, x, dim, keepdim, correction)
            local y = reduce(code, name, x, dim, keepdim, correction or 1)
            if ctx.recording then
                ctx:save(x, y)
                ctx.kept, ctx.dim = kept_shape(x, dim), dim
                ctx.count = x:numel() / y:numel() - (correction or 1)
            end
            return y
        end,
        backward = function(ctx, grad)
            local x, y = ctx.saved[1], spread(ctx, ctx.saved[2])
            local centred = x - M.mean(x, ctx.dim, true):reshape(ctx.kept)
            return centred * (slope(y, spread(ctx, grad)) / ctx.count)
        end,
        sample = function(random)
            return {random{2, 5}, 2}
        end,
    }
end

--- var(x, dim, keepdim, correction), std.
define_spread("var", lib.YOSO_VAR, function(_, grad)
    return grad * 2
end)
define_spread("std", lib.YOSO_STD, function(y, grad)
    return grad / y
end)

--- sum_to(x, shape): summed over what broadcasting from shape repeated.
function M.sum_to(x, shape)
    local own = x:shape()
    local missing, dims = #own - #shape, {}
    for i = 1, #own do
        if i <= missing or (shape[i - missing] == 1 and own[i] ~= 1) then
            dims[#dims + 1] = i
        end
    end
    if #dims == 0 then
        return x
    end
    return M.sum(x, dims, true):reshape(shape)
end

return M
