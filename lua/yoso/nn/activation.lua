-- Activation: an elementwise function by its name in checkpoints' configurations.
local c = require "yoso.c"
local Module = require "yoso.nn.module"

local Activation = Module:extend("Activation")

-- Names in config.json -> operations.
local known = {gelu = "gelu", relu = "relu", tanh = "tanh", sigmoid = "sigmoid"}

function Activation:init(name)
    if not known[name] then
        c.raise(("Activation: name is %s, must be gelu, relu, tanh or sigmoid")
            :format(tostring(name)))
    end
    self.name = name
end

function Activation:forward(x)
    return x[known[self.name]](x)
end

function Activation:describe()
    return self.name
end

return Activation
