-- The tape: which operation made a tensor from which, and the walk back over it.
--
-- A tensor that needs a gradient has `node`: {op, ctx, inputs, versions, order}. `order` grows
-- with every record, so walking back by falling order visits each node after all its users.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib
local M = {}

local recording = true
local order = 0

function M.is_recording()
    return recording
end

local function restore(previous, ok, ...)
    recording = previous
    if not ok then
        error((...), 0)
    end
    return ...
end

--- Calls fn(...) without recording; returns what it returns.
function M.no_grad(fn, ...)
    local previous = recording
    recording = false
    return restore(previous, pcall(fn, ...))
end

--- Calls fn(...) with recording on, inside a no_grad too.
function M.with_grad(fn, ...)
    local previous = recording
    recording = true
    return restore(previous, pcall(fn, ...))
end

--- true when a gradient flows into t.
function M.needs_grad(t)
    return tensor.is(t) and (t.node ~= nil or t.grad_wanted == true)
end

--- Records that op made out from inputs. `inputs` is a list with holes where no tensor stands.
function M.record(op, ctx, out, inputs, count)
    order = order + 1
    local versions = {}
    for _, saved in ipairs(ctx.saved or {}) do
        if tensor.is(saved) and saved.handle then
            versions[saved] = lib.yoso_tensor_version(saved.handle)
        end
    end
    local node = {op = op, ctx = ctx, inputs = inputs, count = count, order = order,
        versions = versions}
    if tensor.is(out) then
        out.node = node
        out.output_index = 1
    else
        for i = 1, #out do
            out[i].node = node
            out[i].output_index = i
        end
        node.outputs = #out
    end
end

local function check_saved(node)
    for saved, version in pairs(node.versions) do
        if not saved.handle then
            c.raise(("backward: %s needs a tensor that was freed"):format(node.op.name))
        end
        if lib.yoso_tensor_version(saved.handle) ~= version then
            c.raise(("backward: %s needs a tensor that was changed in place afterwards")
                :format(node.op.name))
        end
    end
end

local function run_hooks(t, grad)
    for _, hook in ipairs(t.hooks or {}) do
        local replacement = hook(grad)
        if replacement ~= nil then
            grad = replacement
        end
    end
    return grad
end

-- Adds grad to a leaf's .grad.
local function accumulate(t, grad, add)
    grad = run_hooks(t, grad)
    t.grad = t.grad and add(t.grad, grad) or grad
end

-- Nodes reachable from root, the newest first.
local function reachable(root)
    local list, seen, stack = {}, {[root] = true}, {root}
    while #stack > 0 do
        local node = table.remove(stack)
        list[#list + 1] = node
        for i = 1, node.count do
            local input = node.inputs[i]
            local child = tensor.is(input) and input.node
            if child and not seen[child] then
                seen[child] = true
                stack[#stack + 1] = child
            end
        end
    end
    table.sort(list, function(a, b) return a.order > b.order end)
    return list
end

-- Gradients by node: pending[node][output index], with the tensors of the outputs for hooks.
local function deposit(pending, t, grad, add)
    if t.node then
        local slots = pending[t.node]
        if not slots then
            slots = {}
            pending[t.node] = slots
        end
        grad = run_hooks(t, grad)
        local index = t.output_index
        slots[index] = slots[index] and add(slots[index], grad) or grad
    elseif t.grad_wanted then
        accumulate(t, grad, add)
    end
end

--- Gradients of root (by default one element, gradient 1) into every leaf that wants one.
-- The tape behind root is let go as it is used, unless retain is true.
function M.backward(root, grad, retain, add)
    if not M.needs_grad(root) then
        c.raise("backward: no tensor that requires a gradient led to this one")
    end
    if not grad then
        if root:numel() ~= 1 then
            c.raise(("backward: the tensor has %d elements; give its gradient")
                :format(root:numel()))
        end
        grad = tensor.full(root:shape(), 1, root:dtype(), root:device())
    end
    return M.no_grad(function()
        local pending = {}
        if not root.node then
            accumulate(root, grad, add)
            return
        end
        local nodes = reachable(root.node)
        deposit(pending, root, grad, add)
        for _, node in ipairs(nodes) do
            local slots = pending[node]
            pending[node] = nil
            if slots then
                if node.used then
                    c.raise("backward: this tape was used already; pass retain to keep it")
                end
                check_saved(node)
                local grads
                if node.outputs then
                    grads = {node.op.backward(node.ctx, unpack(slots, 1, node.outputs))}
                else
                    grads = {node.op.backward(node.ctx, slots[1])}
                end
                for i = 1, node.count do
                    local input = node.inputs[i]
                    if grads[i] and M.needs_grad(input) then
                        deposit(pending, input, grads[i], add)
                    end
                end
                if not retain then
                    node.used = true
                    node.ctx = {}
                    node.versions = {}
                    node.inputs, node.count = {}, 0
                end
            end
        end
    end)
end

return M
