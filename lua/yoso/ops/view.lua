-- Views: other shapes of the same elements, conversions and copies. All differentiable: the
-- gradient of a view is the same view, read backwards.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

-- {2, 3} from ({2, 3}) or (2, 3), for the functions that take a list.
local function list_of(where, what, first, ...)
    if type(first) == "table" and not tensor.is(first) then
        return first
    end
    if first == nil then
        c.raise(("%s: %s is missing"):format(where, what))
    end
    return {first, ...}
end

-- A view with the strides of `handle_of_x` in the order of `dims` (0-based, -1 for a new
-- dimension of size 1).
local function arrange(handle_of_x, dims)
    local n = #dims
    local shape, stride = c.array("int64_t[?]", n + 1), c.array("int64_t[?]", n + 1)
    for i = 1, n do
        if dims[i] < 0 then
            shape[i - 1], stride[i - 1] = 1, 1
        else
            shape[i - 1] = lib.yoso_tensor_size(handle_of_x, dims[i])
            stride[i - 1] = lib.yoso_tensor_stride(handle_of_x, dims[i])
        end
    end
    return call(lib.yoso_tensor_view, handle_of_x, n, shape, stride, 0)
end

--- reshape(x, shape) or reshape(x, 2, -1): the same elements in another shape; one size may be
-- -1 and is computed. A view where the strides allow it, else a copy.
local reshape = op.define{
    name = "reshape",
    forward = function(ctx, x, shape)
        ctx.shape = ctx.recording and x:shape()
        local sizes, n = tensor.check_shape(shape, "reshape", -1)
        return call(lib.yoso_reshape, x.handle, n, sizes)
    end,
    backward = function(ctx, grad)
        return (M.reshape(grad, ctx.shape))
    end,
    sample = function(random)
        return {random{2, 6}, {3, -1}}
    end,
}

function M.reshape(x, ...)
    handle(x, "reshape", "the tensor")
    return reshape(x, list_of("reshape", "the shape", ...))
end
M.view = M.reshape

