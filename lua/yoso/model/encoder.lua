-- The stack of layers.
local Block = require "yoso.model.block"
local nn = require "yoso.nn"

local Encoder = nn.Module:extend("YosoEncoder")

function Encoder:init(config, runtime)
    self.layer = {}
    for i = 1, config.num_hidden_layers do
        self.layer[i] = Block(config, runtime, i - 1)
    end
end

--- Runs all layers; each(layer number from 1, its input) is called before every layer if given.
function Encoder:forward(hidden, pack, each)
    for i, block in ipairs(self.layer) do
        if each then
            each(i, hidden)
        end
        hidden = block(hidden, pack)
    end
    return hidden
end

return Encoder
