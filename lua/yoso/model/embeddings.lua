-- The sum of word, position and token type embeddings, normalised.
local autograd = require "yoso.autograd"
local nn = require "yoso.nn"
local scope = require "yoso.scope".scope

local Embeddings = nn.Module:extend("YosoEmbeddings")

function Embeddings:init(config)
    local width = config.hidden_size
    self.word_embeddings = nn.Embedding(config.vocab_size, width,
        {padding_idx = config.pad_token_id})
    -- Two rows more than positions: the first position is row 2, as in the reference.
    self.position_embeddings = nn.Embedding(config.max_position_embeddings + 2, width)
    self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
    self.LayerNorm = nn.LayerNorm(width, config.layer_norm_eps)
    self.dropout = nn.Dropout(config.hidden_dropout_prob)
end

local function sum(self, pack)
    local words = pack.embeds or self.word_embeddings(pack.ids)
    local types = pack.types and self.token_type_embeddings(pack.types)
        or self.token_type_embeddings.weight:narrow(1, 1, 1)
    local hidden = self.LayerNorm(words + types, self.position_embeddings(pack.positions))
    return self.dropout(hidden)
end

--- [tokens, hidden] of a packed batch (see packing.lua). Without a tape the parts are freed at once.
function Embeddings:forward(pack)
    if autograd.is_recording() then
        return sum(self, pack)
    end
    return scope(sum, self, pack)
end

return Embeddings
