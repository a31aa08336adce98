-- YOSO's self-attention: queries, keys and values from one product, the estimate, the projection
-- back and the residual. Names of the parts equal the reference's.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local nn = require "yoso.nn"
local ops = require "yoso.ops"
local same = require "yoso.model.same"
local standard = require "yoso.model.standard"
local tensor = require "yoso.tensor"

local lib = c.lib

-- One filter a head, along the sequence; ops.attention applies it to the values.
local Convolution = nn.Module:extend("YosoConvolution")

function Convolution:init(heads, window)
    self.weight = nn.Parameter(tensor.empty{heads, 1, window, 1})
end

local SelfAttention = nn.Module:extend("YosoSelfAttention")

--- layer: the layer's number from 0, a part of what the hashes depend on. runtime: see model.lua.
function SelfAttention:init(config, runtime, layer)
    local width = config.hidden_size
    self.query = nn.Linear(width, width)
    self.key = nn.Linear(width, width)
    self.value = nn.Linear(width, width)
    if config.conv_window then
        self.conv = Convolution(config.num_attention_heads, config.conv_window)
    end
    self.config, self.runtime, self.layer = config, runtime, layer
end

-- Lets a parameter lie in `whole`, from that row on, which has its values already.
local function move_into(whole, parameter, row)
    local view = tensor.call(lib.yoso_narrow, whole.handle, 0, row, parameter:size(1))
    parameter:free()
    parameter.handle, view.handle = view.handle, nil
end

-- One tensor of the parts one below the other, and the parts moved into it: nothing is there twice.
local function join(parts)
    local whole = autograd.no_grad(function() return ops.cat(parts, 1) end)
    whole.kept = true
    local row = 0
    for _, part in ipairs(parts) do
        local rows = part:size(1)
        move_into(whole, part, row)
        row = row + rows
    end
    return whole
end

local function handles_of(parts)
    local list = {}
    for i, part in ipairs(parts) do
        list[i] = part.handle
    end
    return list
end

-- The weights and biases of the three products as one. Without a tape they are joined once, and
-- again only after one of them moved to another storage.
function SelfAttention:joined()
    local weights = {self.query.weight, self.key.weight, self.value.weight}
    local biases = {self.query.bias, self.key.bias, self.value.bias}
    if autograd.is_recording() and autograd.needs_grad(weights[1]) then
        return ops.cat(weights, 1), ops.cat(biases, 1)
    end
    local parts = {weights[1], weights[2], weights[3], biases[1], biases[2], biases[3]}
    local kept = self.kept_join
    if not (kept and same(kept.handles, handles_of(parts))) then
        kept = {weight = join(weights), bias = join(biases)}
        kept.handles = handles_of(parts)
        rawset(self, "kept_join", kept)
    end
    return kept.weight, kept.bias
end

--- Queries, keys and values [tokens, hidden] of the packed hidden states: views of one tensor, but
-- where a module of the user's own makes one of them.
function SelfAttention:project(hidden)
    if not standard.are_linear(self.query, self.key, self.value) then
        return self.query(hidden), self.key(hidden), self.value(hidden)
    end
    local width = self.config.hidden_size
    local weight, bias = self:joined()
    local joined = ops.linear(hidden, weight, bias)
    return joined:narrow(2, 1, width), joined:narrow(2, width + 1, width),
        joined:narrow(2, 2 * width + 1, width)
end

--- How ops.attention is to compute this layer's attention of a packed batch.
function SelfAttention:options(pack)
    local config, runtime = self.config, self.runtime
    return {
        heads = config.num_attention_heads, offset = pack.offset, keep = pack.keep,
        form = runtime.attention, hash_code_len = config.hash_code_len,
        num_hash = runtime.num_hash, seed = runtime:seed_of(self.training), layer = self.layer,
        fast_hash = config.use_fast_hash, lsh_backward = config.lsh_backward,
        conv_weight = self.conv and self.conv.weight,
    }
end

function SelfAttention:forward(hidden, pack)
    local query, key, value = self:project(hidden)
    return ops.attention(query, key, value, self:options(pack))
end

local SelfOutput = nn.Module:extend("YosoSelfOutput")

function SelfOutput:init(config)
    self.dense = nn.Linear(config.hidden_size, config.hidden_size)
    self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
    self.dropout = nn.Dropout(config.hidden_dropout_prob)
end

function SelfOutput:forward(x, residual)
    return self.LayerNorm(self.dropout(self.dense(x)), residual)
end

local Attention = nn.Module:extend("YosoAttention")

function Attention:init(config, runtime, layer)
    self.self = SelfAttention(config, runtime, layer)
    self.output = SelfOutput(config)
end

function Attention:forward(hidden, pack)
    return self.output(self.self(hidden, pack), hidden)
end

Attention.Self, Attention.SelfOutput = SelfAttention, SelfOutput
return Attention
