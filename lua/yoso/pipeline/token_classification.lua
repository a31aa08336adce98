-- Token classification: a text in, its entities out: {entity, text, start, stop, score}, offsets
-- half-open in bytes. The first token of a word speaks for it; where windows overlap, the one that
-- sees more around a word decides. Words in a row join as their B- and I- tags say; a model that has a tag
-- for every word and no O gives each word.
local batches = require "yoso.pipeline.batches"
local labels = require "yoso.pipeline.labels"
local windows_of = require "yoso.pipeline.windows"

local M = {class = "YosoForTokenClassification", wants = "a text"}

local function text_of(input)
    return type(input) == "table" and table.concat(input.tokens, " ") or input
end

function M.encode(self, input)
    local stride = math.min(self.options.stride or 64, math.floor(self.max_length / 4))
    return windows_of.of(self.tokenizer:encode(text_of(input),
        {max_length = self.max_length, stride = stride}))
end

function M.run(self, windows)
    batches.run(windows, self.model.config, self.options, function(batch)
        local logits = self.model(batch).logits
        local data, keep = batches.values(logits)
        return {data = data, keep = keep, length = logits:size(2)}
    end, function(output, row, window)
        local count = self.num_labels
        window.tag, window.score = {}, {}
        for i = 1, #window.ids do
            local at = ((row - 1) * output.length + i - 1) * count
            local scores, top = labels.softmax(output.data, at, count), 1
            for label = 2, count do
                top = scores[label] > scores[top] and label or top
            end
            window.tag[i], window.score[i] = self.labels[top - 1], scores[top]
        end
    end)
end

-- Tokens of all windows by where they start in the text, each from the window that sees most.
local function tokens_of(windows)
    local by_start, starts = {}, {}
    for _, window in ipairs(windows) do
        for i = 1, #window.ids do
            local offsets = window.offsets[i]
            if window.special_tokens_mask[i] == 0 and offsets and offsets[2] > offsets[1] then
                local context, known = windows_of.context(window, i), by_start[offsets[1]]
                if not known then
                    starts[#starts + 1] = offsets[1]
                end
                if not known or context > known.context then
                    by_start[offsets[1]] = {start = offsets[1], stop = offsets[2],
                        word = window.word_ids[i], tag = window.tag[i], score = window.score[i],
                        context = context}
                end
            end
        end
    end
    table.sort(starts)
    local tokens = {}
    for i, start in ipairs(starts) do
        tokens[i] = by_start[start]
    end
    return tokens
end

-- Words with the tag of their first token.
local function words_of(tokens)
    local words = {}
    for _, token in ipairs(tokens) do
        local last = words[#words]
        if last and token.word and last.word == token.word then
            last.stop = token.stop
        else
            words[#words + 1] = token
        end
    end
    return words
end

-- Entities of tagged words; a tag without B- or I- (a model of another scheme) joins its equals, unless
-- words stand alone, as they do for parts of speech.
local function entities_of(text, words, alone)
    local entities, open = {}, nil
    for _, word in ipairs(words) do
        local prefix, kind = word.tag:match("^([BI])%-(.+)$")
        kind = kind or (word.tag ~= "O" and word.tag) or nil
        if not kind then
            open = nil
        elseif prefix == "B" or alone or not open or open.entity ~= kind then
            open = {entity = kind, start = word.start, stop = word.stop, score = word.score,
                words = 1}
            entities[#entities + 1] = open
        else
            open.stop, open.words = word.stop, open.words + 1
            open.score = open.score + word.score
        end
    end
    for _, entity in ipairs(entities) do
        -- Byte-level tokens may start with the space before their word.
        local space = text:sub(entity.start + 1, entity.stop):match("^%s*")
        entity.start = entity.start + #space
        entity.text = text:sub(entity.start + 1, entity.stop)
        entity.score, entity.words = entity.score / entity.words, nil
    end
    return entities
end

-- A model without the tag O has one for every word.
local function tags_every_word(self)
    for id = 0, self.num_labels - 1 do
        if self.labels[id] == "O" then
            return false
        end
    end
    return true
end

function M.decode(self, input, windows)
    return entities_of(text_of(input), words_of(tokens_of(windows)), tags_every_word(self))
end

--- The tag of each given word of {tokens = {...}}: that of the first token that starts in it.
-- A word of which the tokenizer leaves nothing is O.
function M.decode_tags(_, input, windows)
    local tags, tokens = {}, tokens_of(windows)
    local at, start = 1, 0
    for i, text in ipairs(input.tokens) do
        local stop = start + #text
        tags[i] = "O"
        while tokens[at] and tokens[at].stop <= start do
            at = at + 1
        end
        if tokens[at] and tokens[at].start < stop then
            tags[i] = tokens[at].tag
            at = at + 1
        end
        start = stop + 1
    end
    return tags
end

return M
