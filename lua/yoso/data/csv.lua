-- Comma-separated tables (RFC 4180): a field may be quoted with `"`, in which `""` is one quote and
-- commas and line ends are text. A row is a table by column name with its line number.
local lines = require "yoso.data.lines"
local tsv = require "yoso.data.tsv"

local M = {}

local find, sub = string.find, string.sub

-- The rest of a quoted field that opens at `start` (just after the quote), its text without
-- doubled quotes, and the position after its closing quote; nil when the line ends inside it.
local function quoted(line, start)
    local at = start
    while true do
        local quote = find(line, '"', at, true)
        if not quote then
            return nil
        end
        if sub(line, quote + 1, quote + 1) ~= '"' then
            return (sub(line, start, quote - 1):gsub('""', '"')), quote + 1
        end
        at = quote + 2
    end
end

-- Fields of a record; nil when it goes on in the next line, nil and a reason when it is broken.
local function split(record)
    local fields, at = {}, 1
    while true do
        if sub(record, at, at) == '"' then
            local text, after = quoted(record, at + 1)
            if not text then
                return nil
            end
            fields[#fields + 1], at = text, after
            local follows = sub(record, at, at)
            if follows ~= "," and follows ~= "" then
                return nil, ("field %d goes on after its closing quote"):format(#fields)
            end
        else
            local comma = find(record, ",", at, true) or #record + 1
            fields[#fields + 1], at = sub(record, at, comma - 1), comma
        end
        if at > #record then
            return fields
        end
        at = at + 1
    end
end

-- A source of (fields, number of the record's first line).
local function records(path, next_line)
    return function()
        local record, number = next_line()
        while record == "" do
            record, number = next_line()
        end
        if not record then
            return nil, number
        end
        local fields, reason = split(record)
        while not fields and not reason do
            local more, failure = next_line()
            if not more then
                return nil, failure
                    or ("%s:%d: a quoted field is not closed"):format(path, number)
            end
            record = record .. "\n" .. more
            fields, reason = split(record)
        end
        if not fields then
            return nil, ("%s:%d: %s"):format(path, number, reason)
        end
        return fields, number
    end
end

--- A source of rows; options as tsv.open's.
function M.open(path, options)
    options = options or {}
    local next_line, failure = lines.open(path)
    if not next_line then
        return nil, failure
    end
    local next_record = records(path, next_line)
    local columns = options.columns
    if not columns then
        local header, broken = next_record()
        if not header then
            return nil, broken or ("%s: the file is empty, wanted a header"):format(path)
        end
        columns, failure = tsv.check_header(path, header, options.wanted)
        if not columns then
            return nil, failure
        end
    end
    return function()
        local fields, number = next_record()
        if not fields then
            return nil, number
        end
        return tsv.row(path, number, columns, fields)
    end, columns
end

return M
