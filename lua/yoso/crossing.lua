-- Tensors on their way between a C host and its scripts; src/host/convert.c calls these.
-- Both get the address of a tensor pointer.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local M = {}

local slot_type = c.typeof("yoso_tensor **")

--- Takes over the handle that the slot holds; returns the tensor.
function M.adopt(_, address)
    local slot = c.cast(slot_type, address)
    require "yoso.ops" -- gives tensors their methods
    local handle = slot[0]
    slot[0] = nil
    return tensor.adopt(handle)
end

--- Puts a tensor's handle into the slot; it stays the tensor's.
function M.export(value, address)
    c.cast(slot_type, address)[0] = tensor.handle(value, "result")
end

return M
