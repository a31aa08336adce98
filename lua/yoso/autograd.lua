-- The tape: which operation made a tensor from which, and the walk back over it.
--
-- A tensor that an operation made and that needs a gradient has `node`: {op, ctx, inputs, count,
-- versions, order, private, hooks}. `order` grows with every record, so walking back by falling
-- order visits each node after all its users. Gradients on the way are freed as soon as their
-- last reader is done (see Walk below), so a backward pass holds few of them at a time.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, is_tensor = tensor.call, tensor.is
local M = {}

local recording = true
local order = 0

function M.is_recording()
    return recording
end

--- For op.lua, which switches recording off around each forward.
function M.set_recording(flag)
    recording = flag
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
    if type(fn) ~= "function" then
        c.raise(("no_grad: the argument is a %s, must be a function"):format(type(fn)))
    end
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
    return is_tensor(t) and (t.node ~= nil or t.grad_wanted == true)
end

local function is_float(t)
    local dtype = lib.yoso_tensor_dtype(t.handle)
    return dtype == lib.YOSO_F32 or dtype == lib.YOSO_F16 or dtype == lib.YOSO_BF16
end

--- Records that op made out (a tensor or a list of them) from inputs[1 .. count]. `private` are
-- tensors that nobody but this record knows.
function M.record(op, ctx, out, inputs, count, private)
    order = order + 1
    local versions = {}
    for i = 1, ctx.saved_count or 0 do
        local saved = ctx.saved[i]
        if is_tensor(saved) and saved.handle then
            versions[saved] = lib.yoso_tensor_version(saved.handle)
        end
    end
    local node = {op = op, ctx = ctx, inputs = inputs, count = count, order = order,
        versions = versions, private = private, outputs = 1}
    if is_tensor(out) then
        out.node, out.output_index = node, 1
    else
        node.outputs = #out
        for i = 1, #out do
            if is_float(out[i]) then -- positions and masks have no gradient
                out[i].node, out[i].output_index = node, i
            end
        end
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

