-- JSON lines: one object a line. A row is that object with its line number under `line`; null
-- values are left out.
local json = require "yoso.io.json"
local lines = require "yoso.data.lines"

local M = {}

--- A source of rows; each must hold every key of options.wanted.
function M.open(path, options)
    local wanted = options and options.wanted or {}
    local next_line, failure = lines.open(path)
    if not next_line then
        return nil, failure
    end
    return function()
        local line, number = next_line()
        while line and line:find("^%s*$") do
            line, number = next_line()
        end
        if not line then
            return nil, number
        end
        local row, failed = json.decode(line, ("%s:%d"):format(path, number))
        if row == nil then
            return nil, failed
        end
        if type(row) ~= "table" or not line:find("^%s*{") then
            return nil, ("%s:%d: not an object, wanted {...}"):format(path, number)
        end
        for key, value in pairs(row) do
            if value == json.null then
                row[key] = nil
            end
        end
        for _, key in ipairs(wanted) do
            if row[key] == nil then
                return nil, ("%s:%d: the object has no %s"):format(path, number, key)
            end
        end
        row.line = number
        return row
    end
end

return M
