-- Dropout: in training, zeroes elements with probability p and scales the others by 1 / (1 - p).
local Module = require "yoso.nn.module"
local dropout = require "yoso.ops.dropout".dropout
local ranges = require "yoso.ranges"

local Dropout = Module:extend("Dropout")

function Dropout:init(p)
    self.p = p or 0.5
    ranges.number("Dropout", "p", self.p, ranges.probability)
end

--- seed: by default a fresh one of the global stream.
function Dropout:forward(x, seed)
    if not self.training or self.p == 0 then
        return x
    end
    return dropout(x, self.p, seed)
end

function Dropout:describe()
    return ("%g"):format(self.p)
end

return Dropout
