-- The tape: which operation made a tensor from which, and the walk back over it.
--
-- A tensor that an operation made and that needs a gradient has `node`: {op, ctx, inputs, count,
-- versions, order, private, hooks}. `order` grows with every record, so walking back by falling
-- order visits each node after all its users (see autograd/walk.lua).
local c = require "yoso.c"
local tensor = require "yoso.tensor"
local Walk = require "yoso.autograd.walk"

local lib = c.lib
local is_tensor = tensor.is
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
    local walk = Walk.new()
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
