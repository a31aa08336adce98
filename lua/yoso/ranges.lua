-- The options of a call: which names there are, and what their numbers may be. A call's list maps each
-- name to a range of those below, or to true where its values are for others to judge.
local c = require "yoso.c"

local M = {}

local function range(words, holds)
    return {words = words, holds = function(value) return type(value) == "number" and holds(value) end}
end

--- A whole number of at least `least`, below `limit` if that is given.
function M.whole(least, limit)
    local words = limit and ("from %d to below %d"):format(least, limit) or "of at least " .. least
    return range("a whole number " .. words, function(value)
        return value >= least and value == math.floor(value) and value < (limit or 2 ^ 53)
    end)
end

M.any = range("a number", function(value) return value == value end)
M.not_negative = range("a number of 0 or above", function(value) return value >= 0 and value < math.huge end)
M.positive = range("a number above 0", function(value) return value > 0 end)
M.share = range("a number from 0 to below 1", function(value) return value >= 0 and value < 1 end)
M.probability = range("a number from 0 to 1", function(value) return value >= 0 and value <= 1 end)
M.whole_share = range("a number above 0, at most 1", function(value) return value > 0 and value <= 1 end)

local function names_of(list)
    local names = {}
    for name in pairs(list) do
        names[#names + 1] = name
    end
    table.sort(names)
    return table.concat(names, ", ")
end

--- An error at the caller's line for a value that is out of its range.
function M.number(where, name, value, allowed)
    if not allowed.holds(value) then
        c.raise(("%s: %s is %s, must be %s"):format(where, name, tostring(value), allowed.words))
    end
end

--- An error at the caller's line for an option that `list` does not have or whose number is out of its
-- range; `where` is the call's name.
function M.check(where, options, list)
    if type(options) ~= "table" then
        c.raise(("%s: options is a %s, must be a table"):format(where, type(options)))
    end
    for name, value in pairs(options) do
        local allowed = list[name]
        if not allowed then
            c.raise(("%s: there is no option %s; there are %s"):format(where, tostring(name),
                names_of(list)))
        elseif allowed ~= true then
            M.number(where, name, value, allowed)
        end
    end
end

return M
