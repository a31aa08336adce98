-- Clipping of gradients by their common norm.
local c = require "yoso.c"
local ops = require "yoso.ops"
local ranges = require "yoso.ranges"
local scope = require "yoso.scope".scope
local tensor = require "yoso.tensor"

local lib = c.lib

-- The norms of all gradients, read at once: a device is waited for once.
local function norms_of(gradients)
    return scope(function()
        local norms = {}
        for i, grad in ipairs(gradients) do
            norms[i] = tensor.call(lib.yoso_reduce, lib.YOSO_NORM, grad.handle, 0, nil, 0, 0)
                :to("f32"):reshape{1}
        end
        return #norms > 0 and ops.cat(norms, 1):totable() or {}
    end)
end

local function finite(value)
    return value == value and value < math.huge
end

--- clip_grad_norm(parameters, max_norm): scales all gradients so that their norm, taken
-- together, is at most max_norm. Returns the norm before; if that is not finite nothing is
-- changed, and the position of the first parameter whose gradient is to blame comes second.
return function(parameters, max_norm)
    ranges.number("clip_grad_norm", "max_norm", max_norm, ranges.positive)
    local gradients, places = {}, {}
    for i, parameter in ipairs(parameters) do
        if parameter.grad then
            gradients[#gradients + 1], places[#places + 1] = parameter.grad, i
        end
    end
    local sum, culprit = 0, nil
    for i, norm in ipairs(norms_of(gradients)) do
        sum = sum + norm * norm
        if not finite(norm) then
            culprit = culprit or places[i]
        end
    end
    local total = math.sqrt(sum)
    if not finite(total) then
        return total, culprit
    end
    local factor = max_norm / (total + 1e-6)
    if factor < 1 then
        for _, parameter in ipairs(parameters) do
            if parameter.grad then
                parameter.grad:mul_(factor)
            end
        end
    end
    return total
end
