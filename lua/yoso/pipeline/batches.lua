-- Runs encoded windows through a model in batches. Windows of like length go together, longest
-- first, so that a batch is even and the memory of the first serves all others; a batch is kept
-- unpadded inside the model, so any mix of lengths costs what its tokens cost.
local autograd = require "yoso.autograd"
local scope = require "yoso.scope"
local tensor = require "yoso.tensor"

local M = {}

-- Windows of one batch as tensors [B, N]; type ids only where the model has more than one type. A
-- window's ids are a list, or a C array from 1 of its `length`.
local function tensors(windows, first, last, config)
    local count, longest = last - first + 1, 0
    for i = first, last do
        longest = math.max(longest, windows[i].length or #windows[i].ids)
    end
    local ids = tensor.full({count, longest}, config.pad_token_id or 0, "i64")
    local mask = tensor.zeros({count, longest}, "i64")
    local with_types = (config.type_vocab_size or 1) > 1
    local types = with_types and tensor.zeros({count, longest}, "i64") or nil
    local id_data, mask_data = tensor.data(ids), tensor.data(mask)
    local type_data = types and tensor.data(types)
    for i = first, last do
        local window, row = windows[i], (i - first) * longest
        local window_ids, window_types = window.ids, window.type_ids
        for j = 1, window.length or #window_ids do
            id_data[row + j - 1] = window_ids[j]
            mask_data[row + j - 1] = 1
            if types then
                type_data[row + j - 1] = window_types[j]
            end
        end
    end
    return {input_ids = ids, attention_mask = mask, token_type_ids = types}
end
M.tensors = tensors

--- Calls take(output, row, window) for each window, row counting from 1 in that output. run(batch)
-- gives the output of one batch of tensors. options: batch_size (32), batch_tokens (16384).
function M.run(windows, config, options, run, take)
    local size, budget = options.batch_size or 32, options.batch_tokens or 16384
    local order = {}
    for i = 1, #windows do
        order[i] = windows[i]
        order[i].turn = i
    end
    table.sort(order, function(a, b)
        return #a.ids > #b.ids or (#a.ids == #b.ids and a.turn < b.turn)
    end)
    local first = 1
    while first <= #order do
        local fit = math.max(1, math.floor(budget / math.max(1, #order[first].ids)))
        local last = math.min(#order, first + math.min(size, fit) - 1)
        scope.scope(function()
            autograd.no_grad(function()
                local output = run(tensors(order, first, last, config))
                for i = first, last do
                    take(output, i - first + 1, order[i])
                end
            end)
        end)
        first = last + 1
    end
end

--- The values of one tensor as numbers that Lua reads: a pointer from 0 and what keeps it alive.
function M.values(output)
    local copy, data = tensor.readable(output, "pipeline")
    return data, copy
end

return M
