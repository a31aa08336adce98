-- The sum of word, position and token type embeddings, normalised.
local autograd = require "yoso.autograd"
local nn = require "yoso.nn"
local ops = require "yoso.ops"

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

local function by_parts(self, pack)
    local words = pack.embeds or self.word_embeddings(pack.ids)
    local types = pack.types and self.token_type_embeddings(pack.types)
        or self.token_type_embeddings.weight:narrow(1, 1, 1)
    local hidden = self.LayerNorm(words + types, self.position_embeddings(pack.positions))
    return self.dropout(hidden)
end

--- [tokens, hidden] of a packed batch (see packing.lua).
function Embeddings:forward(pack)
    if autograd.is_recording() or self.training or pack.embeds then
        return by_parts(self, pack)
    end
    return ops.embeddings({words = pack.ids, types = pack.types, positions = pack.positions},
        {words = self.word_embeddings.weight, types = self.token_type_embeddings.weight,
            positions = self.position_embeddings.weight},
        self.LayerNorm.weight, self.LayerNorm.bias, self.LayerNorm.eps)
end

return Embeddings
