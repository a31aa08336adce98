-- YosoModel: embeddings and encoder, from a padded batch to hidden states.
local Embeddings = require "yoso.model.embeddings"
local Encoder = require "yoso.model.encoder"
local Pretrained = require "yoso.model.pretrained"
local attentions = require "yoso.model.attentions"
local autograd = require "yoso.autograd"
local packing = require "yoso.model.packing"

local M = {}

local YosoModel = Pretrained:extend("YosoModel")

--- YosoModel(config): new weights, normal with deviation initializer_range.
function YosoModel:init(config, runtime)
    self:begin(config, runtime)
    self.embeddings = Embeddings(config)
    self.encoder = Encoder(config, self.runtime)
    if not runtime then
        self:initialise()
    end
end

--- What the heads build on: the packed hidden states [tokens, hidden] of a batch, the packing, and
-- what else the batch asks for: {hidden_states =, attentions =}. `where` names the caller.
function YosoModel:encode(batch, where)
    if self.training then
        self.runtime.step = self.runtime.step + 1
    end
    local device = self.embeddings.word_embeddings.weight:device()
    local pack = packing.pack(batch, self.config, where, device)
    local extra = {}
    local states = batch.output_hidden_states and {}
    local weights = batch.output_attentions and {}
    if weights then
        attentions.check(self.runtime, where)
    end
    local each = (states or weights) and function(i, hidden)
        if states then
            states[i] = packing.unpack(pack, hidden)
        end
        if weights then
            weights[i] = attentions.dense(self.encoder.layer[i].attention.self, hidden, pack)
        end
    end
    local hidden
    if self.runtime.graphs and device == "cuda" and not each and not self.training
        and not autograd.is_recording() then
        hidden = self.runtime.graphs:run(self, pack, function(own)
            return self.encoder(self.embeddings(own), own)
        end)
    else
        hidden = self.encoder(self.embeddings(pack), pack, each or nil)
    end
    if states then
        states[#states + 1] = packing.unpack(pack, hidden)
    end
    extra.hidden_states, extra.attentions = states or nil, weights or nil
    return hidden, pack, extra
end

--- {last_hidden_state [B, N, hidden], hidden_states =, attentions =} of
-- {input_ids [B, N] or inputs_embeds [B, N, hidden], attention_mask, token_type_ids, position_ids,
-- output_hidden_states, output_attentions}. Hidden states are 0 where the mask is.
function YosoModel:forward(batch)
    self.check_batch(batch, "YosoModel")
    local hidden, pack, out = self:encode(batch, "YosoModel")
    out.last_hidden_state = out.hidden_states and out.hidden_states[#out.hidden_states]
        or packing.unpack(pack, hidden)
    return out
end

M.YosoModel = YosoModel
return M
