-- Evaluating masked language modelling: 15 % of the tokens hidden by a fixed seed, the loss and the
-- share guessed right at those places.
local batches = require "yoso.pipeline.batches"
local blocks = require "yoso.tasks.blocks"
local c = require "yoso.c"
local fill_mask = require "yoso.pipeline.fill_mask"
local masking = require "yoso.tasks.masking"
local metrics = require "yoso.metrics"
local tensor = require "yoso.tensor"

local M = {}

local function run(pipeline, records, metric)
    batches.run(records, pipeline.model.config, pipeline.options, function(batch)
        return pipeline.model.yoso(batch).last_hidden_state
    end, function(hidden, row, record)
        local logits = fill_mask.logits(pipeline.model, hidden[row], record.places)
        local scores = logits:to("f32"):log_softmax(-1)
        local width, best = scores:size(2), scores:argmax(-1)
        local data, guess = tensor.data(scores:contiguous()), best:totable()
        local loss, right = 0, 0
        for i, target in ipairs(record.targets) do
            loss = loss - data[(i - 1) * width + target]
            right = right + (guess[i] - 1 == target and 1 or 0)
        end
        metric:add(loss, #record.targets, right)
    end)
end

--- Runs all of a source of {text}; step(count) is called after each round. Gives the metric.
function M.run(pipeline, examples, options, step)
    local tokenizer = pipeline.tokenizer
    if not tokenizer.mask_id then
        c.raise("evaluate: the tokenizer has no mask token, fill-mask needs one")
    end
    local records = blocks.source(examples, tokenizer, pipeline.max_length)
    local metric, number, round = metrics.masked(), 0, {}
    local record, failure
    repeat
        record, failure = records()
        if record then
            number = number + 1
            masking.mask(record, number, {seed = options.seed or 1, mask_id = tokenizer.mask_id,
                vocab_size = pipeline.model.config.vocab_size})
            pipeline.tokens = pipeline.tokens + #record.ids
            if #record.places > 0 then
                record.ids = record.masked_ids
                round[#round + 1] = record
            end
        end
        if #round == 64 or (not record and #round > 0) then
            run(pipeline, round, metric)
            step(#round)
            round = {}
        end
    until not record
    if failure then
        return nil, failure
    end
    return metric
end

return M
