-- YosoForTokenClassification: a label for every token.
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local packing = require "yoso.model.packing"

local TokenClassification = Pretrained:extend("YosoForTokenClassification")

function TokenClassification:init(config)
    self:begin(config)
    self.yoso = YosoModel(config, self.runtime)
    self.dropout = nn.Dropout(config.hidden_dropout_prob)
    self.classifier = nn.Linear(config.hidden_size, config.num_labels)
    self:initialise()
end

--- {logits [B, N, num_labels], loss}; labels [B, N] with -100 where none is asked for. Masked
-- tokens have logits 0 and no part in the loss.
function TokenClassification:forward(batch)
    self.check_batch(batch, "YosoForTokenClassification")
    local hidden, pack, out = self.yoso:encode(batch, "YosoForTokenClassification")
    local logits = self.classifier(self.dropout(hidden))
    if batch.labels ~= nil then
        out.loss = losses.classes(logits,
            packing.pick_labels(pack, batch.labels, "YosoForTokenClassification"),
            "YosoForTokenClassification")
    end
    out.logits = packing.unpack(pack, logits)
    return out
end

return TokenClassification
