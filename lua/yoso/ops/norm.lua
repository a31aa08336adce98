-- Layer normalisation with an optional residual, and vectors of length one.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle
local slot = c.typeof("yoso_tensor *[1]")

local M = {}

local function optional(value, name)
    return value and handle(value, "layer_norm", name)
end

--- layer_norm(x, weight, bias, eps, residual): x + residual normalised over the last dimension,
-- times weight, plus bias. weight, bias and residual may be nil; eps defaults to 1e-5.
M.layer_norm = op.define{
    name = "layer_norm",
    forward = function(ctx, x, weight, bias, eps, residual)
        ctx:save(x, weight, residual)
        ctx.eps = eps or 1e-5
        return call(lib.yoso_layer_norm, handle(x, "layer_norm", "x"), optional(weight, "weight"),
            optional(bias, "bias"), ctx.eps, optional(residual, "residual"))
    end,
    backward = function(ctx, grad)
        local saved = ctx.saved
        local x, weight, residual = saved[1], saved[2], saved[3]
        local of_x, of_weight, of_bias = slot(), slot(), slot()
        c.check(lib.yoso_layer_norm_grad(of_x, of_weight, of_bias, grad.handle, x.handle,
            weight and weight.handle, ctx.eps, residual and residual.handle))
        local grad_x = tensor.adopt(of_x[0])
        return grad_x, tensor.adopt(of_weight[0]), tensor.adopt(of_bias[0]), nil, grad_x
    end,
    sample = function(random)
        return {random{2, 3, 5}, random{5}, random{5}, 1e-5, random{2, 3, 5}}
    end,
}

local last = op.define{
    name = "l2_normalize",
    forward = function(ctx, x, eps)
        ctx:save(x)
        ctx.eps = eps
        return call(lib.yoso_l2_normalize, handle(x, "l2_normalize", "x"), eps)
    end,
    backward = function(ctx, grad)
        return call(lib.yoso_l2_normalize_grad, grad.handle, ctx.saved[1].handle, ctx.eps)
    end,
    sample = function(random)
        return {random{3, 4}, 1e-12}
    end,
}

--- l2_normalize(x, dim, eps): x / max(|x|, eps) over dim (default the last), eps 1e-12.
function M.l2_normalize(x, dim, eps)
    local ndim = lib.yoso_tensor_ndim(handle(x, "l2_normalize", "x"))
    local at = tensor.dim(dim or -1, ndim, "l2_normalize") + 1
    if at == ndim then
        return last(x, eps or 1e-12)
    end
    return last(x:transpose(at, ndim), eps or 1e-12):transpose(at, ndim)
end

return M
