-- YosoForMultipleChoice: which of several texts fits, from the first token of each.
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local activated = require "yoso.model.activated"
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local packing = require "yoso.model.packing"
local rows = require "yoso.heads.rows"

local MultipleChoice = Pretrained:extend("YosoForMultipleChoice")

function MultipleChoice:init(config)
    self:begin(config)
    self.yoso = YosoModel(config, self.runtime)
    self.pre_classifier = nn.Linear(config.hidden_size, config.hidden_size)
    self.classifier = nn.Linear(config.hidden_size, 1)
    self:initialise()
end

--- {logits [B, choices], loss}; all arguments have a dimension of choices, labels [B] count from 0.
function MultipleChoice:forward(batch)
    self.check_batch(batch, "YosoForMultipleChoice")
    local flat, choices = rows.flatten(batch, "YosoForMultipleChoice", "choices")
    local hidden, pack, out = self.yoso:encode(flat, "YosoForMultipleChoice")
    local first = packing.first_tokens(pack, hidden)
    local scores = self.classifier(activated(self.pre_classifier, first, "relu"))
    out.logits = scores:reshape{pack.rows / choices, choices}
    if batch.labels ~= nil then
        out.loss = losses.classes(out.logits, batch.labels, "YosoForMultipleChoice")
    end
    return out
end

return MultipleChoice
