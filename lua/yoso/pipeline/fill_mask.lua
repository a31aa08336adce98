-- Fill-mask: a text with the tokenizer's mask token in, the likeliest tokens out:
-- {token, id, score, text (the whole text filled)}, options.top_k (5) of them; a list of such lists
-- when the text has several masks. Special tokens stand for no word and are not offered.
local batches = require "yoso.pipeline.batches"
local c = require "yoso.c"
local labels = require "yoso.pipeline.labels"
local tensor = require "yoso.tensor"

local M = {class = "YosoForMaskedLM", wants = "a text with a mask"}

function M.encode(self, input)
    local mask = self.tokenizer.mask_id
    if not mask then
        c.raise("fill-mask: the tokenizer has no mask token")
    end
    local record = self.tokenizer:encode(input, {max_length = self.max_length})
    record.masks = {}
    for i, id in ipairs(record.ids) do
        if id == mask then
            record.masks[#record.masks + 1] = i
        end
    end
    if #record.masks == 0 then
        local shown = input:gsub("%s+", " ")
        c.raise(("fill-mask: no %s in %q (or beyond the first %d tokens)"):format(
            self.tokenizer:id_to_token(mask), #shown > 60 and shown:sub(1, 57) .. "..." or shown,
            #record.ids))
    end
    return {record}
end

-- Places (from 1) of the k largest of list that are no special tokens, the largest first.
local function best(list, k, tokenizer)
    local top = {}
    for i, value in ipairs(list) do
        if (#top < k or value > list[top[#top]]) and not tokenizer:is_special(i - 1) then
            local at = #top + 1
            while at > 1 and list[top[at - 1]] < value do
                at = at - 1
            end
            table.insert(top, at, i)
            top[k + 1] = nil
        end
    end
    return top
end

--- Logits [places, vocab_size] of one sequence's states [N, hidden] at some places (from 1): the
-- head, the costliest part, computes nothing elsewhere.
function M.logits(model, states, places)
    return model.cls.predictions(states:index_select(1, tensor.tensor(places, "i64")))
end

function M.run(self, windows)
    local top_k = self.options.top_k or 5
    batches.run(windows, self.model.config, self.options, function(batch)
        return self.model.yoso(batch).last_hidden_state
    end, function(hidden, row, window)
        local vocabulary = self.model.config.vocab_size
        local data, keep = batches.values(M.logits(self.model, hidden[row], window.masks))
        window.filled = {}
        for m = 1, #window.masks do
            local scores = labels.softmax(data, (m - 1) * vocabulary, vocabulary)
            local candidates = {}
            for i, at in ipairs(best(scores, top_k, self.tokenizer)) do
                candidates[i] = {id = at - 1, score = scores[at]}
            end
            window.filled[m] = candidates
        end
        keep:free()
    end)
end

function M.decode(self, _, windows)
    local window, results = windows[1], {}
    for m, candidates in ipairs(window.filled) do
        for _, candidate in ipairs(candidates) do
            local ids = {unpack(window.ids)}
            ids[window.masks[m]] = candidate.id
            candidate.token = self.tokenizer:decode({candidate.id}):gsub("^%s+", "")
            candidate.text = self.tokenizer:decode(ids, {skip_special_tokens = #window.masks == 1})
        end
        results[m] = candidates
    end
    return #results == 1 and results[1] or results
end

return M
