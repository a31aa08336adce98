-- Tensors joined, split, padded, reversed and rotated.
local c = require "yoso.c"
local create = require "yoso.ops.create"
local gather = require "yoso.ops.gather"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local handle = tensor.handle

local M = {}

local cat = op.define{
    name = "cat",
    forward = function(ctx, dim, ...)
        local count = select("#", ...)
        local parts, sizes = c.array("const yoso_tensor *[?]", count), {}
        for i = 1, count do
            local part = select(i, ...)
            parts[i - 1] = part.handle
            sizes[i] = part:size(dim + 1)
        end
        ctx.dim, ctx.sizes = dim, sizes
        return tensor.call(lib.yoso_cat, count, parts, dim)
    end,
    backward = function(ctx, grad)
        local grads, start = {}, 1
        for i, size in ipairs(ctx.sizes) do
            grads[i] = ctx.needs[i + 1] and grad:narrow(ctx.dim + 1, start, size) or nil
            start = start + size
        end
        return nil, unpack(grads, 1, #ctx.sizes)
    end,
    sample = function(random)
        return {1, random{2, 1}, random{2, 3}}
    end,
}

local function check_list(list, where)
    if type(list) ~= "table" or tensor.is(list) then
        c.raise(("%s: the first argument is a %s, must be a list of tensors")
            :format(where, tensor.is(list) and "tensor" or type(list)))
    end
    if #list == 0 then
        c.raise(("%s: the list of tensors is empty"):format(where))
    end
    for i = 1, #list do
        handle(list[i], where, "element " .. i .. " of the list")
    end
end

--- cat(list, dim = 1): the tensors one after another along dim.
function M.cat(list, dim)
    check_list(list, "cat")
    return cat(tensor.dim(dim or 1, list[1]:ndim(), "cat"), unpack(list))
end

--- stack(list, dim = 1): tensors of one shape side by side along a new dimension.
function M.stack(list, dim)
    check_list(list, "stack")
    local ndim = list[1]:ndim()
    local at = tensor.dim(dim or 1, ndim + 1, "stack") + 1
    local parts = {}
    for i, part in ipairs(list) do
        if lib.yoso_tensor_same_shape(part.handle, list[1].handle) == 0 then
            c.raise(("stack: tensor %d has shape %s, the first %s")
                :format(i, tensor.shape_text(part), tensor.shape_text(list[1])))
        end
        parts[i] = part:unsqueeze(at)
    end
    return M.cat(parts, at)
end

--- split(x, size, dim = 1): a list of parts of that size (the last may be smaller), or, given a
-- list of sizes, of those.
function M.split(x, size, dim)
    local at = tensor.dim(dim or 1, lib.yoso_tensor_ndim(handle(x, "split", "the tensor")), "split")
    local total, sizes, start, parts = x:size(at + 1), size, 0, {}
    if type(size) == "number" and size >= 1 and size == math.floor(size) then
        sizes = {}
        repeat
            sizes[#sizes + 1] = math.min(size, total - start)
            start = start + sizes[#sizes]
        until start >= total
    elseif type(size) ~= "table" or tensor.is(size) then
        c.raise(("split: the size is %s, must be a whole number >= 1 or a list"):format(tostring(size)))
    end
    start = 1
    for i = 1, #sizes do
        parts[i] = x:narrow(at + 1, start, sizes[i])
        start = start + sizes[i]
    end
    if start - 1 ~= total then
        c.raise(("split: sizes that sum to %d for dimension %d of shape %s")
            :format(start - 1, at + 1, tensor.shape_text(x)))
    end
    return parts
end

--- chunk(x, count, dim = 1): a list of at most count parts of equal size (the last smaller).
function M.chunk(x, count, dim)
    local at = tensor.dim(dim or 1, lib.yoso_tensor_ndim(handle(x, "chunk", "the tensor")), "chunk")
    if type(count) ~= "number" or count < 1 or count ~= math.floor(count) then
        c.raise(("chunk: the count is %s, must be a whole number >= 1"):format(tostring(count)))
    end
    return M.split(x, math.max(1, math.ceil(x:size(at + 1) / count)), at + 1)
end

--- unbind(x, dim = 1): a list of the parts x:select(dim, i).
function M.unbind(x, dim)
    handle(x, "unbind", "the tensor")
    local parts = {}
    for i = 1, x:size(dim or 1) do
        parts[i] = x:select(dim or 1, i)
    end
    return parts
end

local function part_within(whole, x_shape, before)
    for i = 1, #x_shape do
        whole = whole:narrow(i, before[i] + 1, x_shape[i])
    end
    return whole
end

local pad = op.define{
    name = "pad",
    forward = function(ctx, x, before, shape, value)
        ctx.before, ctx.shape = before, x:shape()
        local out = tensor.full(shape, value, x:dtype(), x:device())
        c.check(lib.yoso_copy_into(part_within(out, ctx.shape, before).handle, x.handle))
        return out
    end,
    backward = function(ctx, grad)
        return part_within(grad, ctx.shape, ctx.before)
    end,
    sample = function(random)
        return {random{2, 3}, {1, 2}, {4, 5}, 0.5}
    end,
}

--- pad(x, {left, right, above, below, ...}, value = 0): elements before and after the last
-- dimension, then the one before it, and so on.
function M.pad(x, amounts, value)
    handle(x, "pad", "the tensor")
    local shape, ndim = x:shape(), x:ndim()
    if type(amounts) ~= "table" or #amounts % 2 ~= 0 or #amounts > 2 * ndim then
        c.raise(("pad: the amounts must be a list of pairs, at most %d"):format(ndim))
    end
    local before = {}
    for i = 1, ndim do
        local place = 2 * (ndim - i)
        before[i] = amounts[place + 1] or 0
        local after = amounts[place + 2] or 0
        for _, amount in ipairs{before[i], after} do
            if type(amount) ~= "number" or amount < 0 or amount ~= math.floor(amount) then
                c.raise(("pad: amount %s, must be a whole number >= 0"):format(tostring(amount)))
            end
        end
        shape[i] = before[i] + shape[i] + after
    end
    return pad(x, before, shape, value or 0)
end

--- flip(x, dim): the order along dim (or each of a list) reversed.
function M.flip(x, dim)
    handle(x, "flip", "the tensor")
    for _, d in ipairs(type(dim) == "table" and dim or {dim or 1}) do
        local size = x:size(d)
        if size > 0 then
            x = gather.index_select(x, d,
                create.arange(size, 1, -1, {dtype = "i64", device = x:device()}))
        end
    end
    return x
end

--- roll(x, shift, dim = 1): moved by shift places along dim; what leaves at the end comes in at
-- the beginning.
function M.roll(x, shift, dim)
    handle(x, "roll", "the tensor")
    if type(shift) ~= "number" or shift ~= math.floor(shift) then
        c.raise(("roll: the shift is %s, must be a whole number"):format(tostring(shift)))
    end
    dim = dim or 1
    local size = x:size(dim)
    local tail = size > 0 and shift % size or 0
    if tail == 0 then
        return x
    end
    return M.cat({x:narrow(dim, size - tail + 1, tail), x:narrow(dim, 1, size - tail)}, dim)
end

--- tile(x, {2, 1, 3}): x repeated that often along each dimension.
function M.tile(x, counts)
    handle(x, "tile", "the tensor")
    if type(counts) ~= "table" or #counts ~= x:ndim() then
        c.raise(("tile: wants a list of %d counts, one a dimension"):format(x:ndim()))
    end
    for i, count in ipairs(counts) do
        if type(count) ~= "number" or count < 1 or count ~= math.floor(count) then
            c.raise(("tile: count %d is %s, must be a whole number >= 1"):format(i, tostring(count)))
        end
        local copies = {}
        for k = 1, count do
            copies[k] = x
        end
        x = count > 1 and M.cat(copies, i) or x
    end
    return x
end

for _, name in ipairs{"split", "chunk", "unbind", "pad", "flip", "roll", "tile"} do
    tensor.methods[name] = M[name]
end

return M
