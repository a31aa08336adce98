-- Where the REPL's lines come from: an editor with history on a terminal, plain reading else.
local c = require "yoso.c"
local complete = require "yoso.repl.complete"
local environment = require "yoso.repl.environment"

local M = {}

--- Where the history is kept: YOSO_HISTORY, else a file in the state folder of the user's home;
-- nil when there is no home.
function M.history_file()
    local path = os.getenv("YOSO_HISTORY")
    if path then
        return path ~= "" and path or nil
    end
    local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
    if state and state ~= "" then
        return state .. "/yoso_history"
    end
    return home and home ~= "" and home .. "/.yoso_history" or nil
end

local function plain()
    return {
        is_terminal = false,
        read = function()
            return io.read("*l")
        end,
        remember = function() end,
    }
end

local function edited(line)
    local editor = line.open(M.history_file(), function(text)
        return complete.safely(text, environment.get())
    end)
    return {
        is_terminal = true,
        read = function(prompt)
            return editor:read(prompt)
        end,
        remember = function(text)
            editor:remember(text)
        end,
        close = function()
            editor:close()
        end,
    }
end

--- {is_terminal=, read(prompt) -> line, nil at the end or false after Ctrl-C; remember(text)}.
function M.open()
    if c.lib.yoso_is_terminal(0) == 0 then
        return plain()
    end
    local ok, line = pcall(require, "yoso.line")
    if ok and c.lib.yoso_is_terminal(1) ~= 0 then
        local opened, source = pcall(edited, line)
        if opened then
            return source
        end
    end
    local source = plain()
    source.is_terminal = true
    source.read = function(prompt)
        io.write(prompt)
        io.flush()
        return io.read("*l")
    end
    return source
end

return M
