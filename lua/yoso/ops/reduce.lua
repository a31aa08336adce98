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
    local array = c.new("int32_t[?]", #list + 1)
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
                ctx.kept = kept_shape(x, dim)
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
