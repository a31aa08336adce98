-- How the REPL prints a value: tables with their contents, to a depth and a length that stay
-- readable; tensors and whatever has a __tostring by that; strings inside tables in quotes.
local M = {}

M.depth = 4 -- tables in tables
M.entries = 60 -- of one table
M.width = 78

local reserved = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
    return then true until while]]):gmatch("%a+") do
    reserved[word] = true
end

local function quoted(text)
    return (("%q"):format(text):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("%z", "\\0"))
end

local function number(value)
    return value == math.floor(value) and math.abs(value) < 1e15 and ("%d"):format(value)
        or tostring(value)
end

local function key_text(key)
    if type(key) == "string" and key:match("^[%a_][%w_]*$") and not reserved[key] then
        return key
    end
    return "[" .. (type(key) == "string" and quoted(key) or type(key) == "number" and number(key)
        or tostring(key)) .. "]"
end

-- Numbers before strings before the rest, each in order.
local rank = {number = 1, string = 2}
local function before(a, b)
    local type_a, type_b = type(a), type(b)
    if type_a == type_b and rank[type_a] then
        return a < b
    elseif type_a ~= type_b then
        return (rank[type_a] or 3) < (rank[type_b] or 3)
    end
    return tostring(a) < tostring(b)
end

local show

-- The texts of a table's entries: the list first, then keys in order.
local function entries_of(value, depth, seen)
    local texts, length = {}, #value
    for i = 1, math.min(length, M.entries) do
        texts[i] = show(rawget(value, i), depth + 1, seen)
    end
    local keys = {}
    for key in next, value do
        local in_list = type(key) == "number" and key >= 1 and key <= length
            and key == math.floor(key)
        if not in_list then
            keys[#keys + 1] = key
        end
    end
    table.sort(keys, before)
    local hidden = math.max(0, length - M.entries)
    for _, key in ipairs(keys) do
        if #texts < M.entries then
            texts[#texts + 1] = key_text(key) .. " = "
                .. show(rawget(value, key), depth + 1, seen)
        else
            hidden = hidden + 1
        end
    end
    if hidden > 0 then
        texts[#texts + 1] = ("... (%d more)"):format(hidden)
    end
    return texts
end

local function show_table(value, depth, seen)
    if seen[value] then
        return "(this table again)"
    elseif next(value) == nil then
        return "{}"
    elseif depth >= M.depth then
        return "{...}"
    end
    seen[value] = true
    local texts = entries_of(value, depth, seen)
    seen[value] = nil
    local line = "{" .. table.concat(texts, ", ") .. "}"
    if #line + 4 * depth <= M.width and not line:find("\n", 1, true) then
        return line
    end
    local indent = ("    "):rep(depth + 1)
    return "{\n" .. indent .. table.concat(texts, ",\n" .. indent) .. "\n"
        .. ("    "):rep(depth) .. "}"
end

function show(value, depth, seen)
    local kind = type(value)
    if kind == "string" then
        return quoted(value)
    elseif kind == "number" then
        return number(value)
    elseif kind == "function" and depth > 0 then
        return kind -- addresses in lists tell nothing
    elseif kind ~= "table" then
        return tostring(value)
    end
    local meta = getmetatable(value)
    if depth > 0 and type(rawget(value, "__name")) == "string" then
        return "class " .. value.__name
    end
    if type(meta) == "table" and rawget(meta, "__tostring") then
        local text = tostring(value)
        return depth > 0 and text:gsub("\n", "\n" .. ("    "):rep(depth)) or text
    end
    return show_table(value, depth, seen)
end

--- The text of a value; a string at the top is itself.
function M.text(value)
    return type(value) == "string" and value or (show(value, 0, {}))
end

return M
