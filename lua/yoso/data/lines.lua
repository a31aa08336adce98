-- Lines of a text file with their numbers: the byte-order mark is dropped, and bytes that are
-- not UTF-8 are a failure that names file and line. A .gz file is read as what it holds.
local file = require "yoso.io.file"
local utf8 = require "yoso.data.utf8"

local M = {}

--- A whole text file, without byte-order mark.
function M.read(path)
    local text, failure = file.read(path)
    if not text then
        return nil, failure
    end
    local bad = utf8.invalid_at(text)
    if bad then
        local _, before = text:sub(1, bad):gsub("\n", "")
        return nil, ("%s:%d: byte 0x%02X is not UTF-8"):format(path, before + 1, text:byte(bad))
    end
    return (text:gsub("^\239\187\191", ""))
end

--- A source of lines (text, number), or nil and a message.
function M.open(path)
    local next_line, failure = file.lines(path)
    if not next_line then
        return nil, failure
    end
    local number, done = 0, false
    return function()
        if done then
            return nil
        end
        local ok, line = pcall(next_line)
        if not ok or not line then -- a damaged .gz breaks off
            done = true
            return nil, not ok and line or nil
        end
        number = number + 1
        if number == 1 and line:sub(1, 3) == "\239\187\191" then
            line = line:sub(4)
        end
        local bad = utf8.invalid_at(line)
        if bad then
            done = true
            return nil, ("%s:%d: byte %d (0x%02X) is not UTF-8"):format(path, number, bad,
                line:byte(bad))
        end
        return line, number
    end
end

return M
