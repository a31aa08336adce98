-- Linear: y = x W^T + b, with an activation if one is named. weight is [out, in].
local Module = require "yoso.nn.module"
local Parameter = require "yoso.nn.parameter"
local initial = require "yoso.nn.initial"
local linear = require "yoso.ops.linear".linear
local ranges = require "yoso.ranges"
local tensor = require "yoso.tensor"

local Linear = Module:extend("Linear")

local size = ranges.whole(0)
local known = {bias = true, activation = true, seed = true}

--- Linear(in_features, out_features, {bias = true, activation = nil, seed = nil})
function Linear:init(in_features, out_features, options)
    options = options or {}
    ranges.number("Linear", "in_features", in_features, size)
    ranges.number("Linear", "out_features", out_features, size)
    ranges.check("Linear", options, known)
    self.in_features, self.out_features = in_features, out_features
    self.activation = options.activation
    local bound = 1 / math.sqrt(math.max(in_features, 1))
    self.weight = Parameter(initial.uniform(tensor.empty{out_features, in_features}, bound,
        options.seed))
    if options.bias ~= false then
        self.bias = Parameter(initial.uniform(tensor.empty{out_features}, bound,
            options.seed and options.seed + 1))
    end
end

function Linear:forward(x)
    return linear(x, self.weight, self.bias, self.activation)
end

function Linear:describe()
    return ("%d, %d%s"):format(self.in_features, self.out_features,
        self.activation and ", " .. self.activation or "")
end

return Linear
