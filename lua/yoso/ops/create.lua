-- Regular tensors: sequences, the identity, triangles.
local c = require "yoso.c"
local compare = require "yoso.ops.compare"
local tensor = require "yoso.tensor"

local lib = c.lib

local M = {}

local function sequence(where, count, start, step, options)
    options = options or {}
    return tensor.call(lib.yoso_sequence, tensor.dtype_code(options.dtype or "f32", where),
        tensor.device_code(options.device or "cpu", where), count, start, step)
end

local function check_number(value, where, name)
    if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge then
        c.raise(("%s: %s is %s, must be a finite number"):format(where, name, tostring(value)))
    end
end

--- arange(first, last, step, {dtype = "f32", device}): first, first + step, ... up to and with
-- last, as Lua's for does. arange(n) is 1 .. n.
function M.arange(first, last, step, options)
    if type(last) == "table" then
        last, options = nil, last
    elseif type(step) == "table" then
        step, options = nil, step
    end
    if last == nil then
        first, last = 1, first
    end
    step = step or 1
    check_number(first, "arange", "the first")
    check_number(last, "arange", "the last")
    check_number(step, "arange", "the step")
    if step == 0 then
        c.raise("arange: the step is 0")
    end
    return sequence("arange", math.max(0, math.floor((last - first) / step + 1e-9) + 1), first, step,
        options)
end

--- linspace(first, last, count, {dtype, device}): count numbers at equal distances, both ends in.
function M.linspace(first, last, count, options)
    check_number(first, "linspace", "the first")
    check_number(last, "linspace", "the last")
    if type(count) ~= "number" or count < 1 or count ~= math.floor(count) then
        c.raise(("linspace: the count is %s, must be a whole number >= 1"):format(tostring(count)))
    end
    return sequence("linspace", count, first, count > 1 and (last - first) / (count - 1) or 0,
        options)
end

-- column - row at each place of a matrix [rows, columns].
local function diagonals(rows, columns, device)
    local options = {dtype = "i64", device = device}
    return M.arange(1, columns, 1, options) - M.arange(1, rows, 1, options):unsqueeze(2)
end

--- eye(n, m, {dtype, device}): the identity, n x m (n x n).
function M.eye(n, m, options)
    if type(m) == "table" then
        m, options = nil, m
    end
    m = m or n
    for _, size in ipairs{n, m} do
        if type(size) ~= "number" or size < 0 or size ~= math.floor(size) then
            c.raise(("eye: size %s, must be a whole number >= 0"):format(tostring(size)))
        end
    end
    return diagonals(n, m, options and options.device):eq(0)
        :to(options and options.dtype or "f32")
end

local function define_triangle(name, keeps)
    M[name] = function(x, diagonal)
        if tensor.handle(x, name, "the tensor") and x:ndim() < 2 then
            c.raise(("%s: shape is %s, must have two dimensions or more")
                :format(name, tensor.shape_text(x)))
        end
        local mask = keeps(diagonals(x:size(-2), x:size(-1), x:device()), diagonal or 0)
        return compare.where(mask, x, 0)
    end
    tensor.methods[name] = M[name]
end

--- tril(x, diagonal), triu(x, diagonal): the lower (upper) triangle, zeros elsewhere.
define_triangle("tril", function(distance, diagonal) return distance:le(diagonal) end)
define_triangle("triu", function(distance, diagonal) return distance:ge(diagonal) end)

return M
