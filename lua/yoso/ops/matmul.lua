-- matmul and its gradients: products of views, which read transposed operands where they lie.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle
local sum_to = require "yoso.ops.reduce".sum_to

local M = {}

-- A product of tensors, either one turned (its last two dimensions swapped).
local function product(a, b, turn_a, turn_b)
    local turned_a = turn_a and call(lib.yoso_transpose, a.handle, a:ndim() - 2, a:ndim() - 1)
    local turned_b = turn_b and call(lib.yoso_transpose, b.handle, b:ndim() - 2, b:ndim() - 1)
    return call(lib.yoso_matmul, (turned_a or a).handle, (turned_b or b).handle)
end

-- The tensor with at least two dimensions: a vector becomes a row or a column.
local function as_matrix(x, column)
    if x:ndim() >= 2 then
        return x
    end
    local n = x:numel()
    return x:reshape(column and {n, 1} or {1, n})
end

-- grad as a matrix product's result, when a or b was a vector.
local function as_product(grad, a, b)
    local shape = grad:shape()
    if b:ndim() == 1 then
        shape[#shape + 1] = 1
    end
    if a:ndim() == 1 then
        table.insert(shape, #shape, 1)
    end
    return grad:reshape(shape)
end

-- Sums over what broadcasting repeated, and gives back the shape of input.
local function like(gradient, matrix, input)
    local shape = matrix:shape()
    return sum_to(gradient, shape):reshape(input:shape())
end

--- matmul(a, b): [.., M, K] times [.., K, N]; leading dimensions broadcast, vectors as usual.
M.matmul = op.define{
    name = "matmul",
    methods = {"matmul"},
    forward = function(ctx, a, b)
        ctx:save(a, b)
        return call(lib.yoso_matmul, handle(a, "matmul", "a"), handle(b, "matmul", "b"))
    end,
    backward = function(ctx, grad)
        local a, b = ctx.saved[1], ctx.saved[2]
        local rows, columns = as_matrix(a), as_matrix(b, true)
        grad = as_product(grad, a, b)
        return ctx.needs[1] and like(product(grad, columns, false, true), rows, a),
            ctx.needs[2] and like(product(rows, grad, true, false), columns, b)
    end,
    sample = function(random)
        return {random{2, 3, 4}, random{4, 2}}
    end,
}

return M
