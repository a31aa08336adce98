-- Masking for masked language modelling: which places are hidden, and behind what. Of the chosen
-- share of ordinary tokens 80 % become the mask token, 10 % a random one, 10 % stay. The draw
-- depends on the seed and the sequence's number only.
local random = require "yoso.random"
local tensor = require "yoso.tensor"

local M = {}

--- Hides tokens of a record {ids, special_tokens_mask}: sets `masked_ids`, `places` (from 1) and
-- `targets` (the ids that were there). options: seed, probability (0.15), mask_id, vocab_size.
function M.mask(record, number, options)
    local ids, count = record.ids, #record.ids
    local draws = random.rand({3 * count}, {seed = random.derive(options.seed, number)})
    local draw = tensor.data(draws)
    local masked, places, targets = {}, {}, {}
    for i = 1, count do
        masked[i] = ids[i]
        if record.special_tokens_mask[i] == 0
            and draw[3 * (i - 1)] < (options.probability or 0.15) then
            places[#places + 1], targets[#targets + 1] = i, ids[i]
            local kind = draw[3 * i - 2]
            if kind < 0.8 then
                masked[i] = options.mask_id
            elseif kind < 0.9 then
                masked[i] = math.floor(draw[3 * i - 1] * options.vocab_size)
            end
        end
    end
    draws:free()
    record.masked_ids, record.places, record.targets = masked, places, targets
    return record
end

return M
