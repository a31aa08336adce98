-- scope(fn): runs fn and frees at its end every tensor made in it, but for what fn returns,
-- gradients that were left in .grad, and what keep() was told of.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local M = {}

-- Marks what is reachable from a returned value: tensors themselves, tables of them.
local function mark(value, kept)
    if tensor.is(value) then
        if kept[value] then
            return
        end
        kept[value] = true
        mark(rawget(value, "grad"), kept)
        local node = rawget(value, "node")
        if node then
            mark(node, kept)
        end
    elseif type(value) == "table" and not kept[value] then
        kept[value] = true
        for _, inner in pairs(value) do
            mark(inner, kept)
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
