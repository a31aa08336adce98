-- A linear layer with an activation behind it: one call where the product can apply it.
local linear = require "yoso.ops.linear".linear
local activation = require "yoso.ops.unary".activation

-- Names of configurations -> names that linear takes.
local fused = {gelu = "gelu", gelu_python = "gelu", relu = "relu", tanh = "tanh"}

--- name(layer(x)), name as in config.hidden_act.
return function(layer, x, name)
    if fused[name] then
        return linear(x, layer.weight, layer.bias, fused[name])
    end
    return activation(layer(x), name)
end
