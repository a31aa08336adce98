-- LayerNorm over the last dimension, with an optional residual that is added before.
local Module = require "yoso.nn.module"
local Parameter = require "yoso.nn.parameter"
local layer_norm = require "yoso.ops.norm".layer_norm
local ranges = require "yoso.ranges"
local tensor = require "yoso.tensor"

local LayerNorm = Module:extend("LayerNorm")

local size = ranges.whole(1)

--- LayerNorm(width, eps): eps defaults to 1e-5.
function LayerNorm:init(width, eps)
    self.eps = eps or 1e-5
    ranges.number("LayerNorm", "width", width, size)
    ranges.number("LayerNorm", "eps", self.eps, ranges.not_negative)
    self.weight = Parameter(tensor.ones{width})
    self.bias = Parameter(tensor.zeros{width})
end

--- The normalised x, or x + residual.
function LayerNorm:forward(x, residual)
    return layer_norm(x, self.weight, self.bias, self.eps, residual)
end

function LayerNorm:describe()
    return ("%d, eps %g"):format(self.weight:size(1), self.eps)
end

return LayerNorm
