-- YosoForMultipleChoice: which of several texts fits, from the first token of each.
local Pretrained = require "yoso.model.pretrained"
local YosoModel = require "yoso.model".YosoModel
local activated = require "yoso.model.activated"
local c = require "yoso.c"
local losses = require "yoso.heads.losses"
local nn = require "yoso.nn"
local packing = require "yoso.model.packing"
local tensor = require "yoso.tensor"

local MultipleChoice = Pretrained:extend("YosoForMultipleChoice")

function MultipleChoice:init(config)
    self:begin(config)
    self.yoso = YosoModel(config, self.runtime)
    self.pre_classifier = nn.Linear(config.hidden_size, config.hidden_size)
    self.classifier = nn.Linear(config.hidden_size, 1)
    self:initialise()
end

-- The batch with choices [B, C, ..] as rows [B * C, ..], and C.
local function flatten(batch)
    local flat, choices = {}, nil
    for name, value in pairs(batch) do
        flat[name] = value
    end
    for _, name in ipairs{"input_ids", "inputs_embeds", "attention_mask", "token_type_ids",
        "position_ids"} do
        local value = batch[name]
        if value ~= nil then
            local shape = tensor.handle(value, "YosoForMultipleChoice", name) and value:shape()
            local ndim = name == "inputs_embeds" and 4 or 3
            if #shape ~= ndim then
                c.raise(("YosoForMultipleChoice: %s has shape [%s], must be [batch, choices, "
                    .. "length%s]"):format(name, table.concat(shape, ", "),
                    ndim == 4 and ", hidden" or ""))
            end
            choices = choices or shape[2]
            shape[2] = shape[1] * shape[2]
            table.remove(shape, 1)
            flat[name] = value:reshape(shape)
        end
    end
    return flat, choices
end

--- {logits [B, choices], loss}; all arguments have a dimension of choices, labels [B] count from 0.
function MultipleChoice:forward(batch)
    self.check_batch(batch, "YosoForMultipleChoice")
    local flat, choices = flatten(batch)
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
