-- scope(fn): runs fn and frees at its end every tensor made in it, but for what fn returns,
-- gradients that were left in .grad, and what keep() was told of.
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

local function finish(scope, ok, ...)
    local scopes = tensor.scopes
    while scopes[#scopes] ~= scope do
        scopes[#scopes] = nil
    end
    scopes[#scopes] = nil
    local kept = {}
    for i = 1, select("#", ...) do
        mark((select(i, ...)), kept)
    end
    local outer = scopes[#scopes]
    for _, made in ipairs(scope) do
        if kept[made] or made.kept then
            if outer then
                outer[#outer + 1] = made
            end
        else
            made:free()
        end
    end
    if not ok then
        error((...), 0)
    end
    return ...
end

--- Runs fn(...), frees its temporaries, returns what it returns, alive.
function M.scope(fn, ...)
    local scope = {}
    tensor.scopes[#tensor.scopes + 1] = scope
    return finish(scope, pcall(fn, ...))
end

--- Exempts a tensor (a .grad, a running state) from the scopes around it.
function M.keep(value)
    value.kept = true
    return value
end

return M
