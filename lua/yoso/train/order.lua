-- The order in which records are learned from: shuffled anew each epoch, a function of the seed and
-- the epoch alone, so that a resumed run meets the same batches.
local random = require "yoso.random"

local M = {}

--- The batches of one epoch, each a list of records. options: seed, batch_size, batch_tokens (at
-- most so many tokens in a batch, padding aside); group(record), if given, keeps groups apart.
function M.batches(records, epoch, options, group)
    local permutation = random.randperm(#records, {seed = options.seed * 65536 + epoch})
    local turn = permutation:totable()
    permutation:free()
    local batches, open = {}, {}
    local limit = options.batch_tokens or math.huge
    for _, place in ipairs(turn) do
        local record = records[place]
        local key = group and group(record) or 1
        local batch = open[key]
        local length = record.length or #record.ids
        if batch and (#batch == options.batch_size or batch.tokens + length > limit) then
            batches[#batches + 1] = batch
            batch = nil
        end
        batch = batch or {tokens = 0}
        open[key] = batch
        batch[#batch + 1], batch.tokens = record, batch.tokens + length
    end
    local keys = {}
    for key in pairs(open) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    for _, key in ipairs(keys) do
        batches[#batches + 1] = open[key]
    end
    return batches
end

return M
