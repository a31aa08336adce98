-- Small things about tokens that several kinds of training share.
local random = require "yoso.random"
local tensor = require "yoso.tensor"

local M = {}

--- A copy of the record with each ordinary token replaced by unk_id with this probability; what is
-- drawn depends on the seed alone.
function M.word_dropout(record, probability, unk_id, seed)
    local count = record.length or #record.ids
    local draws = random.rand({count}, {seed = seed})
    local draw, ids = tensor.data(draws), {}
    for i = 1, count do
        local ordinary = record.special_tokens_mask[i] == 0
        ids[i] = ordinary and draw[i - 1] < probability and unk_id or record.ids[i]
    end
    draws:free()
    return setmetatable({ids = ids}, {__index = record})
end

--- A tensor [records, length] of i64 from rows of numbers, filled up with `fill`.
function M.matrix(rows, length, fill)
    local matrix = tensor.full({#rows, length}, fill, "i64")
    local data = tensor.data(matrix)
    for i, row in ipairs(rows) do
        for j = 1, #row do
            data[(i - 1) * length + j - 1] = row[j]
        end
    end
    return matrix
end

return M
