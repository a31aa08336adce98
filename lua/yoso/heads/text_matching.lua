-- YosoForTextMatching: whether two long texts belong together. Each is read on its own by the same
-- encoder (two towers), and what stands for them is compared: [a, b, a * b, a - b].
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local activated = require "yoso.model.activated"
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local ops = require "yoso.ops"
local packing = require "yoso.model.packing"
local rows = require "yoso.heads.rows"

local Comparison = nn.Module:extend("YosoComparisonHead")

function Comparison:init(config)
    self.dense = nn.Linear(4 * config.hidden_size, config.hidden_size)
    self.dropout = nn.Dropout(config.hidden_dropout_prob)
    self.out_proj = nn.Linear(config.hidden_size, config.num_labels)
    self.act = config.hidden_act
end

function Comparison:forward(first, second)
    local both = ops.cat({first, second, first * second, first - second}, 2)
    return self.out_proj(self.dropout(activated(self.dense, self.dropout(both), self.act)))
end

local Matching = Pretrained:extend("YosoForTextMatching")

function Matching:init(config)
    self:begin(config)
    self.yoso = YosoModel(config, self.runtime)
    self.classifier = Comparison(config)
    self:initialise()
end

--- What stands for each text, [B, hidden], of a batch as YosoModel takes it.
function Matching:tower(batch)
    local hidden, pack, out = self.yoso:encode(batch, "YosoForTextMatching")
    return packing.pool(pack, hidden, self.config), out
end

--- {logits [B, num_labels], loss}; all arguments have a dimension of 2 for the texts: [B, 2, N].
function Matching:forward(batch)
    self.check_batch(batch, "YosoForTextMatching")
    local pooled, out = self:tower(rows.flatten(batch, "YosoForTextMatching", "texts", 2))
    local towers = pooled:reshape{pooled:size(1) / 2, 2, pooled:size(2)}
    out.logits = self.classifier(towers:select(2, 1), towers:select(2, 2))
    if batch.labels ~= nil then
        out.loss = losses.texts(out.logits, batch.labels, self.config, "YosoForTextMatching")
    end
    return out
end

return Matching
