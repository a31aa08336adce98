-- YosoForMaskedLM: the words that masked tokens stand for.
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local activated = require "yoso.model.activated"
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local ops = require "yoso.ops"
local packing = require "yoso.model.packing"
local tensor = require "yoso.tensor"

local Transform = nn.Module:extend("YosoPredictionHeadTransform")

function Transform:init(config)
    self.dense = nn.Linear(config.hidden_size, config.hidden_size)
    self.LayerNorm = nn.LayerNorm(config.hidden_size, config.layer_norm_eps)
    self.act = config.hidden_act
end

function Transform:forward(x)
    return self.LayerNorm(activated(self.dense, x, self.act))
end

local Predictions = nn.Module:extend("YosoLMPredictionHead")

-- With tied embeddings the decoder's weight is the word embeddings', its bias `bias`; untied, the
-- decoder has its own of both, and `bias` is carried along without use, as in the reference.
function Predictions:init(config, words)
    self.bias = nn.Parameter(tensor.zeros{config.vocab_size})
    self.transform = Transform(config)
    self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
    if config.tie_word_embeddings then
        self.decoder.weight:free()
        self.decoder.bias:free()
        self.decoder.weight, self.decoder.bias = words, self.bias
    end
end

function Predictions:forward(x)
    return self.decoder(self.transform(x))
end

local Cls = nn.Module:extend("YosoOnlyMLMHead")

function Cls:init(config, words)
    self.predictions = Predictions(config, words)
end

local MaskedLM = Pretrained:extend("YosoForMaskedLM")

function MaskedLM:init(config)
    self:begin(config)
    self.yoso = YosoModel(config, self.runtime)
    self.cls = Cls(config, self.yoso.embeddings.word_embeddings.weight)
    self:initialise()
end

-- The loss from the places that have a label alone. The logits are made and forgotten some rows at
-- a time.
local function labelled_loss(predictions, hidden, labels, split)
    local rows, wanted = packing.labelled(labels, losses.ignored)
    rows, wanted = rows:to(hidden:device()), wanted:to(hidden:device())
    local x = predictions.transform(ops.embedding(rows, hidden))
    return ops.linear_cross_entropy(x, predictions.decoder.weight, predictions.decoder.bias, wanted,
        {ignore_index = losses.ignored, split = split})
end

-- out.logits as a field that is computed when it is first read: training has no use for it.
local function logits_on_demand(out, compute)
    return setmetatable(out, {__index = function(_, name)
        if name == "logits" then
            out.logits = compute()
            return out.logits
        end
    end})
end

--- {logits [B, N, vocab], loss}; labels [B, N] with -100 where no word is asked for. Masked tokens
-- have logits 0 and no part in the loss. In training, logits beside labels are computed when they
-- are read, and not before.
function MaskedLM:forward(batch)
    self.check_batch(batch, "YosoForMaskedLM")
    local hidden, pack, out = self.yoso:encode(batch, "YosoForMaskedLM")
    local function logits()
        return packing.unpack(pack, self.cls.predictions(hidden))
    end
    if batch.labels ~= nil then
        losses.check_integers(batch.labels, "YosoForMaskedLM", "labels")
        out.loss = labelled_loss(self.cls.predictions, hidden,
            packing.pick_labels(pack, batch.labels, "YosoForMaskedLM"),
            self.training and self.runtime.split)
        if self.training then
            return logits_on_demand(out, logits)
        end
    end
    out.logits = logits()
    return out
end

return MaskedLM
