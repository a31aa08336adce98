-- The stack of layers.
local Block = require "yoso.model.block"
local autograd = require "yoso.autograd"
local checkpoint = require "yoso.ops.checkpoint".checkpoint
local nn = require "yoso.nn"

local Encoder = nn.Module:extend("YosoEncoder")

function Encoder:init(config, runtime)
    self.layer, self.runtime = {}, runtime
    for i = 1, config.num_hidden_layers do
        self.layer[i] = Block(config, runtime, i - 1)
    end
end

-- One layer of which only the input is kept. It may be run again when the model has gone on: its
-- hashes are those of now.
local function checkpointed(self, block, hidden, pack)
    local runtime = self.runtime
    local step = runtime.step
    return checkpoint(function(x)
        local now = runtime.step
        runtime.step = step
        local out = block(x, pack)
        runtime.step = now
        return out
    end, hidden)
end

--- Runs all layers; each(layer number from 1, its input) is called before every layer if given.
function Encoder:forward(hidden, pack, each)
    for i, block in ipairs(self.layer) do
        if each then
            each(i, hidden)
        end
        local next_hidden = self.runtime.checkpointing and checkpointed(self, block, hidden, pack)
            or block(hidden, pack)
        if not autograd.is_recording() then
            hidden:free() -- views of it, such as each() may have taken, live on
        end
        hidden = next_hidden
    end
    return hidden
end

return Encoder
