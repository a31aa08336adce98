-- What code typed by hand sees: the globals, yoso without a require, and _ for the last value.
-- The table stands before the real globals, which get every assignment but these two.
local M = {}

--- The globals that were there before anybody typed.
M.at_start = {}
for name in pairs(_G) do
    M.at_start[name] = true
end

local environment

--- The one environment of this interpreter.
function M.get()
    if not environment then
        environment = setmetatable({}, {
            __index = function(_, name)
                local value = _G[name]
                if value == nil and name == "yoso" then
                    value = require "yoso"
                end
                return value
            end,
            __newindex = function(_, name, value)
                rawset(_G, name, value)
            end,
        })
    end
    return environment
end

--- Sets _, the value of the latest expression.
function M.remember(value)
    rawset(M.get(), "_", value)
end

return M
