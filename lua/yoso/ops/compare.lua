-- Comparisons and logic, which give bool tensors, and the choice by such a tensor.
local c = require "yoso.c"
local elementwise = require "yoso.ops.elementwise"
local op = require "yoso.op"
local reduce = require "yoso.ops.reduce"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local function define(name, code)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(_, a, b)
            a, b = elementwise.operands(a, b, name)
            return call(lib.yoso_compare, code, a.handle, b.handle)
        end,
        sample = function(random)
            return {random{2, 3}, random{3}}
        end,
    }
end

--- eq(a, b), ne, lt, le, gt, ge, logical_and, logical_or, logical_xor: broadcast, bool.
for _, pair in ipairs{{"eq", lib.YOSO_EQ}, {"ne", lib.YOSO_NE}, {"lt", lib.YOSO_LT},
    {"le", lib.YOSO_LE}, {"gt", lib.YOSO_GT}, {"ge", lib.YOSO_GE}, {"logical_and", lib.YOSO_AND},
    {"logical_or", lib.YOSO_OR}, {"logical_xor", lib.YOSO_XOR}} do
    define(pair[1], pair[2])
end

function M.logical_not(x)
    handle(x, "logical_not", "the tensor")
    return M.eq(x, 0)
end

--- where(condition, a, b): a where the bool condition holds, else b; broadcast. One of a and b
-- may be a number.
M.where = op.define{
    name = "where",
    forward = function(ctx, condition, a, b)
        handle(condition, "where", "the condition")
        a, b = elementwise.operands(a, b, "where")
        ctx:save(condition)
        ctx.a, ctx.b = a, b
        return call(lib.yoso_where, condition.handle, a.handle, b.handle)
    end,
    backward = function(ctx, grad)
        local function part(wanted, input, first)
            if not wanted then
                return nil
            end
            local chosen = first and M.where(ctx.saved[1], grad, 0) or M.where(ctx.saved[1], 0, grad)
            return reduce.sum_to(chosen, input:shape()):to(input:dtype())
        end
        return nil, part(ctx.needs[2], ctx.a, true), part(ctx.needs[3], ctx.b, false)
    end,
    sample = function(random)
        return {random{2, 3}:gt(0), random{2, 3}, random{3}}
    end,
}

--- masked_fill(x, mask, value): value where the bool mask holds.
function M.masked_fill(x, mask, value)
    handle(x, "masked_fill", "the tensor")
    handle(mask, "masked_fill", "the mask")
    return M.where(mask, value, x)
end

--- equal(a, b): true when shape, dtype and every element are the same.
function M.equal(a, b)
    handle(a, "equal", "the first tensor")
    handle(b, "equal", "the second tensor")
    if lib.yoso_tensor_same_shape(a.handle, b.handle) == 0 or a:dtype() ~= b:dtype() then
        return false
    end
    local same = reduce.all(M.eq(a, b))
    return same:item()
end

--- allclose(a, b, rtol, atol): |a - b| <= atol + rtol |b| everywhere (1e-5, 1e-8).
function M.allclose(a, b, rtol, atol)
    handle(a, "allclose", "the first tensor")
    handle(b, "allclose", "the second tensor")
    local near = (a - b):abs():le(b:abs() * (rtol or 1e-5) + (atol or 1e-8))
    return reduce.all(near:logical_or(a:eq(b))):item()
end

for _, name in ipairs{"logical_not", "masked_fill", "equal", "allclose"} do
    tensor.methods[name] = M[name]
end

return M
