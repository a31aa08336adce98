-- Checkpoints in 8 bits: the weight [out, in] of a product is whole numbers q from -127 to 127, of
-- safetensors' dtype I8, beside a scale for each of its rows, F32 [out], under the weight's name and
-- ".scale"; the weight is q * scale. All else is bf16.
--
-- Rows are rounded as the 8-bit products round them, after bf16: a weight in memory, on disk and
-- read again has the same numbers.
local autograd = require "yoso.autograd"
local ops = require "yoso.ops"
local scope = require "yoso.scope".scope

local M = {}

local SCALE = ".scale"
local MOST = 127

-- true for the weight of an encoder layer's product, which an 8-bit model multiplies in 8 bits.
local function is_product(name, value)
    return value:ndim() == 2 and (name:find("encoder%.layer%.%d+%..*dense%.weight$")
        or name:find("encoder%.layer%.%d+%.attention%.self%.%a+%.weight$")) ~= nil
end

-- The bytes of I8, as u8; and the scales.
local function quantize(weight)
    local w = weight:to("bf16"):to("f32")
    local largest = w:abs():max(2, true)
    local scale = largest / MOST
    local q = (w * (scale + largest:eq(0):to("f32")):reciprocal()):round()
    return ops.where(q:ge(0), q, q + 256):to("u8"), scale:reshape{weight:size(1)}
end

local floats = {f32 = true, f16 = true, bf16 = true}

--- Tensors by name in 8 bits, and the formats that safetensors.save wants with them.
function M.pack(tensors)
    local packed, formats = {}, {}
    for name, value in pairs(tensors) do
        if is_product(name, value) then
            packed[name], packed[name .. SCALE] = scope(autograd.no_grad, function()
                return quantize(value)
            end)
            formats[name] = "I8"
        else
            packed[name] = floats[value:dtype()] and value:to("bf16") or value
        end
    end
    return packed, formats
end

-- Names of the weights that have scales.
local function packed_names(tensors)
    local names = {}
    for name in pairs(tensors) do
        local weight = name:sub(1, -#SCALE - 1)
        if name:sub(-#SCALE) == SCALE and tensors[weight] then
            names[#names + 1] = weight
        end
    end
    table.sort(names)
    return names
end

--- true when the tensors are those of a checkpoint in 8 bits.
function M.is_packed(tensors)
    return #packed_names(tensors) > 0
end

local function restore(name, q, scale, dtype)
    local shape = q:shape()
    if q:dtype() ~= "i32" or #shape ~= 2 or scale:dtype() ~= "f32" or scale:ndim() ~= 1
        or scale:size(1) ~= shape[1] then
        return nil, ("%s is %s [%s] with scales %s [%s], must be I8 [out, in] with F32 [out]")
            :format(name, q:dtype(), table.concat(shape, ", "), scale:dtype(),
                table.concat(scale:shape(), ", "))
    end
    return scope(function()
        return (q:to("f32") * scale:reshape{shape[1], 1}):to(dtype)
    end)
end

--- Puts floats of that dtype in the place of packed weights; true, or nil and a message.
function M.unpack(tensors, dtype)
    for _, name in ipairs(packed_names(tensors)) do
        local weight, message = restore(name, tensors[name], tensors[name .. SCALE], dtype)
        if not weight then
            return nil, message
        end
        tensors[name]:free()
        tensors[name .. SCALE]:free()
        tensors[name], tensors[name .. SCALE] = weight, nil
    end
    return true
end

return M
