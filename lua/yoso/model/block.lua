-- One encoder layer: attention, then the two feed-forward products, each with its residual.
local Attention = require "yoso.model.attention"
local activated = require "yoso.model.activated"
local fused = require "yoso.model.fused"
local nn = require "yoso.nn"
local ops = require "yoso.ops"
local standard = require "yoso.model.standard"
local trained = require "yoso.model.trained"

local Intermediate = nn.Module:extend("YosoIntermediate")

function Intermediate:init(config)
    self.dense = nn.Linear(config.hidden_size, config.intermediate_size)
    self.act = config.hidden_act
end

function Intermediate:forward(x)
    return activated(self.dense, x, self.act)
end

local Output = nn.Module:extend("YosoOutput")

function Output:init(config)
    self.dense = nn.Linear(config.intermediate_size, config.hidden_size)
    self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
    self.dropout = nn.Dropout(config.hidden_dropout_prob)
end

function Output:forward(x, residual)
    return self.LayerNorm(self.dropout(self.dense(x)), residual)
end

local classes = {Attention = Attention, Self = Attention.Self, SelfOutput = Attention.SelfOutput,
    Intermediate = Intermediate, Output = Output}

local Block = nn.Module:extend("YosoLayer")

function Block:init(config, runtime, layer)
    self.attention = Attention(config, runtime, layer)
    self.intermediate = Intermediate(config)
    self.output = Output(config)
    self.chunk = config.chunk_size_feed_forward
end

function Block:feed_forward(x)
    return self.output(self.intermediate(x), x)
end

--- [tokens, hidden] -> [tokens, hidden]. chunk_size_feed_forward bounds the tokens whose wide
-- intermediate values are alive at once; the result is the same.
function Block:forward(hidden, pack)
    if standard.is_standard(self, classes) then
        local weights = fused.weights(self, hidden)
        if weights then
            return ops.yoso_block(hidden, weights, self.attention.self:options(pack))
        end
        local out = trained.forward(self, hidden, pack)
        if out then
            return out
        end
    end
    hidden = self.attention(hidden, pack)
    local tokens = hidden:size(1)
    if self.chunk == 0 or tokens <= self.chunk then
        return self:feed_forward(hidden)
    end
    local parts = {}
    for first = 1, tokens, self.chunk do
        parts[#parts + 1] = self:feed_forward(
            hidden:narrow(1, first, math.min(self.chunk, tokens - first + 1)))
    end
    return ops.cat(parts, 1)
end

return Block