-- Nodes reachable from root, the newest first.
local function reachable(root)
    local list, seen, stack = {}, {[root] = true}, {root}
    while #stack > 0 do
        local node = table.remove(stack)
        list[#list + 1] = node
        for i = 1, node.count do
            local input = node.inputs[i]
            local child = is_tensor(input) and input.node
            if child and not seen[child] then
                seen[child] = true
                stack[#stack + 1] = child
            end
        end
    end
    table.sort(list, function(a, b) return a.order > b.order end)
    return list
end

-- -- The walk -------------------------------------------------------------------------------------
-- pending[node][output index] and leaves[tensor] are slots: each holds one gradient, the sum of
-- what has arrived. holds[g] counts the slots that hold g, for gradients that the walk itself
-- made; at zero g is freed. What others may know (the caller's gradient, what a hook saw, saved
-- tensors) is not in `holds` and left alone.
local Walk = {}
Walk.__index = Walk

function Walk:let_go(grad)
    local holds = self.holds
    local count = holds[grad]
    if count and count <= 1 then
        holds[grad] = nil
        grad:free()
    elseif count then
        holds[grad] = count - 1
    end
end

function Walk:hold(grad)
    local count = self.holds[grad]
    if count then
        self.holds[grad] = count + 1
    end
end

-- true when nobody but one slot can see grad's elements.
function Walk:is_own(grad)
    return self.holds[grad] == 1 and lib.yoso_tensor_is_contiguous(grad.handle) ~= 0
        and lib.yoso_tensor_is_shared(grad.handle) == 0
end

local function add_in_place(target, grad)
    c.check(lib.yoso_binary_into(target.handle, lib.YOSO_ADD, target.handle, grad.handle))
end

function Walk:deposit(slots, key, grad)
    local sum = slots[key]
    if not sum then
        slots[key] = grad
        self:hold(grad)
    elseif self:is_own(sum) then
        add_in_place(sum, grad)
    else
        local total = call(lib.yoso_binary, lib.YOSO_ADD, sum.handle, grad.handle)
        self.holds[total] = 1
        slots[key] = total
        self:let_go(sum)
    end
end

function Walk:arrive(t, grad)
    if t.node then
        local slots = self.pending[t.node]
        if not slots then
            slots = {}
            self.pending[t.node] = slots
        end
        self:deposit(slots, t.output_index, grad)
    else
        self:deposit(self.leaves, t, grad)
    end
end

function Walk:run_hooks(hooks, grad)
    for _, hook in ipairs(hooks or {}) do
        local replacement = hook(grad)
        self.holds[grad] = nil -- the hook may keep it
        if replacement ~= nil then
            tensor.handle(replacement, "backward", "what a hook returned")
            grad = replacement
        end
    end
    return grad
end

local function check_gradient(node, i, input, grad)
    if not is_tensor(grad) then
        c.raise(("backward: %s gave a %s as gradient %d, must be a tensor")
            :format(node.op.name, type(grad), i))
    end
    if lib.yoso_tensor_same_shape(grad.handle, input.handle) == 0 then
        c.raise(("backward: %s gave gradient %d of shape %s for an input of shape %s")
            :format(node.op.name, i, tensor.shape_text(grad), tensor.shape_text(input)))
    end
    if lib.yoso_tensor_dtype(grad.handle) ~= lib.yoso_tensor_dtype(input.handle) then
        c.raise(("backward: %s gave gradient %d of dtype %s for an input of dtype %s")
            :format(node.op.name, i, grad:dtype(), input:dtype()))
    end
end

function Walk:visit(node, slots)
    if node.used then
        c.raise("backward: this tape was used already; give {retain = true} to keep it")
    end
    check_saved(node)
    for index, hooks in pairs(node.hooks or {}) do
        if slots[index] then
            slots[index] = self:run_hooks(hooks, slots[index])
        end
    end
    local made = tensor.open_scope()
    local grads = {node.op.backward(node.ctx, unpack(slots, 1, node.outputs))}
    tensor.close_scope(made)
    for i = 1, #made do
        self.holds[made[i]] = 0
    end
    for i = 1, node.count do
        local input, grad = node.inputs[i], grads[i]
        if grad and M.needs_grad(input) then
            check_gradient(node, i, input, grad)
            self:arrive(input, grad)
        end
    end
    for i = 1, #made do
        local t = made[i]
        if t.kept then
            self.holds[t] = nil
            tensor.pass_on(t)
        elseif self.holds[t] == 0 then
            self:let_go(t)
        end
    end
    for i = 1, node.outputs do
        if slots[i] then
            self:let_go(slots[i])
        end
    end
end

-- The record is of no further use: frees what only it knows, drops the rest.
local function release(node)
    node.used = true
    for _, t in ipairs(node.private or {}) do
        t:free()
    end
    node.ctx, node.versions, node.private = {}, {}, nil
    node.inputs, node.count = {}, 0
end

-- Adds a leaf's gradient to its .grad, which shares its memory with nothing.
function Walk:accumulate(t, grad)
    grad = self:run_hooks(t.hooks, grad)
    if t.grad then
        add_in_place(t.grad, grad)
        self:let_go(grad)
    elseif self:is_own(grad) then
        self.holds[grad] = nil
        t.grad = grad
    else
        t.grad = tensor.clone(grad)
        self:let_go(grad)
    end
    t.grad.kept = true
end

function Walk:run(root, grad, retain)
    self:arrive(root, grad)
    for _, node in ipairs(root.node and reachable(root.node) or {}) do
        local slots = self.pending[node]
        self.pending[node] = nil
        if slots then
            self:visit(node, slots)
            if not retain then
                release(node)
            end
        end
    end
    for t, total in pairs(self.leaves) do
        self:accumulate(t, total)
    end
end

local function check_root(root, grad)
    tensor.handle(root, "backward", "the tensor")
    if not M.needs_grad(root) then
        c.raise("backward: no tensor that requires a gradient led to this one")
    end
    if not grad and root:numel() ~= 1 then
        c.raise(("backward: the tensor has shape %s, not one element; give its gradient")
            :format(tensor.shape_text(root)))
    end
    if grad then
        local handle = tensor.handle(grad, "backward", "the gradient")
        if lib.yoso_tensor_same_shape(handle, root.handle) == 0 or grad:dtype() ~= root:dtype() then
            c.raise(("backward: the gradient is %s %s, the tensor is %s %s")
                :format(grad:dtype(), tensor.shape_text(grad), root:dtype(),
                    tensor.shape_text(root)))
        end
    end
end

--- Gradients of root (by default one element, gradient 1) into the .grad of every leaf that
-- wants one. The tape behind root is let go as it is used, unless retain is true.
function M.backward(root, grad, retain)
    check_root(root, grad)
    local walk = setmetatable({pending = {}, leaves = {}, holds = {}}, Walk)
    local previous, depth = recording, #tensor.scopes
    recording = false
    local made = tensor.open_scope()
    local ok, message = pcall(function()
        if not grad then
            grad = tensor.full(root:shape(), 1, root:dtype(), root:device())
            walk.holds[grad] = 0
        end
        walk:run(root, grad, retain)
    end)
    recording = previous
    tensor.close_scope(made, depth)
    for i = 1, #made do
        local t = made[i]
        if t.kept or walk.holds[t] == nil then
            tensor.pass_on(t)
        else
            t:free()
        end
    end
    if not ok then
        error(message, 0)
    end
end

-- -- Methods of tensors ------------------------------------------------------------------------------
local methods = tensor.methods

--- t:requires_grad(true): t becomes a leaf that wants .grad (false: none). Returns t.
-- t:requires_grad() asks.
function methods:requires_grad(flag)
    tensor.handle(self, "requires_grad", "the tensor")
    if flag == nil then
        return M.needs_grad(self)
    end
    if type(flag) ~= "boolean" then
        c.raise(("requires_grad: the flag is a %s, must be a boolean"):format(type(flag)))
    end
    if flag and not is_float(self) then
        c.raise(("requires_grad: dtype is %s, must be a float"):format(self:dtype()))
    end
    if not flag and self.node then
        c.raise("requires_grad: an operation made this tensor; use detach()")
    end
    self.grad_wanted = flag or nil
    return self
end

--- loss:backward(): gradients into the .grad of every leaf. A tensor of more than one element
-- wants its own gradient: t:backward(grad). {retain = true} last keeps the tape for another time.
function methods:backward(grad, options)
    if type(grad) == "table" and not is_tensor(grad) then
        grad, options = nil, grad
    end
    M.backward(self, grad, options and options.retain)
end

--- t:register_hook(fn): fn(gradient) runs when t's gradient is complete; what it returns, if
-- anything, takes the gradient's place. Returns a function that removes the hook.
function methods:register_hook(fn)
    if type(fn) ~= "function" then
        c.raise(("register_hook: the hook is a %s, must be a function"):format(type(fn)))
    end
    if not M.needs_grad(self) then
        c.raise("register_hook: no gradient flows into this tensor")
    end
    local hooks
    if self.node then
        self.node.hooks = self.node.hooks or {}
        hooks = self.node.hooks[self.output_index] or {}
        self.node.hooks[self.output_index] = hooks
    else
        self.hooks = self.hooks or {}
        hooks = self.hooks
    end
    hooks[#hooks + 1] = fn
    return function()
        for i = #hooks, 1, -1 do
            if hooks[i] == fn then
                table.remove(hooks, i)
            end
        end
    end
end

--- t:retain_grad(): t, though no leaf, gets .grad too. Returns t.
function methods:retain_grad()
    if self.node then
        self:register_hook(function(grad)
            self.grad = tensor.clone(grad)
            self.grad.kept = true
        end)
    end
    return self
end

return M
