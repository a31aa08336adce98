-- Extractive question answering: {question, context} in, {answer, score, start, stop} out, offsets
-- half-open in bytes of the context. A long context is read in overlapping windows. Among all spans
-- of at most options.max_answer_tokens (30) tokens the one with the largest sum of logits wins; its
-- score is the product of the probabilities of its ends, over the tokens of all windows.
--
-- Where a question may have no answer (options.handle_impossible_answer, else the configuration's), every
-- window says how likely that is by its first token, and the one that thinks it least likely decides: the
-- answer is empty if that sum of logits is larger than the best span's.
local batches = require "yoso.pipeline.batches"
local c = require "yoso.c"
local windows_of = require "yoso.pipeline.windows"

local M = {class = "YosoForQuestionAnswering", wants = "{question = ..., context = ...}",
    is_single = function(input) return input.question ~= nil end}

-- Marks the places of the context's tokens, which are in a row: window.first to window.last.
local function mark_context(window)
    window.first, window.last = #window.ids + 1, 0
    for i, sequence in ipairs(window.sequence_ids) do
        if sequence == 1 then
            window.first, window.last = math.min(window.first, i), i
        end
    end
end

-- Windows keep the whole question, so it must leave room for some context.
local function room_for_context(self, question)
    local tokens = #self.tokenizer:encode(question, {pair = ""}).ids
    local room = self.max_length - tokens
    if room < 8 then
        c.raise(("question-answering: the question takes %d tokens of a window of %d, wanted at"
            .. " least 8 for the context"):format(tokens, self.max_length))
    end
    return room
end

function M.encode(self, input)
    local room = room_for_context(self, input.question)
    local stride = math.min(self.options.stride or 128, math.floor(room / 2))
    local windows = windows_of.of(self.tokenizer:encode(input.question, {pair = input.context,
        max_length = self.max_length, truncation = "only_second", stride = stride}))
    for _, window in ipairs(windows) do
        mark_context(window)
    end
    return windows
end

local function copy(data, at, count)
    local list = {}
    for i = 1, count do
        list[i] = tonumber(data[at + i - 1])
    end
    return list
end

function M.run(self, windows)
    batches.run(windows, self.model.config, self.options, function(batch)
        local output = self.model(batch)
        local start, keep_start = batches.values(output.start_logits)
        local stop, keep_stop = batches.values(output.end_logits)
        return {start = start, stop = stop, keep = {keep_start, keep_stop},
            length = output.start_logits:size(2)}
    end, function(output, row, window)
        local at = (row - 1) * output.length
        window.start_logits = copy(output.start, at, #window.ids)
        window.stop_logits = copy(output.stop, at, #window.ids)
    end)
end

-- A logit of all places that may be an answer's end: the context's tokens of all windows and, where there
-- may be no answer, their first ones.
local function candidates(windows, name, impossible)
    local list = {}
    for _, window in ipairs(windows) do
        if impossible then
            list[#list + 1] = window[name][1]
        end
        for i = window.first, window.last do
            list[#list + 1] = window[name][i]
        end
    end
    return list
end

-- log of the sum of exponentials.
local function normaliser(logits)
    local top, sum = -math.huge, 0
    for _, logit in ipairs(logits) do
        top = math.max(top, logit)
    end
    for _, logit in ipairs(logits) do
        sum = sum + math.exp(logit - top)
    end
    return top + math.log(sum)
end

-- The least of the windows' sums of logits for no answer.
local function sum_of_none(windows)
    local least = math.huge
    for _, window in ipairs(windows) do
        least = math.min(least, window.start_logits[1] + window.stop_logits[1])
    end
    return least
end

local function best_span(windows, longest)
    local best = {sum = -math.huge}
    for _, window in ipairs(windows) do
        local starts, stops = window.start_logits, window.stop_logits
        for i = window.first, window.last do
            for j = i, math.min(window.last, i + longest - 1) do
                local sum = starts[i] + stops[j]
                if sum > best.sum then
                    best = {sum = sum, window = window, first = i, last = j}
                end
            end
        end
    end
    return best.window and best
end

function M.decode(self, input, windows)
    local impossible = self.options.handle_impossible_answer
    if impossible == nil then
        impossible = self.model.config.handle_impossible_answer
    end
    local best = best_span(windows, self.options.max_answer_tokens or 30)
    if not best then
        return {answer = "", score = impossible and 1 or 0, start = 0, stop = 0}
    end
    local all = normaliser(candidates(windows, "start_logits", impossible))
        + normaliser(candidates(windows, "stop_logits", impossible))
    local none = impossible and sum_of_none(windows) or -math.huge
    if none > best.sum then
        return {answer = "", score = math.exp(none - all), start = 0, stop = 0}
    end
    local offsets = best.window.offsets
    local start, stop = offsets[best.first][1], offsets[best.last][2]
    local space = input.context:sub(start + 1, stop):match("^%s*")
    start = math.min(stop, start + #space)
    return {answer = input.context:sub(start + 1, stop), score = math.exp(best.sum - all), start = start,
        stop = stop}
end

return M
