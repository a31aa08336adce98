-- The registry of operations: each is defined in one place with its forward, its gradient and a
-- sample of its use, which the gradient check and the device parity check walk.
--
-- define{
--   name = "mul",
--   forward = function(ctx, a, b) ctx:save(a, b) return <tensor> end,
--   backward = function(ctx, grad) return <gradient of a>, <gradient of b> end,   -- or nil
--   sample = function(random) return {inputs...}, {options} end,
--   methods = {"mul"},          -- names under which tensors get it
-- }
-- `forward` runs without recording and may return a list of tensors. ctx:save keeps what the
-- gradient reads and notices when it is changed or freed in between; ctx.needs[i] says whether
-- input i wants a gradient. backward gives one gradient an input, nil for none.
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
end

local no_grad, needs_grad = autograd.no_grad, autograd.needs_grad

local function apply(op, ...)
    local count = select("#", ...)
    local inputs = {...}
    local wanted = false
    local ctx = setmetatable({needs = {}}, Context)
    if op.backward and autograd.is_recording() then
        for i = 1, count do
            if needs_grad(inputs[i]) then
                wanted = true
                ctx.needs[i] = true
            end
        end
    end
    ctx.recording = wanted
    local out = no_grad(op.forward, ctx, ...)
    if wanted then
        autograd.record(op, ctx, out, inputs, count)
    end
    return out
end

--- Registers an operation and returns the function that runs it.
function M.define(op)
    assert(op.name and op.forward, "define: an operation has a name and a forward")
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
