-- YosoForSequenceClassification: labels, or numbers, for whole texts, from their first token or, as
-- config.pooling asks, the mean of all.
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local activated = require "yoso.model.activated"
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local packing = require "yoso.model.packing"

local Head = nn.Module:extend("YosoClassificationHead")

function Head:init(config)
    self.dense = nn.Linear(config.hidden_size, config.hidden_size)
    self.dropout = nn.Dropout(config.hidden_dropout_prob)
    self.out_proj = nn.Linear(config.hidden_size, config.num_labels)
    self.act = config.hidden_act
end

function Head:forward(pooled)
    local x = activated(self.dense, self.dropout(pooled), self.act)
    return self.out_proj(self.dropout(x))
end

local Classification = Pretrained:extend("YosoForSequenceClassification")

function Classification:init(config)
    self:begin(config)
    self.yoso = YosoModel(config, self.runtime)
    self.classifier = Head(config)
    self:initialise()
end

--- {logits [B, num_labels], loss}. What labels mean, config.problem_type says, or else they
-- themselves: integers [B] are classes, floats [B, num_labels] several labels at once; with one
-- label they are numbers to come near to.
function Classification:forward(batch)
    self.check_batch(batch, "YosoForSequenceClassification")
    local hidden, pack, out = self.yoso:encode(batch, "YosoForSequenceClassification")
    out.logits = self.classifier(packing.pool(pack, hidden, self.config))
    if batch.labels ~= nil then
        out.loss = losses.texts(out.logits, batch.labels, self.config,
            "YosoForSequenceClassification")
    end
    return out
end

return Classification
