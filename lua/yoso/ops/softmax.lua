-- softmax and log_softmax over one dimension.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local function define(name, logarithm)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, x, dim)
            local ndim = lib.yoso_tensor_ndim(handle(x, name, "the tensor"))
            ctx.dim = tensor.dim(dim or -1, ndim, name)
            local y = call(lib.yoso_softmax, x.handle, ctx.dim, logarithm)
            ctx:save(y)
            return y
        end,
        backward = function(ctx, grad)
            return call(lib.yoso_softmax_grad, grad.handle, ctx.saved[1].handle, ctx.dim, logarithm)
        end,
        sample = function(random)
            return {random{2, 3, 4}, 2}
        end,
    }
end

--- softmax(x, dim): exp(x) / sum(exp(x)); dim defaults to the last.
define("softmax", 0)

--- log_softmax(x, dim): the logarithm of softmax, computed without forming it.
define("log_softmax", 1)

return M
