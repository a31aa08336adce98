-- The walk back over the tape: gradients go from each record to the records before it, the newest
-- first, and are freed as soon as their last reader is done.
--
-- pending[node][output index] and leaves[tensor] are slots: each holds one gradient, the sum of
-- what has arrived. holds[g] counts the slots that hold g, for gradients that the walk itself
-- made; at zero g is freed. What others may know (the caller's gradient, what a hook saw, saved
-- tensors) is not in `holds` and left alone.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, is_tensor = tensor.call, tensor.is

local Walk = {}
Walk.__index = Walk

function Walk.new()
    return setmetatable({pending = {}, leaves = {}, holds = {}}, Walk)
end

local function wants_gradient(t)
    return is_tensor(t) and (t.node ~= nil or t.grad_wanted == true)
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

-- The gradient of a leaf as far as it is summed, where nobody else can see it.
function Walk:sum_of(t)
    if not is_tensor(t) or t.node or t.hooks then
        return nil
    end
    local sum = self.leaves[t]
    if sum then
        return self:is_own(sum) and sum or nil
    end
    local grad = t.grad
    return grad and grad.handle and lib.yoso_tensor_is_contiguous(grad.handle) ~= 0
        and lib.yoso_tensor_is_shared(grad.handle) == 0 and grad or nil
end

function Walk:visit(node, slots, retain)
    if node.used then
        c.raise("backward: this tape was used already; give {retain = true} to keep it")
    end
    check_saved(node)
    for index, hooks in pairs(node.hooks or {}) do
        if slots[index] then
            slots[index] = self:run_hooks(hooks, slots[index])
        end
    end
    local lent = {}
    node.ctx.retained = retain
    node.ctx.sum_of = function(i)
        lent[i] = self:sum_of(node.inputs[i])
        return lent[i]
    end
    local made = tensor.open_scope()
    local grads = {node.op.backward(node.ctx, unpack(slots, 1, node.outputs))}
    tensor.close_scope(made)
    for i = 1, #made do
        self.holds[made[i]] = 0
    end
    for i = 1, node.count do
        local input, grad = node.inputs[i], grads[i]
        if grad and wants_gradient(input) then
            check_gradient(node, i, input, grad)
            if grad ~= lent[i] then -- else it was added to in place
                self:arrive(input, grad)
            end
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
            self:visit(node, slots, retain)
            if not retain then
                release(node)
            end
        end
    end
    for t, total in pairs(self.leaves) do
        self:accumulate(t, total)
    end
end

return Walk
