-- YosoForQuestionAnswering: where in the text the answer begins and ends.
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local ops = require "yoso.ops"
local packing = require "yoso.model.packing"

-- What masked tokens score: no answer is there, and the loss does not see them.
local NOWHERE = -1e4

local QuestionAnswering = Pretrained:extend("YosoForQuestionAnswering")

function QuestionAnswering:init(config)
    self:begin(config.num_labels == 2 and config or config:with{num_labels = 2})
    self.yoso = YosoModel(self.config, self.runtime)
    self.qa_outputs = nn.Linear(config.hidden_size, 2)
    self:initialise()
end

-- Cross entropy over the places; positions outside the text are ignored.
local function position_loss(logits, positions, name)
    local length = logits:size(2)
    local labels = losses.class_labels(positions, logits:size(1), logits,
        "YosoForQuestionAnswering", name)
    return ops.cross_entropy(logits, labels:clamp(0, length), {ignore_index = length})
end

--- {start_logits [B, N], end_logits [B, N], loss}; start_positions and end_positions [B] count from
-- 0, those not inside the text are ignored. Masked tokens score -10,000.
function QuestionAnswering:forward(batch)
    self.check_batch(batch, "YosoForQuestionAnswering")
    local hidden, pack, out = self.yoso:encode(batch, "YosoForQuestionAnswering")
    local logits = packing.unpack(pack, self.qa_outputs(hidden))
    local first, last = logits:select(3, 1), logits:select(3, 2)
    if pack.slots then
        local masked = packing.masked(pack, logits:device())
        first, last = first:masked_fill(masked, NOWHERE), last:masked_fill(masked, NOWHERE)
    end
    out.start_logits, out.end_logits = first:contiguous(), last:contiguous()
    if batch.start_positions ~= nil and batch.end_positions ~= nil then
        out.loss = (position_loss(out.start_logits, batch.start_positions, "start_positions")
            + position_loss(out.end_logits, batch.end_positions, "end_positions")) * 0.5
    end
    return out
end

return QuestionAnswering
