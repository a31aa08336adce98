-- Losses. All give f32; reduction is "mean" (the default), "sum" or "none".
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local reductions = {mean = true, sum = true, none = true}

local function reduction_of(options, where)
    local reduction = options and options.reduction or "mean"
    if not reductions[reduction] then
        c.raise(("%s: reduction is %s, must be mean, sum or none")
            :format(where, tostring(reduction)))
    end
    return reduction
end

-- Joins the single losses; the mean is over `count` of them (0 gives nan, as in PyTorch), a number
-- or, on a device that would have to be waited for, a tensor.
local function join(ctx, losses, reduction, count)
    ctx.scale = 1
    if reduction == "none" then
        return losses
    end
    local sum = losses:sum()
    if reduction == "sum" then
        return sum
    elseif tensor.is(count) then
        ctx.count = count
        return sum / count
    end
    ctx.scale = 1 / count
    return sum * ctx.scale
end

-- How many labels are not ignored, as `losses` were computed: kept by the CPU, counted by a device.
local function count_of(losses, labels, ignore, kept)
    if losses:device() == "cpu" then
        return tonumber(kept[0])
    end
    return labels:ne(ignore):to("f32"):sum()
end

local cross_entropy = op.define{
    name = "cross_entropy",
    forward = function(ctx, logits, labels, ignore, reduction)
        local kept = c.new("int64_t[1]")
        local here = handle(logits, "cross_entropy", "logits")
        local losses = call(lib.yoso_cross_entropy, logits:device() == "cpu" and kept or nil, here,
            handle(labels, "cross_entropy", "labels"), ignore)
        ctx:save(logits, labels)
        ctx.ignore = ignore
        return join(ctx, losses, reduction,
            reduction == "mean" and count_of(losses, labels, ignore, kept))
    end,
    backward = function(ctx, grad)
        grad = ctx.count and grad / ctx.count or grad
        return call(lib.yoso_cross_entropy_grad, grad.handle, ctx.scale, ctx.saved[1].handle,
            ctx.saved[2].handle, ctx.ignore)
    end,
    sample = function(random)
        return {random{4, 3}, tensor.tensor({2, -100, 0, 1}, "i64"), -100, "mean"}
    end,
}

--- cross_entropy(logits [n, classes], labels [n], {ignore_index = -100, reduction = "mean"}):
-- labels i64 or i32 from 0; the mean is over those that are not ignored (nan if all are).
function M.cross_entropy(logits, labels, options)
    return cross_entropy(logits, labels, options and options.ignore_index or -100,
        reduction_of(options, "cross_entropy"))
end

local slot = c.typeof("yoso_tensor *[1]")

-- The gradient made in forward times the number that came back.
local function scaled(ctx, i, grad, factor)
    local gradient = ctx.gradients[i]
    if not gradient then
        return nil
    elseif factor == 1 then
        return ctx:give(gradient)
    end
    return (gradient * grad):to(gradient:dtype())
end

local linear_cross_entropy = op.define{
    name = "linear_cross_entropy",
    forward = function(ctx, x, weight, bias, labels, ignore, reduction, split)
        local where = "linear_cross_entropy"
        local slots = {}
        for i = 1, 3 do
            slots[i] = ctx.recording and ctx.needs[i] and slot() or nil
        end
        local loss = call(lib.yoso_linear_cross_entropy, slots[1], slots[2], slots[3],
            handle(x, where, "x"), handle(weight, where, "weight"),
            bias and handle(bias, where, "bias"), handle(labels, where, "labels"), ignore,
            reduction == "mean" and 1 or 0, split and 1 or 0)
        ctx.gradients = {}
        for i = 1, 3 do
            ctx.gradients[i] = slots[i] and tensor.adopt(slots[i][0])
        end
        return loss
    end,
    backward = function(ctx, grad)
        local factor = grad:item()
        return scaled(ctx, 1, grad, factor), scaled(ctx, 2, grad, factor),
            scaled(ctx, 3, grad, factor)
    end,
    sample = function(random)
        return {random{4, 3}, random{5, 3}, random{5}, tensor.tensor({2, -100, 0, 4}, "i64"), -100,
            "mean"}
    end,
}

--- linear_cross_entropy(x [n, in], weight [classes, in], bias [classes] or nil, labels [n],
-- {ignore_index = -100, reduction = "mean", split = false}): the cross entropy of the logits
-- x weight^T + bias, which are never all in memory. reduction is "mean" or "sum"; split lets products
-- of f32 keep 16 bits where that is faster.
function M.linear_cross_entropy(x, weight, bias, labels, options)
    local reduction = reduction_of(options, "linear_cross_entropy")
    if reduction == "none" then
        c.raise("linear_cross_entropy: reduction is none, must be mean or sum")
    end
    return linear_cross_entropy(x, weight, bias, labels,
        options and options.ignore_index or -100, reduction, options and options.split or false)
end

-- target_gradient(x, gradient of x, gradient of a loss) is the gradient of the target.
local function define_pointwise(name, kind, target_gradient)
    local run = op.define{
        name = name,
        forward = function(ctx, x, target, reduction)
            local losses = call(lib.yoso_pointwise_loss, kind, handle(x, name, "x"),
                handle(target, name, "target"))
            ctx:save(x, target)
            return join(ctx, losses, reduction, losses:numel())
        end,
        backward = function(ctx, grad)
            local x, target = ctx.saved[1], ctx.saved[2]
            local grad_x = call(lib.yoso_pointwise_loss_grad, kind, grad.handle, ctx.scale,
                x.handle, target.handle)
            return grad_x, ctx.needs[2]
                and target_gradient(x, grad_x, (grad * ctx.scale):to(x:dtype()))
        end,
        sample = function(random)
            return {random{3, 4}, random{3, 4}, "mean"}
        end,
    }
    return function(x, target, options)
        return run(x, target, reduction_of(options, name))
    end
end

--- mse_loss(x, target, {reduction}): (x - target)^2.
M.mse_loss = define_pointwise("mse_loss", lib.YOSO_LOSS_SQUARED, function(_, grad_x)
    return -grad_x
end)

--- binary_cross_entropy_with_logits(x, target, {reduction}): x are logits, target probabilities.
M.binary_cross_entropy_with_logits = define_pointwise("binary_cross_entropy_with_logits",
    lib.YOSO_LOSS_BINARY, function(x, _, grad)
        return -(x * grad)
    end)

return M
