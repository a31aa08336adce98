-- The user's own files, for each kind of task: TSV (no quoting), CSV, JSON lines, CoNLL, SQuAD's
-- JSON and plain text, told apart by the file's name. Columns are found by their usual names, or by
-- options.columns = {text = "review", label = "stars"}.
local conll = require "yoso.data.conll"
local csv = require "yoso.data.csv"
local jsonl = require "yoso.data.jsonl"
local lines = require "yoso.data.lines"
local source = require "yoso.data.source"
local squad = require "yoso.data.squad"
local tsv = require "yoso.data.tsv"
local utf8 = require "yoso.data.utf8"

local M = {}

local tables = {tsv = tsv.open, csv = csv.open, jsonl = jsonl.open}

-- Usual names of what an example holds, the likeliest first.
local usual = {
    text = {"text", "sentence", "sentence1", "premise", "question1", "review"},
    pair = {"pair", "text_pair", "sentence2", "hypothesis", "question2"},
    label = {"label", "labels", "gold_label", "target", "score", "class"},
    prompt = {"prompt", "question", "context", "premise", "sent1"},
}

local function extension(path)
    return path:gsub("%.gz$", ""):match("%.(%w+)$")
end

-- A function that gives a row's field for `what`, and the name it goes by.
local function field(row, what, columns)
    local name = columns and columns[what]
    if name then
        return row[name], name
    end
    for _, candidate in ipairs(usual[what]) do
        if row[candidate] ~= nil then
            return row[candidate], candidate
        end
    end
end

local function bad(path, row, what)
    return nil, ("%s:%d: %s"):format(path, row.line, what)
end

-- The row's text; nil and a message.
local function text_of(path, row, columns)
    local text, name = field(row, "text", columns)
    if type(text) == "string" then
        return text
    elseif text ~= nil then
        return bad(path, row, ("%s is a %s, must be a string"):format(name, type(text)))
    end
    return bad(path, row, ("no %s column; wanted text, sentence or sentence1, or name it with"
        .. " text="):format(name or "text"))
end

local function classification(path, columns)
    return function(row)
        local text, failure = text_of(path, row, columns)
        if not text then
            return nil, failure
        end
        return {text = text, pair = field(row, "pair", columns) or nil,
            label = field(row, "label", columns), line = row.line}
    end
end

local function tagging(path)
    return function(row)
        local tokens, tags = row.tokens, row.tags or row.ner_tags
        if type(tokens) ~= "table" or type(tags) ~= "table" or #tokens ~= #tags then
            return bad(path, row, "wanted lists tokens and tags of one length")
        end
        return {tokens = tokens, tags = tags, line = row.line}
    end
end

local function tagged(path)
    return conll.open(path, {any_tags = true})
end

-- Answers as a list of {text, answer_start} or as lists text and answer_start.
local function own_answers(context, given)
    local answers = {}
    for i = 1, given.text and #given.text or #given do
        local one = given.text and {text = given.text[i], answer_start = given.answer_start[i]}
            or given[i]
        local start
        if one.answer_start == nil then
            start = (context:find(one.text, 1, true) or 0) - 1
        else
            start = utf8.byte_offset(context, tonumber(one.answer_start))
        end
        if not start or start < 0 then
            return nil
        end
        answers[i] = {text = one.text, start = start, stop = start + #one.text}
    end
    return answers
end

local function answering(path)
    return function(row)
        if type(row.question) ~= "string" or type(row.context) ~= "string" then
            return bad(path, row, "wanted question and context")
        end
        local ok, answers = pcall(own_answers, row.context, row.answers or {})
        if not ok or not answers then
            return bad(path, row, "wanted answers as a list of text and answer_start in context")
        end
        return {id = tostring(row.id or row.line), question = row.question,
            context = row.context, answers = answers, line = row.line,
            impossible = row.answers ~= nil and #answers == 0}
    end
end

-- Choices in a list, or in columns choice0, choice1, ... (or from choice1); empty ones are none.
local function choices_of(row)
    if row.choices then
        return row.choices
    end
    local choices, number = {}, row.choice0 ~= nil and 0 or 1
    while row["choice" .. number] and row["choice" .. number] ~= "" do
        choices[#choices + 1] = row["choice" .. number]
        number = number + 1
    end
    return choices
end

local function choosing(path, columns)
    return function(row)
        local prompt, choices = field(row, "prompt", columns), choices_of(row)
        if type(prompt) ~= "string" or type(choices) ~= "table" or #choices == 0 then
            return bad(path, row, "wanted a prompt and choices (or choice0, choice1, ...)")
        end
        local label = field(row, "label", columns)
        local id = tonumber(label)
        if label ~= nil and (not id or not choices[id + 1]) then
            return bad(path, row, ("label %s, wanted a choice's number from 0 to %d"):format(
                tostring(label), #choices - 1))
        end
        return {prompt = prompt, choices = choices, label = id, line = row.line}
    end
end

--- Plain text, one a line; empty lines are passed over.
function M.text(path)
    local next_line, failure = lines.open(path)
    if not next_line then
        return nil, failure
    end
    return function()
        local line, number
        repeat
            line, number = next_line()
        until not line or line:find("%S")
        if not line then
            return nil, number
        end
        return {text = line, line = number}
    end
end

local function unlabelled(path, columns)
    return function(row)
        local text, failure = text_of(path, row, columns)
        return text and {text = text, line = row.line}, failure
    end
end

local kinds = {
    ["text-classification"] = {example = classification, columns = {"text", "pair", "label"}},
    ["text-matching"] = {example = classification, columns = {"text", "pair", "label"}},
    ["token-classification"] = {example = tagging, tables = {jsonl = true}, other = {
        conll = tagged, txt = tagged, tsv = tagged, bio = tagged, iob = tagged}},
    ["question-answering"] = {example = answering, tables = {jsonl = true},
        other = {json = squad.open}},
    ["multiple-choice"] = {example = choosing, columns = {"prompt", "label"}},
    ["fill-mask"] = {example = unlabelled, columns = {"text"}, other = {txt = M.text, raw = M.text,
        tokens = M.text}},
}

-- true, or nil and a message where columns name what such an example does not have.
local function check_columns(kind, columns)
    local has = {}
    for _, what in ipairs(kinds[kind].columns or {}) do
        has[what] = true
    end
    for what in pairs(columns or {}) do
        if not has[what] then
            local names = table.concat(kinds[kind].columns or {}, ", ")
            return nil, ("column %s: %s has %s"):format(tostring(what), kind,
                names == "" and "no columns to name" or names)
        end
    end
    return true
end

--- A source of examples of a kind of task ("text-classification", ...) in a file of the user's.
function M.open(path, kind, options)
    local this = kinds[kind]
    local ok, mistake = check_columns(kind, options and options.columns)
    if not ok then
        return nil, mistake
    end
    local ending = extension(path)
    local other = this.other and this.other[ending]
    if other then
        return other(path)
    end
    local open = (not this.tables or this.tables[ending]) and tables[ending]
    if not open then
        local known = {}
        for name in pairs(this.tables or tables) do
            known[#known + 1] = "." .. name
        end
        for name in pairs(this.other or {}) do
            known[#known + 1] = "." .. name
        end
        table.sort(known)
        return nil, ("%s: no known ending for %s, wanted one of %s"):format(path, kind,
            table.concat(known, " "))
    end
    local columns = options and options.columns
    local rows, failure = open(path)
    if not rows then
        return nil, failure
    end
    return source.map(rows, this.example(path, columns))
end

return M
