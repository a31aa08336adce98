-- scope(fn): runs fn and frees at its end every tensor made in it, but for what fn returns,
-- gradients that were left in .grad, and what keep() was told of.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local M = {}

-- Marks what is reachable from a returned value: tensors with their gradients and tapes, and
-- tables of them. A stack, not recursion: tapes are long.
local function mark(value, kept)
    local stack = {value}
    while #stack > 0 do
        local top = table.remove(stack)
        if not kept[top] then
            if tensor.is(top) then
                kept[top] = true
                stack[#stack + 1] = rawget(top, "grad")
                stack[#stack + 1] = rawget(top, "node")
            elseif type(top) == "table" then
                kept[top] = true
                for _, inner in pairs(top) do
                    if type(inner) == "table" then
                        stack[#stack + 1] = inner
                    end
                end
            end
        end
    end
end

local function finish(made, ok, ...)
    tensor.close_scope(made)
    local kept = {}
    for i = 1, select("#", ...) do
        mark((select(i, ...)), kept)
    end
    for _, t in ipairs(made) do
        if kept[t] or t.kept then
            tensor.pass_on(t)
        else
            t:free()
        end
    end
    if not ok then
        error((...), 0)
    end
    return ...
end

--- Runs fn(...), frees its temporaries, returns what it returns, alive.
function M.scope(fn, ...)
    if type(fn) ~= "function" then
        c.raise(("scope: the argument is a %s, must be a function"):format(type(fn)))
    end
    return finish(tensor.open_scope(), pcall(fn, ...))
end

--- Exempts a tensor (a .grad, a running state) from the scopes around it.
function M.keep(value)
    tensor.handle(value, "keep", "the argument")
    value.kept = true
    return value
end

return M
