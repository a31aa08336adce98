-- Batches in which each example is several texts: [B, C, N] as rows [B * C, N] for the encoder.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local M = {}

local names = {"input_ids", "inputs_embeds", "attention_mask", "token_type_ids", "position_ids"}

--- The batch with [B, C, ..] as rows [B * C, ..], and C. `what` names the second dimension, whose
-- size must be `count` where that is given.
function M.flatten(batch, where, what, count)
    local flat, found = {}, nil
    for name, value in pairs(batch) do
        flat[name] = value
    end
    for _, name in ipairs(names) do
        local value = batch[name]
        if value ~= nil then
            local shape = tensor.handle(value, where, name) and value:shape()
            local ndim = name == "inputs_embeds" and 4 or 3
            if #shape ~= ndim or (count and shape[2] ~= count) then
                c.raise(("%s: %s has shape [%s], must be [batch, %s, length%s]"):format(where, name,
                    table.concat(shape, ", "), count or what, ndim == 4 and ", hidden" or ""))
            end
            found = found or shape[2]
            shape[2] = shape[1] * shape[2]
            table.remove(shape, 1)
            flat[name] = value:reshape(shape)
        end
    end
    return flat, found
end

return M
