-- Masked language modelling: running text in blocks; which tokens are hidden is drawn anew in each
-- epoch (from the seed, the epoch and the block's number alone).
local batches = require "yoso.pipeline.batches"
local blocks = require "yoso.tasks.blocks"
local masking = require "yoso.tasks.masking"
local words = require "yoso.train.words"

local ignored = require("yoso.train.features").ignored

return function(context)
    local features = {}

    --- Text runs on from example to example, so records come from the whole source.
    function features.source(examples)
        return blocks.source(examples, context.tokenizer, context.max_length)
    end

    function features.inputs(records, epoch)
        local masked, rows = {}, {}
        for i, record in ipairs(records) do
            local copy = {ids = record.ids, special_tokens_mask = record.special_tokens_mask}
            masking.mask(copy, record.number, {seed = context.seed * 1024 + epoch,
                probability = context.mlm_probability, mask_id = context.tokenizer.mask_id,
                vocab_size = context.config.vocab_size})
            masked[i] = {ids = copy.masked_ids}
            local row = {}
            for j = 1, #record.ids do
                row[j] = ignored
            end
            for j, place in ipairs(copy.places) do
                row[place] = copy.targets[j]
            end
            rows[i] = row
        end
        local inputs = batches.tensors(masked, 1, #masked, context.config)
        inputs.labels = words.matrix(rows, inputs.input_ids:size(2), ignored)
        return inputs
    end

    return features
end
