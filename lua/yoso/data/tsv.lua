-- Tab-separated tables without quoting, as GLUE's: a `"` is an ordinary character. A row is a
-- table of its fields by column name, with its line number under `line`.
local lines = require "yoso.data.lines"

local M = {}

local find, sub = string.find, string.sub

--- The fields of a line between tabs.
function M.split(line)
    local fields, start = {}, 1
    while true do
        local at = find(line, "\t", start, true)
        if not at then
            fields[#fields + 1] = sub(line, start)
            return fields
        end
        fields[#fields + 1] = sub(line, start, at - 1)
        start = at + 1
    end
end

local function missing_column(columns, wanted)
    local there = {}
    for i, name in ipairs(columns) do
        there[name] = i
    end
    for _, name in ipairs(wanted) do
        if not there[name] then
            return name
        end
    end
end

--- The table from a header's fields, or nil and a message when a wanted column is missing.
function M.check_header(path, columns, wanted)
    local missing = missing_column(columns, wanted or {})
    if missing then
        return nil, ("%s:1: the header has no column %s; it has %s"):format(path, missing,
            table.concat(columns, ", "))
    end
    return columns
end

--- The row of one line's fields, or nil and a message when their number is not the columns'.
function M.row(path, number, columns, fields)
    if #fields ~= #columns then
        return nil, ("%s:%d: %d columns, wanted %d (%s)"):format(path, number, #fields, #columns,
            table.concat(columns, ", "))
    end
    local row = {line = number}
    for i, name in ipairs(columns) do
        row[name] = fields[i]
    end
    return row
end

--- A source of rows. options.columns names the columns of a file without header; else the first
-- line names them and must hold all of options.wanted. Empty lines are passed over.
function M.open(path, options)
    options = options or {}
    local next_line, failure = lines.open(path)
    if not next_line then
        return nil, failure
    end
    local columns = options.columns
    if not columns then
        local header, broken = next_line()
        if not header then
            return nil, broken or ("%s: the file is empty, wanted a header"):format(path)
        end
        columns, failure = M.check_header(path, M.split(header), options.wanted)
        if not columns then
            return nil, failure
        end
    end
    return function()
        local line, number = next_line()
        while line == "" do
            line, number = next_line()
        end
        if not line then
            return nil, number
        end
        return M.row(path, number, columns, M.split(line))
    end, columns
end

return M
