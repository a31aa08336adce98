-- The text of a tensor: a line with dtype, shape and device, then its elements in aligned
-- columns, written as Lua would; of a large tensor the first and last of each dimension.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib
local M = {}

local MOST, WIDTH = 1000, 80 -- elements shown in full; characters a line

-- How many elements at either end of each dimension are shown: nil for all of them.
local function edge_of(shape, numel)
    if numel <= MOST then
        return nil
    end
    for edge = 3, 2, -1 do
        local shown = 1
        for i = 1, #shape do
            shown = shown * math.min(shape[i], 2 * edge)
        end
        if shown <= MOST then
            return edge
        end
    end
    return 1
end

-- Nested lists of the shown elements, false where some are left out.
local function excerpt(t, shape, edge)
    if #shape == 0 or not edge then
        return t:totable()
    end
    local function part(view, dim)
        if dim > #shape then
            return view:item()
        end
        local size, list = shape[dim], {}
        local function add(first, last)
            for i = first, last do
                local narrow = tensor.call(lib.yoso_narrow, view.handle, dim - 1, i - 1, 1)
                list[#list + 1] = part(narrow, dim + 1)
                narrow:free()
            end
        end
        if size <= 2 * edge then
            add(1, size)
        else
            add(1, edge)
            list[#list + 1] = {cut = true}
            add(size - edge + 1, size)
        end
        return list
    end
    return part(t, 1)
end

local function each_value(list, fn)
    if type(list) ~= "table" then
        fn(list)
    elseif not list.cut then
        for _, inner in ipairs(list) do
            each_value(inner, fn)
        end
    end
end

local function plain_text(value)
    if value ~= value then
        return "nan"
    elseif value == math.huge or value == -math.huge then
        return value > 0 and "inf" or "-inf"
    end
    return nil
end

-- A function from values to text, the same number of digits for all.
local function formatter(values)
    local whole, most, least = true, 0, math.huge
    each_value(values, function(value)
        if type(value) == "number" and not plain_text(value) then
            local size = math.abs(value)
            whole = whole and value == math.floor(value)
            most = math.max(most, size)
            least = size > 0 and math.min(least, size) or least
        end
    end)
    local pattern = "%.4f"
    if whole and most < 1e15 then
        pattern = "%.0f"
    elseif most >= 1e8 or least < 1e-4 or most / least > 1e5 then
        pattern = "%.4e"
    end
    local function text(value)
        if type(value) == "boolean" then
            return tostring(value)
        end
        return plain_text(value) or pattern:format(value)
    end
    local width = 0
    each_value(values, function(value)
        width = math.max(width, #text(value))
    end)
    return function(value)
        local result = text(value)
        return (" "):rep(width - #result) .. result
    end
end

-- The text of nested lists; `depth` braces are open before it.
local function body(list, depth, format, levels)
    if type(list) ~= "table" then
        return format(list)
    end
    local indent = (" "):rep(depth + 1)
    if levels > 1 then
        local parts = {}
        for i, inner in ipairs(list) do
            parts[i] = inner.cut and "..." or body(inner, depth + 1, format, levels - 1)
        end
        return "{" .. table.concat(parts, "," .. ("\n"):rep(levels - 1) .. indent) .. "}"
    end
    local lines, line = {}, ""
    for i, value in ipairs(list) do
        local text = type(value) == "table" and "..." or format(value)
        text = text .. (i < #list and ", " or "")
        if #line > 0 and #indent + #line + #text > WIDTH then
            lines[#lines + 1] = line:gsub(" $", "")
            line = ""
        end
        line = line .. text
    end
    lines[#lines + 1] = line
    return "{" .. table.concat(lines, "\n" .. indent) .. "}"
end

--- The text that print shows.
function M.text(t)
    if not t.handle then
        return "a tensor that was freed"
    end
    local shape = t:shape()
    local head = ("%s %s %s"):format(t:dtype(), tensor.shape_text(t), t:device())
    if t.grad_wanted or t.node then
        head = head .. (t.node and ", made by " .. t.node.op.name or ", requires a gradient")
    end
    if t:numel() == 0 then
        return head .. "\n{}"
    end
    local scope = tensor.open_scope()
    local values = excerpt(t, shape, edge_of(shape, t:numel()))
    tensor.close_scope(scope)
    for _, made in ipairs(scope) do
        made:free()
    end
    return head .. "\n" .. body(values, 0, formatter(values), #shape)
end

return M
