-- Elements by position: picked, placed, found, sorted. Positions count from 1, i64.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local function dim_of(x, dim, where)
    return tensor.dim(dim, lib.yoso_tensor_ndim(handle(x, where, "the tensor")), where)
end

-- Zeros of x's kind with grad added at the positions.
local function scattered(ctx, grad, index)
    local whole = tensor.zeros(ctx.shape, grad:dtype(), grad:device())
    c.check(lib.yoso_scatter_into(whole.handle, ctx.dim, index.handle, grad.handle, 1, 1))
    return whole
end

local function sample_positions(random)
    return random{2, 3}:abs():clamp(0, 2):floor():to("i64") + 1
end

--- gather(x, dim, index): along dim, the elements at index, which has as many dimensions as x.
M.gather = op.define{
    name = "gather",
    methods = {"gather"},
    forward = function(ctx, x, dim, index)
        handle(index, "gather", "the index")
        ctx.dim, ctx.shape = dim_of(x, dim, "gather"), x:shape()
        ctx:save(index)
        return call(lib.yoso_gather, x.handle, ctx.dim, index.handle, 1)
    end,
    backward = function(ctx, grad)
        return scattered(ctx, grad, ctx.saved[1])
    end,
    sample = function(random)
        return {random{2, 4}, 2, sample_positions(random)}
    end,
}

-- A list of positions (1-D) as a view of the shape that x's selection has.
local function spread_index(x, dim, index, where)
    if handle(index, where, "the index") and index:ndim() ~= 1 then
        c.raise(("%s: the index has shape %s, must have one dimension")
            :format(where, tensor.shape_text(index)))
    end
    local shape, first = x:shape(), {}
    for i = 1, #shape do
        first[i] = i == dim + 1 and -1 or 1
    end
    shape[dim + 1] = index:numel()
    return index:reshape(first):expand(shape)
end

--- index_select(x, dim, index): the parts of dim at the positions in index, a 1-D tensor.
M.index_select = op.define{
    name = "index_select",
    methods = {"index_select"},
    forward = function(ctx, x, dim, index)
        ctx.dim, ctx.shape = dim_of(x, dim, "index_select"), x:shape()
        local spread = spread_index(x, ctx.dim, index, "index_select")
        ctx:save(spread)
        return call(lib.yoso_gather, x.handle, ctx.dim, spread.handle, 1)
    end,
    backward = function(ctx, grad)
        return scattered(ctx, grad, ctx.saved[1])
    end,
    sample = function(random)
        return {random{3, 4}, 1, tensor.tensor({3, 1, 1, 2}, "i64")}
    end,
}

local function define_scatter(name, add)
    M[name] = op.define{
        name = name,
        methods = {name},
        forward = function(ctx, x, dim, index, source)
            handle(index, name, "the index")
            handle(source, name, "the source")
            ctx.dim = dim_of(x, dim, name)
            ctx:save(index)
            local out = tensor.clone(x)
            c.check(lib.yoso_scatter_into(out.handle, ctx.dim, index.handle, source.handle, add, 1))
            return out
        end,
        backward = function(ctx, grad)
            local index = ctx.saved[1]
            local grad_x = grad
            if add == 0 then
                local zeros = tensor.zeros(index:shape(), grad:dtype(), grad:device())
                grad_x = tensor.clone(grad)
                c.check(lib.yoso_scatter_into(grad_x.handle, ctx.dim, index.handle, zeros.handle,
                    0, 1))
            end
            return grad_x, nil, nil,
                call(lib.yoso_gather, grad.handle, ctx.dim, index.handle, 1)
        end,
        sample = function(random)
            return {random{3, 4}, 2, tensor.tensor({{1, 3}, {2, 4}, {4, 1}}, "i64"), random{3, 2}}
        end,
    }
end

--- scatter(x, dim, index, source): x with source's elements at the positions along dim; where
-- positions repeat, the last one counts. scatter_add adds them to x's instead.
define_scatter("scatter", 0)
define_scatter("scatter_add", 1)

--- nonzero(x): i64 [count, dimensions], the positions of the elements that are not zero.
M.nonzero = op.define{
    name = "nonzero",
    methods = {"nonzero"},
    forward = function(_, x)
        return call(lib.yoso_nonzero, handle(x, "nonzero", "the tensor"), 1)
    end,
    sample = function(random)
        return {random{3, 4}:gt(0)}
    end,
}

--- masked_select(x, mask): the elements where the mask, broadcast to x's shape, is not zero.
function M.masked_select(x, mask)
    handle(x, "masked_select", "the tensor")
    handle(mask, "masked_select", "the mask")
    local chosen = M.nonzero(mask:expand(x:shape()):reshape(-1)):reshape(-1)
    return M.index_select(x:reshape(-1), 1, chosen)
end

local function first_k(x, k, dim, descending)
    local values, places = c.new("yoso_tensor *[1]"), c.new("yoso_tensor *[1]")
    c.check(lib.yoso_topk(values, places, x.handle, k, dim, descending and 1 or 0, 1))
    return {tensor.adopt(values[0]), tensor.adopt(places[0])}
end

local function define_sorted(name, run, sample)
    local one = op.define{
        name = name,
        forward = function(ctx, x, ...)
            local out = run(ctx, x, ...)
            ctx.shape = ctx.recording and x:shape()
            ctx:save(out[2])
            return out
        end,
        backward = function(ctx, grad)
            return scattered(ctx, grad, ctx.saved[1])
        end,
        sample = sample,
    }
    M[name] = function(...)
        local out = one(...)
        return out[1], out[2]
    end
    tensor.methods[name] = M[name]
end

--- sort(x, dim = -1, descending = false): the sorted values and their positions. Stable; NaN
-- counts as the largest.
define_sorted("sort", function(ctx, x, dim, descending)
    ctx.dim = dim_of(x, dim or -1, "sort")
    return first_k(x, x:size(ctx.dim + 1), ctx.dim, descending)
end, function(random)
    return {random{3, 5}, 2}
end)

--- topk(x, k, dim = -1, largest = true): the k largest (smallest) in order, and their positions.
define_sorted("topk", function(ctx, x, k, dim, largest)
    ctx.dim = dim_of(x, dim or -1, "topk")
    if type(k) ~= "number" or k ~= math.floor(k) or k < 0 or k > x:size(ctx.dim + 1) then
        c.raise(("topk: k is %s, must be a whole number from 0 to %d, dimension %d of shape %s")
            :format(tostring(k), x:size(ctx.dim + 1), ctx.dim + 1, tensor.shape_text(x)))
    end
    return first_k(x, k, ctx.dim, largest ~= false)
end, function(random)
    return {random{3, 5}, 2}
end)

--- argsort(x, dim = -1, descending = false): the positions that sort x.
function M.argsort(x, dim, descending)
    local _, places = M.sort(x, dim, descending)
    return places
end

--- cumsum(x, dim): sums of the elements up to each place; integers give i64.
M.cumsum = op.define{
    name = "cumsum",
    methods = {"cumsum"},
    forward = function(ctx, x, dim)
        ctx.dim = dim_of(x, dim, "cumsum")
        return call(lib.yoso_cumsum, x.handle, ctx.dim, 0)
    end,
    backward = function(ctx, grad)
        return call(lib.yoso_cumsum, grad.handle, ctx.dim, 1)
    end,
    sample = function(random)
        return {random{3, 4}, 1}
    end,
}

for _, name in ipairs{"masked_select", "argsort"} do
    tensor.methods[name] = M[name]
end

return M
