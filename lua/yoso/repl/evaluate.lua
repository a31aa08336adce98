-- Running what was typed: an expression or statements, stoppable by Ctrl-C.
-- Local variables of a whole input live on as globals of the environment, so that lines pasted
-- from a script work one by one.
local environment = require "yoso.repl.environment"

local M = {}

-- Outside the program there is no Ctrl-C to catch.
local has_line, line = pcall(require, "yoso.line")
local interruptible = has_line and line.interruptible or pcall

-- An expression is compiled as this function's arguments: a tail call would lose its place.
local function values(...)
    return ...
end

local function keep_locals()
    local target = environment.get()
    for index = 1, math.huge do
        local name, value = debug.getlocal(2, index)
        if not name then
            return
        elseif name:match("^%a") or name:match("^_.") then
            rawset(_G, name, value)
            rawset(target, name, nil)
        end
    end
end

-- Whether a syntax error says that the text only lacks its end.
local function lacks_end(message)
    return message:find("<eof>'?$") ~= nil or message:find("unfinished long") ~= nil
end

--- Compiles input: the function, and whether it is an expression; or nil, the message, and
-- whether more lines may make it right.
function M.compile(text)
    local name = "=stdin"
    local expression = text:gsub("^%s*=", "")
    local chunk, no_expression = loadstring("return " .. expression, name)
    local is_expression = chunk ~= nil
    if chunk then
        chunk = loadstring("return _values_(" .. expression .. "\n)", name) or chunk
    else
        local plain, message = loadstring(text, name)
        if not plain then
            return nil, message, lacks_end(message) or lacks_end(no_expression)
        end
        -- With the call at its end, unless the input ends by a return of its own.
        chunk = loadstring(text .. "\n_keep_locals_()", name) or plain
    end
    -- Interpreted, because compiled loops do not see Ctrl-C.
    if jit then
        jit.off(chunk, true)
    end
    return setfenv(chunk, environment.get()), is_expression
end

local function text_of(message)
    local meta = getmetatable(message)
    if type(message) == "string" or type(meta) == "table" and meta.__tostring then
        return tostring(message)
    end
    return ("(error object is a %s value)"):format(type(message))
end

-- A message handler that adds the call stack down to chunk; what is below is the REPL's own.
local function handler_for(chunk)
    return function(message)
        local level, depth = 2, nil
        while not depth do
            local info = debug.getinfo(level, "f")
            if not info then
                break
            end
            depth = info.func == chunk and level
            level = level + 1
        end
        local lines = {}
        for frame in debug.traceback("", 2):gmatch("[^\n]+") do
            lines[#lines + 1] = frame
        end
        local last = depth and depth <= 12 and depth or #lines -- long stacks are shown cut
        return text_of(message) .. "\n" .. table.concat(lines, "\n", 1, math.min(last, #lines))
    end
end

local function finish(caught, ok, ...)
    if not caught then
        return false, tostring(ok)
    elseif not ok then
        return false, (...)
    end
    return true, {n = select("#", ...), ...}
end

--- Runs a compiled chunk: true and its results with their number n, or false and the message
-- with its stack.
function M.run(chunk)
    rawset(environment.get(), "_values_", values)
    rawset(environment.get(), "_keep_locals_", keep_locals)
    return finish(interruptible(xpcall, chunk, handler_for(chunk)))
end

return M
