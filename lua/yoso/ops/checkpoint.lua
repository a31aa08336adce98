-- checkpoint(fn, ...): fn(...) of which only the inputs are kept for the gradient, and fn is run
-- again when that comes: memory for time. What fn draws from the global random stream it draws again,
-- so that both runs, and the gradients of a run without a checkpoint, are equal to the bit.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local op = require "yoso.op"
local random = require "yoso.random"
local tensor = require "yoso.tensor"

local M = {}

-- Calls fn under a tape of its own; inputs that need a gradient are leaves there. Gives the results
-- as a list, the leaves by position, and whether fn gave a list.
local function run_recorded(ctx, fn, ...)
    local count, inputs, leaves = select("#", ...), {...}, {}
    for i = 1, count do
        if ctx.needs[i + 2] then
            inputs[i] = inputs[i]:detach():requires_grad(true)
            leaves[i] = inputs[i]
        end
    end
    local results = {autograd.with_grad(fn, unpack(inputs, 1, count))}
    if results[1] ~= nil and not tensor.is(results[1]) then
        return results[1], leaves, true
    end
    return results, leaves, false
end

-- fn runs once more; the walk back over its tape leaves the gradients of parameters in their .grad
-- and those of the inputs in the leaves.
local function replay(ctx, grads)
    local before = random.state()
    random.set_state(ctx.random)
    local outputs, leaves = run_recorded(ctx, ctx.fn, unpack(ctx.saved, 1, ctx.saved_count))
    random.set_state(before)
    local last
    for i = 1, #outputs do
        last = grads[i] and i or last
    end
    for i = 1, #outputs do
        if grads[i] then
            autograd.backward(outputs[i], grads[i], i < last)
        end
    end
    return leaves
end

-- anchor is a leaf of no use but that it wants a gradient: parameters that only fn knows have to be
-- reached even where no input needs a gradient.
local run = op.define{
    name = "checkpoint",
    forward = function(ctx, _, fn, ...)
        ctx:save(...)
        ctx.fn, ctx.random = fn, random.state()
        -- With a tape, which is dropped: operations may compute otherwise without one.
        local results, _, is_list = run_recorded(ctx, fn, ...)
        for i, result in ipairs(results) do
            if result.node or result.grad_wanted then
                results[i] = tensor.alias(result)
            end
        end
        if is_list then
            return results
        end
        return unpack(results)
    end,
    backward = function(ctx, ...)
        local leaves, grads = replay(ctx, {...}), {}
        for i, leaf in pairs(leaves) do
            if leaf.grad then
                grads[i + 2], leaf.grad.kept = leaf.grad, nil
            end
        end
        return unpack(grads, 1, ctx.saved_count + 2)
    end,
    sample = function(draw)
        return {tensor.tensor{0}, function(x, y) return x:matmul(y):tanh() end, draw{2, 3},
            draw{3, 2}}
    end,
}

local anchor

--- checkpoint(fn, ...) gives what fn(...) gives, a tensor or a list of them.
function M.checkpoint(fn, ...)
    if type(fn) ~= "function" then
        c.raise(("checkpoint: the first argument is a %s, must be a function"):format(type(fn)))
    end
    if not autograd.is_recording() then
        return fn(...)
    end
    anchor = anchor or tensor.tensor{0}:requires_grad(true)
    anchor.kept = true
    return run(anchor, fn, ...)
end

return M
