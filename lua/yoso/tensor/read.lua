-- Reading tensors: their elements as Lua values and as typed C pointers.
local c = require "yoso.c"
local handle = require "yoso.tensor.handle"

local lib, call, handle_of, methods = c.lib, handle.call, handle.handle, handle.methods
local M = {}

--- The bytes of a contiguous CPU tensor as a typed C pointer (0-based). Keep the tensor alive.
function M.data(tensor)
    return c.cast(handle.element[tensor:dtype()], lib.yoso_tensor_data(handle_of(tensor, "data")))
end

--- A contiguous CPU tensor with the same values to be read (f32 for f16 and bf16), a typed pointer
-- to them, and the dtype. Free it afterwards.
function M.readable(tensor, where)
    local source = handle_of(tensor, where, "the tensor")
    local dtype = handle.names[lib.yoso_tensor_dtype(source)]
    local host
    if lib.yoso_tensor_device(source) ~= lib.YOSO_CPU then
        host = call(lib.yoso_to_device, source, lib.YOSO_CPU)
        source = host.handle
    end
    local wide = (dtype == "f16" or dtype == "bf16") and "f32" or dtype
    local copy = wide == dtype and call(lib.yoso_contiguous, source)
        or call(lib.yoso_cast, source, handle.codes[wide])
    if host then
        host:free()
    end
    return copy, c.cast(handle.element[wide], lib.yoso_tensor_data(copy.handle)), dtype
end
local readable = M.readable

local function to_lua(value, dtype)
    if dtype == "bool" then
        return value ~= 0
    end
    return tonumber(value)
end

--- The value of a tensor of one element: a number (a boolean for bool).
function methods:item()
    if self:numel() ~= 1 then
        c.raise(("item: the tensor has %d elements, must have one"):format(self:numel()))
    end
    local copy, data, dtype = readable(self, "item")
    local value = to_lua(data[0], dtype)
    copy:free()
    return value
end

--- Nested lists of numbers (booleans for bool); a number for a tensor without dimensions.
function methods:totable()
    local copy, data, dtype = readable(self, "totable")
    local shape, position = self:shape(), 0
    local function build(depth)
        if depth > #shape then
            position = position + 1
            return to_lua(data[position - 1], dtype)
        end
        local list = {}
        for i = 1, shape[depth] do
            list[i] = build(depth + 1)
        end
        return list
    end
    local result = build(1)
    copy:free()
    return result
end

return M
