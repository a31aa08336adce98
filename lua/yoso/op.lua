-- The registry of operations: each is defined in one place with its forward, its gradient and a
-- sample of its use, which the gradient check and the device parity check walk.
--
-- define{
--   name = "mul",
--   forward = function(ctx, a, b) ctx:save(a, b) return <tensor> end,
--   backward = function(ctx, grad) return <gradient of a>, <gradient of b> end,   -- or nil
--   sample = function(random) return {inputs...} end,
--   methods = {"mul"},          -- names under which tensors get it
--   surrogate = true,           -- backward is not the derivative: gradcheck passes it over
--   dtypes = {"f32"},           -- where f16 and bf16 are refused
--   tolerance = 1e-2,           -- of gradcheck, where its default is too strict
-- }
-- `forward` runs without recording and may return a list of tensors. What it makes and neither
-- returns nor leaves in ctx is freed when it ends (scope.keep exempts what is cached elsewhere).
-- ctx:save keeps what the gradient reads and notices when it is changed or freed in between;
-- ctx.needs[i] says whether input i wants a gradient; ctx:give and ctx:sum spare backward copies.
-- backward gets one gradient an output (nil
-- where none arrived) and gives one an input, nil for none.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local M = {}

--- Every operation by name, and in the order of definition.
M.registry = {}
M.list = {}

local Context = {}
Context.__index = Context

function Context:save(...)
    self.saved = {...}
    self.saved_count = select("#", ...)
end

--- For backward: a tensor that ctx holds as a gradient of its own. Where the tape is not kept it
-- changes hands, without a copy.
function Context:give(held)
    if self.retained then
        return held
    end
    local given = tensor.adopt(tensor.handle(held, "backward", "a gradient"))
    held.handle = nil
    return given
end

--- For backward: what has been summed up so far as the gradient of input i, if backward may add to
-- it in place; it then returns this very tensor. nil where there is none.
function Context:sum(i)
    return self.sum_of and self.sum_of(i)
end

local needs_grad, is_tensor = autograd.needs_grad, tensor.is

-- Marks the tensors in value and in the lists it holds.
local function mark(value, kept, depth)
    if is_tensor(value) then
        kept[value] = true
    elseif type(value) == "table" and depth > 0 then
        for _, inner in pairs(value) do
            mark(inner, kept, depth - 1)
        end
    end
end

-- Frees what forward made, but for its results and what ctx holds for the gradient. The latter
-- is returned as a list, to be freed after the gradient.
local function tidy(made, ctx, out, wanted)
    local results, held, private = {}, {}, {}
    mark(out, results, 1)
    if wanted then
        mark(ctx, held, 3)
    end
    for i = 1, #made do
        local t = made[i]
        if results[t] or t.kept then
            tensor.pass_on(t)
        elseif held[t] then
            tensor.pass_on(t)
            private[#private + 1] = t
        else
            t:free()
        end
    end
    return private
end

local function finish(op, ctx, wanted, made, previous, inputs, count, ok, out)
    autograd.set_recording(previous)
    tensor.close_scope(made)
    if not ok then
        for i = 1, #made do
            if not made[i].kept then
                made[i]:free()
            end
        end
        error(out, 0)
    end
    local private
    if made[1] == out and not made[2] and out ~= nil then
        tensor.pass_on(out)
    else
        private = tidy(made, ctx, out, wanted)
    end
    if wanted then
        for i = 1, count do
            if rawequal(inputs[i], out) then -- an identity: the result must be another tensor
                out = tensor.alias(out)
                break
            end
        end
        autograd.record(op, ctx, out, inputs, count, private)
    end
    return out
end

local function apply(op, ...)
    local count = select("#", ...)
    local inputs = {...}
    local wanted, needs = false, {}
    local previous = autograd.is_recording()
    if previous and op.backward then
        for i = 1, count do
            if needs_grad(inputs[i]) then
                wanted = true
                needs[i] = true
            end
        end
    end
    local ctx = setmetatable({needs = needs, recording = wanted}, Context)
    autograd.set_recording(false)
    local made = tensor.open_scope()
    return finish(op, ctx, wanted, made, previous, inputs, count, pcall(op.forward, ctx, ...))
end

--- Registers an operation and returns the function that runs it.
function M.define(op)
    if type(op) ~= "table" or type(op.name) ~= "string" or type(op.forward) ~= "function" then
        c.raise("op.define: wants {name = string, forward = function, backward, sample, methods}")
    end
    if M.registry[op.name] then
        c.raise(("op.define: there is an operation %s already"):format(op.name))
    end
    M.registry[op.name] = op
    M.list[#M.list + 1] = op
    local function run(...)
        return apply(op, ...)
    end
    op.run = run
    for _, name in ipairs(op.methods or {}) do
        tensor.methods[name] = run
    end
    return run
end

return M
