-- SQuAD's JSON (v1.1, and 2.0's questions without an answer): articles, paragraphs, questions.
-- An example is {id, question, context, title, article, answers = {{text, start, stop}, ...}} and
-- impossible = true where the list of answers is there and empty; the file counts offsets in code
-- points, here they are bytes, half-open.
local json = require "yoso.io.json"
local lines = require "yoso.data.lines"
local utf8 = require "yoso.data.utf8"

local M = {}

local function answers_of(path, id, context, list)
    local answers = {}
    for i, answer in ipairs(list or {}) do
        local start = type(answer.answer_start) == "number"
            and utf8.byte_offset(context, answer.answer_start)
        local text = answer.text
        if not start or type(text) ~= "string" then
            return nil, ("%s: question %s, answer %d: wanted a text and its answer_start inside"
                .. " the context"):format(path, id, i)
        end
        answers[i] = {text = text, start = start, stop = start + #text}
    end
    return answers
end

local function question_of(path, where, context, entry)
    if type(entry) ~= "table" or type(entry.question) ~= "string" then
        return nil, ("%s: %s: a question has no text"):format(path, where)
    end
    local id = entry.id ~= nil and tostring(entry.id) or "without id"
    if entry.answers ~= nil and type(entry.answers) ~= "table" then
        return nil, ("%s: question %s: answers is no list"):format(path, id)
    end
    local answers, failure = answers_of(path, id, context, entry.answers)
    if not answers then
        return nil, failure
    end
    return {id = id, question = entry.question, context = context, answers = answers,
        impossible = entry.answers ~= nil and #answers == 0}
end

-- Walks the document in the file's order, one question a call.
local function walk(path, document)
    local article, paragraph, question = 1, 1, 0
    return function()
        question = question + 1
        while document[article] do
            local entry = document[article]
            local part = type(entry) == "table" and entry.paragraphs
            if type(part) ~= "table" then
                return nil, ("%s: article %d has no paragraphs"):format(path, article)
            end
            while part[paragraph] do
                local where = ("article %d, paragraph %d"):format(article, paragraph)
                local here = part[paragraph]
                if type(here) ~= "table" or type(here.context) ~= "string"
                    or type(here.qas) ~= "table" then
                    return nil, ("%s: %s: wanted context and qas"):format(path, where)
                end
                if here.qas[question] then
                    local example, failure = question_of(path, where, here.context,
                        here.qas[question])
                    if not example then
                        return nil, failure
                    end
                    example.title, example.article = entry.title, article
                    return example
                end
                paragraph, question = paragraph + 1, 1
            end
            article, paragraph = article + 1, 1
        end
    end
end

--- A source of questions.
function M.open(path)
    local text, failure = lines.read(path)
    if not text then
        return nil, failure
    end
    local document
    document, failure = json.decode(text, path)
    if document == nil then
        return nil, failure
    end
    if type(document) ~= "table" or type(document.data) ~= "table" then
        return nil, ("%s: wanted an object whose data is a list of articles"):format(path)
    end
    return walk(path, document.data)
end

return M
