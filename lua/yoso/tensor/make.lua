-- Making tensors: empty ones, constants, and from Lua's nested lists.
local c = require "yoso.c"
local handle = require "yoso.tensor.handle"

local lib, call = c.lib, handle.call
local M = {}

--- A shape as C wants it, an array and its length; `least` is the least size allowed (0, or -1
-- where that means "to be computed").
function M.check_shape(shape, where, least)
    if type(shape) ~= "table" or handle.is(shape) then
        c.raise(("%s: shape is a %s, must be a list of sizes")
            :format(where, handle.is(shape) and "tensor" or type(shape)))
    end
    for i = 1, #shape do
        local size = shape[i]
        if type(size) ~= "number" or size ~= math.floor(size) or size < (least or 0)
            or size > 2 ^ 53 then
            c.raise(("%s: size %d of the shape is %s, must be a whole number of 0 or more")
                :format(where, i, tostring(size)))
        end
    end
    return c.sizes(shape)
end
local check_shape = M.check_shape

--- A new tensor with undefined contents.
function M.empty(shape, dtype, device)
    local sizes, n = check_shape(shape, "empty")
    return call(lib.yoso_tensor_new, handle.dtype_code(dtype or "f32", "empty"),
        handle.device_code(device or "cpu", "empty"), n, sizes)
end

function M.zeros(shape, dtype, device)
    local sizes, n = check_shape(shape, "zeros")
    return call(lib.yoso_tensor_zeros, handle.dtype_code(dtype or "f32", "zeros"),
        handle.device_code(device or "cpu", "zeros"), n, sizes)
end

function M.full(shape, value, dtype, device)
    if type(value) == "boolean" then
        value = value and 1 or 0
    elseif type(value) ~= "number" then
        c.raise(("full: the value is a %s, must be a number"):format(type(value)))
    end
    local tensor = M.empty(shape, dtype, device)
    c.check(lib.yoso_fill(tensor.handle, value))
    return tensor
end

function M.ones(shape, dtype, device)
    return M.full(shape, 1, dtype, device)
end

-- Sizes of nested lists; every list of one level must be of one length.
local function nested_shape(value)
    local shape = {}
    while type(value) == "table" do
        shape[#shape + 1] = #value
        value = value[1]
        if #shape > lib.YOSO_MAX_DIMS then
            c.raise(("tensor: the lists are nested more than %d deep"):format(lib.YOSO_MAX_DIMS))
        end
    end
    return shape
end

local function flatten(value, shape, depth, out, n, path)
    if depth > #shape then
        if type(value) == "boolean" then
            value = value and 1 or 0
        end
        if type(value) ~= "number" then
            c.raise(("tensor: element %s is a %s, must be a number")
                :format(path == "" and "?" or path, type(value)))
        end
        out[n + 1] = value
        return n + 1
    end
    if type(value) ~= "table" or #value ~= shape[depth] then
        c.raise(("tensor: %s has %s elements, the first list beside it has %d")
            :format(path == "" and "the list" or "list " .. path,
                type(value) == "table" and #value or "no", shape[depth]))
    end
    for i = 1, shape[depth] do
        n = flatten(value[i], shape, depth + 1, out, n, ("%s[%d]"):format(path, i))
    end
    return n
end

--- A tensor from nested lists, a number or a boolean. dtype defaults to f32.
function M.tensor(value, dtype, device)
    if handle.is(value) then
        c.raise("tensor: the value is a tensor already; use to() to convert it")
    end
    dtype = dtype or "f32"
    local code = handle.dtype_code(dtype, "tensor")
    local shape, flat = nested_shape(value), {}
    local n = flatten(value, shape, 1, flat, 0, "")
    local wide = (dtype == "i64" or dtype == "i32") and "i64" or "f32"
    local tensor = M.empty(shape, wide)
    local data = c.cast(handle.element[wide], lib.yoso_tensor_data(tensor.handle))
    local whole = wide == "i64"
    for i = 1, n do
        local number = flat[i]
        if whole and not (number >= -2 ^ 63 and number < 2 ^ 63) then
            c.raise(("tensor: element %d is %s, which %s cannot hold")
                :format(i, tostring(number), dtype))
        end
        data[i - 1] = number
    end
    if wide ~= dtype then
        tensor = call(lib.yoso_cast, tensor.handle, code)
    end
    return device and tensor:to(device) or tensor
end

return M
