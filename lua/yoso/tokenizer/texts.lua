-- Lua strings as the C library takes them: pointers, which their list keeps alive, and lengths.
local c = require "yoso.c"

local strings = c.typeof("const char *[?]")
local int64s = c.typeof("int64_t[?]")
local M = {}

--- Room for n pointers and lengths.
function M.room(n)
    return c.array(strings, n + 1), c.array(int64s, n + 1)
end

--- Pointers and lengths of a list's n strings; where and name are for the error.
function M.pointers(list, n, where, name)
    local texts, lengths = M.room(n)
    for i = 1, n do
        local text = list[i]
        if type(text) ~= "string" then
            c.raise(("%s: %s %d is a %s, must be a string"):format(where, name, i, type(text)))
        end
        texts[i - 1], lengths[i - 1] = text, #text
    end
    return texts, lengths
end

return M