--- flatten(x, first, last): dimensions first (1) to last (-1) as one.
function M.flatten(x, first, last)
    handle(x, "flatten", "the tensor")
    local shape, n = x:shape(), x:ndim()
    if n == 0 then
        return M.reshape(x, 1)
    end
    local from, to = tensor.dim(first or 1, n, "flatten") + 1, tensor.dim(last or -1, n, "flatten") + 1
    if from > to then
        c.raise(("flatten: dimension %d comes after %d"):format(from, to))
    end
    local product, result = 1, {}
    for i = 1, n do
        if i >= from and i <= to then
            product = product * shape[i]
        end
        if i < from or i > to then
            result[#result + 1] = shape[i]
        elseif i == to then
            result[#result + 1] = product
        end
    end
    return M.reshape(x, result)
end

--- transpose(x, dim, other): the two dimensions swapped.
M.transpose = op.define{
    name = "transpose",
    methods = {"transpose"},
    forward = function(ctx, x, dim, other)
        local ndim = lib.yoso_tensor_ndim(handle(x, "transpose", "the tensor"))
        ctx.dim, ctx.other = dim, other
        return call(lib.yoso_transpose, x.handle, tensor.dim(dim, ndim, "transpose"),
            tensor.dim(other, ndim, "transpose"))
    end,
    backward = function(ctx, grad)
        return M.transpose(grad, ctx.dim, ctx.other)
    end,
    sample = function(random)
        return {random{2, 3, 4}, 1, -1}
    end,
}

local permute = op.define{
    name = "permute",
    forward = function(ctx, x, order)
        local ndim, seen, dims, inverse = x:ndim(), {}, {}, {}
        if #order ~= ndim then
            c.raise(("permute: %d dimensions in the order, the tensor has %d")
                :format(#order, ndim))
        end
        for i = 1, ndim do
            dims[i] = tensor.dim(order[i], ndim, "permute")
            if seen[dims[i]] then
                c.raise(("permute: dimension %d comes twice"):format(dims[i] + 1))
            end
            seen[dims[i]] = true
            inverse[dims[i] + 1] = i
        end
        ctx.inverse = inverse
        return arrange(x.handle, dims)
    end,
    backward = function(ctx, grad)
        return (M.permute(grad, ctx.inverse))
    end,
    sample = function(random)
        return {random{2, 3, 4}, {3, 1, 2}}
    end,
}

--- permute(x, order) or permute(x, 2, 3, 1): dimension i of the result is order[i] of x.
function M.permute(x, ...)
    handle(x, "permute", "the tensor")
    return permute(x, list_of("permute", "the order", ...))
end

-- The gradient of a part: zeros of the whole's shape with grad written into that part.
local function into_zeros(like, part, grad)
    local whole = tensor.zeros(like.shape, like.dtype, like.device)
    local target = part(whole)
    c.check(lib.yoso_copy_into(target.handle, grad.handle))
    return whole
end

local function description(x)
    return {shape = x:shape(), dtype = x:dtype(), device = x:device()}
end

local function whole_number(value, where, name)
    if type(value) ~= "number" or value ~= math.floor(value) then
        c.raise(("%s: %s is %s, must be a whole number"):format(where, name, tostring(value)))
    end
    return value
end

--- narrow(x, dim, start, length): elements start .. start + length - 1 of one dimension.
M.narrow = op.define{
    name = "narrow",
    methods = {"narrow"},
    forward = function(ctx, x, dim, start, length)
        local ndim = lib.yoso_tensor_ndim(handle(x, "narrow", "the tensor"))
        local d = tensor.dim(dim, ndim, "narrow")
        local size = x:size(d + 1)
        whole_number(start, "narrow", "start")
        whole_number(length, "narrow", "length")
        local first = start < 0 and size + start + 1 or start
        if first < 1 or length < 0 or first + length - 1 > size then
            c.raise(("narrow: %d elements from %d of dimension %d of shape %s")
                :format(length, start, d + 1, tensor.shape_text(x)))
        end
        if ctx.recording then
            ctx.whole, ctx.dim, ctx.start, ctx.length = description(x), dim, start, length
        end
        return call(lib.yoso_narrow, x.handle, d, first - 1, length)
    end,
    backward = function(ctx, grad)
        return into_zeros(ctx.whole, function(whole)
            return M.narrow(whole, ctx.dim, ctx.start, ctx.length)
        end, grad)
    end,
    sample = function(random)
        return {random{2, 5}, 2, 2, 3}
    end,
}

--- select(x, dim, index): the part at that index, without the dimension. x[i] is select(x, 1, i).
M.select = op.define{
    name = "select",
    methods = {"select"},
    forward = function(ctx, x, dim, index)
        local ndim = lib.yoso_tensor_ndim(handle(x, "select", "the tensor"))
        local d = tensor.dim(dim, ndim, "select")
        local size = x:size(d + 1)
        whole_number(index, "select", "index")
        if index == 0 or index > size or index < -size then
            c.raise(("select: index %d of dimension %d, which has %d elements (1 to %d)")
                :format(index, d + 1, size, size))
        end
        if ctx.recording then
            ctx.whole, ctx.dim, ctx.index = description(x), dim, index
        end
        local part = call(lib.yoso_narrow, x.handle, d, index > 0 and index - 1 or size + index, 1)
        local dims = {}
        for i = 0, ndim - 1 do
            if i ~= d then
                dims[#dims + 1] = i
            end
        end
        return arrange(part.handle, dims)
    end,
    backward = function(ctx, grad)
        return into_zeros(ctx.whole, function(whole)
            return M.select(whole, ctx.dim, ctx.index)
        end, grad)
    end,
    sample = function(random)
        return {random{3, 4}, 2, -2}
    end,
}

--- squeeze(x, dim): without that dimension of size 1; without dim, without all such.
M.squeeze = op.define{
    name = "squeeze",
    methods = {"squeeze"},
    forward = function(ctx, x, dim)
        handle(x, "squeeze", "the tensor")
        local shape, ndim, dims = x:shape(), x:ndim(), {}
        local only = dim and tensor.dim(dim, ndim, "squeeze") + 1
        for i = 1, ndim do
            if shape[i] ~= 1 or (only and only ~= i) then
                dims[#dims + 1] = i - 1
            end
        end
        ctx.shape = shape
        return arrange(x.handle, dims)
    end,
    backward = function(ctx, grad)
        return (M.reshape(grad, ctx.shape))
    end,
    sample = function(random)
        return {random{2, 1, 3}, 2}
    end,
}

--- unsqueeze(x, dim): with a new dimension of size 1, which will be dimension dim.
M.unsqueeze = op.define{
    name = "unsqueeze",
    methods = {"unsqueeze"},
    forward = function(ctx, x, dim)
        handle(x, "unsqueeze", "the tensor")
        local ndim, dims = x:ndim(), {}
        local at = tensor.dim(dim, ndim + 1, "unsqueeze")
        for i = 0, ndim - 1 do
            dims[i + 1] = i
        end
        table.insert(dims, at + 1, -1)
        ctx.dim = at + 1
        return arrange(x.handle, dims)
    end,
    backward = function(ctx, grad)
        return M.squeeze(grad, ctx.dim)
    end,
    sample = function(random)
        return {random{2, 3}, -1}
    end,
}

local expand = op.define{
    name = "expand",
    forward = function(ctx, x, shape)
        local wanted, own = {}, x:shape()
        for i = 1, #shape do
            wanted[i] = shape[i]
            local mine = own[i - #shape + #own]
            if shape[i] == -1 and mine then
                wanted[i] = mine
            end
        end
        ctx.shape = own
        local sizes, n = tensor.check_shape(wanted, "expand")
        return call(lib.yoso_expand, x.handle, n, sizes)
    end,
    backward = function(ctx, grad)
        return require("yoso.ops.reduce").sum_to(grad, ctx.shape)
    end,
    sample = function(random)
        return {random{3, 1}, {2, 3, 4}}
    end,
}

--- expand(x, shape): sizes of 1 repeated, as broadcasting does, without copying; -1 keeps a size.
function M.expand(x, ...)
    handle(x, "expand", "the tensor")
    return expand(x, list_of("expand", "the shape", ...))
end

--- contiguous(x): x itself laid out in order; a copy only where it is not so already.
M.contiguous = op.define{
    name = "contiguous",
    methods = {"contiguous"},
    forward = function(_, x)
        return call(lib.yoso_contiguous, handle(x, "contiguous", "the tensor"))
    end,
    backward = function(_, grad)
        return grad
    end,
    sample = function(random)
        return {random{3, 2}:transpose(1, 2)}
    end,
}

--- clone(x): a contiguous copy.
M.clone = op.define{
    name = "clone",
    methods = {"clone"},
    forward = function(_, x)
        handle(x, "clone", "the tensor")
        return tensor.clone(x)
    end,
    backward = function(_, grad)
        return grad
    end,
    sample = function(random)
        return {random{3, 2}}
    end,
}

local convert = op.define{
    name = "to",
    forward = function(ctx, x, dtype, device)
        ctx.dtype, ctx.device = x:dtype(), x:device()
        if dtype == ctx.dtype and device == ctx.device then
            return x
        end
        if dtype ~= ctx.dtype then
            x = call(lib.yoso_cast, x.handle, tensor.codes[dtype])
        end
        if device ~= ctx.device then
            x = call(lib.yoso_to_device, x.handle, tensor.devices[device])
        end
        return x
    end,
    backward = function(ctx, grad)
        return M.to(grad, ctx.dtype, ctx.device)
    end,
    sample = function(random)
        return {random{3, 2}, "f32", "cpu"}
    end,
}

--- to(x, dtype), to(x, device), to(x, dtype, device): converted; x itself when it is so already.
function M.to(x, ...)
    handle(x, "to", "the tensor")
    local dtype, device = x:dtype(), x:device()
    for i = 1, select("#", ...) do
        local wish = select(i, ...)
        if tensor.codes[wish] then
            dtype = wish
        elseif tensor.devices[wish] then
            device = wish
        elseif wish ~= nil then
            c.raise(("to: %s is neither a dtype (f32 f16 bf16 i32 i64 u8 bool) nor a device "
                .. "(cpu cuda)"):format(type(wish) == "string" and '"' .. wish .. '"' or type(wish)))
        end
    end
    if dtype == x:dtype() and device == x:device() then
        return x
    end
    return convert(x, dtype, device)
end

--- detach(x): the same elements, through which no gradient flows.
function M.detach(x)
    handle(x, "detach", "the tensor")
    return tensor.alias(x)
end

for _, name in ipairs{"reshape", "view", "flatten", "permute", "expand", "to", "detach"} do
    tensor.methods[name] = M[name]
end

return M
