-- Parameters: tensors that modules find by name and optimisers change.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

--- Marks a tensor as a parameter; it wants gradients unless wanted is false. Scopes leave it be.
return function(value, wanted)
    if not tensor.is(value) then
        c.raise(("Parameter: value is a %s, must be a tensor"):format(type(value)))
    end
    if value.node then
        c.raise("Parameter: the tensor was computed from others; use detach() first")
    end
    value.is_parameter = true
    value.kept = true
    value.grad_wanted = wanted ~= false
    return value
end
