-- Multiple choice in three original forms: ARC's CSV, COPA's XML, SWAG's CSV.
-- An example is {prompt, choices, label, line}: label is the right choice's number from 0.
local csv = require "yoso.data.csv"
local lines = require "yoso.data.lines"
local source = require "yoso.data.source"

local M = {}

local arc_answers = {A = 0, B = 1, C = 2, D = 3, ["1"] = 0, ["2"] = 1, ["3"] = 2, ["4"] = 3}

--- ARC: no header; question, four choices (the empty ones at the end are none), answer A to D or 1
-- to 4. Rows that cannot be answered are left out: those whose answer is E, a choice the file does
-- not hold, and those whose choices are all empty (most with a digit). The second result, filled
-- while reading, counts them: {left_out}.
function M.arc(path)
    local rows, failure = csv.open(path,
        {columns = {"question", "a", "b", "c", "d", "answer"}})
    if not rows then
        return nil, failure
    end
    local counts = {left_out = 0}
    return source.map(rows, function(row)
        local choices = {row.a, row.b, row.c, row.d}
        while choices[#choices] == "" do
            choices[#choices] = nil
        end
        if row.answer == "E" or #choices == 0 then
            counts.left_out = counts.left_out + 1
            return false
        end
        local label = arc_answers[row.answer]
        if not label or label >= #choices then
            return nil, ("%s:%d: answer %q of %d choices, wanted A to D or 1 to 4"):format(path,
                row.line, row.answer, #choices)
        end
        return {prompt = row.question, choices = choices, label = label, line = row.line}
    end), counts
end

--- SWAG: the context is sent1, each choice sent2 and an ending.
function M.swag(path)
    local rows, failure = csv.open(path, {wanted = {"sent1", "sent2", "ending0", "ending1",
        "ending2", "ending3", "label"}})
    if not rows then
        return nil, failure
    end
    return source.map(rows, function(row)
        local label = tonumber(row.label)
        if not label or not row["ending" .. row.label] then
            return nil, ("%s:%d: label %q, wanted 0 to 3"):format(path, row.line, row.label)
        end
        local choices = {}
        for i = 0, 3 do
            local ending = row["ending" .. i]
            choices[i + 1] = row.sent2 == "" and ending or row.sent2 .. " " .. ending
        end
        return {prompt = row.sent1, choices = choices, label = label, line = row.line}
    end)
end

local entities = {["&lt;"] = "<", ["&gt;"] = ">", ["&quot;"] = '"', ["&apos;"] = "'",
    ["&amp;"] = "&"}

local function element(item, name)
    local text = item:match("<" .. name .. ">(.-)</" .. name .. ">")
    return text and (text:gsub("&%l+;", entities))
end

--- COPA: items with a premise, two alternatives, and what is asked for, cause or effect, which the
-- prompt tells in words.
function M.copa(path)
    local text, failure = lines.read(path)
    if not text then
        return nil, failure
    end
    local next_item = text:gmatch("<item%s+(.-)>(.-)</item>")
    local found = 0
    return function()
        local attributes, item = next_item()
        if not item then
            if found == 0 then
                found = 1
                return nil, ("%s: no <item>, wanted COPA's XML"):format(path)
            end
            return nil
        end
        found = found + 1
        local id = attributes:match('id="(.-)"') or tostring(found)
        local asked = attributes:match('asks%-for="(.-)"')
        local answer = attributes:match('most%-plausible%-alternative="(.-)"')
        local premise, first, second = element(item, "p"), element(item, "a1"), element(item, "a2")
        if not (premise and first and second) or (asked ~= "cause" and asked ~= "effect")
            or (answer ~= "1" and answer ~= "2") then
            return nil, ("%s: item %s: wanted p, a1, a2, asks-for cause or effect, and"
                .. " most-plausible-alternative 1 or 2"):format(path, id)
        end
        local question = asked == "cause" and "What was the cause of this?"
            or "What happened as a result?"
        return {id = id, prompt = premise .. " " .. question, choices = {first, second},
            label = tonumber(answer) - 1, asks_for = asked}
    end
end

return M
