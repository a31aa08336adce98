-- JSON: lua-cjson reads it; written here with sorted keys, so that equal values give equal texts.
-- An empty array stays one: it is read with the metatable that `array` gives.
local c = require "yoso.c"
local cjson = require("cjson").new()

local M = {}

cjson.decode_invalid_numbers(false)

--- What JSON's null is read as, and what is written as null.
M.null = cjson.null

local Array = {}
local EMPTY = "\0 empty array"

--- Marks a list so that it is written as an array even when it is empty.
function M.array(list)
    return setmetatable(list or {}, Array)
end

-- cjson reads [] and {} alike, so arrays without elements are given one to be known by.
local function mark_empty(text)
    local parts, from, at = {}, 1, 1
    while true do
        at = text:find('["%[]', at)
        if not at then
            break
        end
        if text:byte(at) == 34 then
            repeat
                at = text:find('["\\]', at + 1)
                local escape = at and text:byte(at) == 92
                at = escape and at + 1 or at
            until not escape
            if not at then
                break
            end
            at = at + 1
        else
            local stop = text:match("^%s*%]()", at + 1)
            if stop then
                parts[#parts + 1] = text:sub(from, at) .. '"\\u0000 empty array"]'
                from, at = stop, stop
            else
                at = at + 1
            end
        end
    end
    parts[#parts + 1] = text:sub(from)
    return table.concat(parts)
end

local function restore_empty(value)
    if type(value) ~= "table" then
        return value
    end
    if value[1] == EMPTY and value[2] == nil then
        return M.array{}
    end
    for key, inner in pairs(value) do
        value[key] = restore_empty(inner)
    end
    return value
end

--- The value of a JSON text, or nil and "what: problem".
function M.decode(text, what)
    local marked = text:find("%[%s*%]") ~= nil
    local ok, value = pcall(cjson.decode, marked and mark_empty(text) or text)
    if not ok then
        return nil, ("%s: not JSON: %s"):format(what or "decode", value)
    end
    return marked and restore_empty(value) or value
end

local escapes = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
    ["\b"] = "\\b", ["\f"] = "\\f"}

local function encode_string(text)
    return '"' .. text:gsub('[%c"\\]', function(char)
        return escapes[char] or ("\\u%04x"):format(char:byte())
    end) .. '"'
end

local function encode_number(number)
    if number ~= number or number == math.huge or number == -math.huge then
        c.raise(("encode: %s has no JSON form"):format(tostring(number)))
    end
    if number == math.floor(number) and math.abs(number) < 2 ^ 53 then
        return ("%d"):format(number)
    end
    local short = ("%.14g"):format(number)
    return tonumber(short) == number and short or ("%.17g"):format(number)
end

local encode

local function encode_table(value, indent, depth)
    local open, close = "{", "}"
    local items = {}
    if getmetatable(value) == Array or #value > 0 then
        open, close = "[", "]"
        for i = 1, #value do
            items[i] = encode(value[i], indent, depth + 1)
        end
        for key in pairs(value) do
            if not items[key] then
                c.raise(("encode: a list has the key %s too"):format(tostring(key)))
            end
        end
    else
        local keys = {}
        for key in pairs(value) do
            if type(key) ~= "string" then
                c.raise(("encode: key %s is a %s, must be a string")
                    :format(tostring(key), type(key)))
            end
            keys[#keys + 1] = key
        end
        table.sort(keys)
        for i, key in ipairs(keys) do
            items[i] = encode_string(key) .. (indent and ": " or ":")
                .. encode(value[key], indent, depth + 1)
        end
    end
    if #items == 0 then
        return open .. close
    end
    if not indent then
        return open .. table.concat(items, ",") .. close
    end
    local inner = "\n" .. indent:rep(depth + 1)
    return open .. inner .. table.concat(items, "," .. inner) .. "\n" .. indent:rep(depth) .. close
end

function encode(value, indent, depth)
    if depth > 200 then
        c.raise("encode: tables are nested more than 200 deep")
    end
    local kind = type(value)
    if kind == "table" then
        return encode_table(value, indent, depth)
    elseif kind == "string" then
        return encode_string(value)
    elseif kind == "number" then
        return encode_number(value)
    elseif kind == "boolean" then
        return tostring(value)
    elseif value == nil or value == M.null then
        return "null"
    end
    return c.raise(("encode: a %s has no JSON form"):format(kind))
end

--- The JSON text of a value: keys sorted, on one line unless indent (a string) is given.
function M.encode(value, indent)
    return encode(value, indent, 0)
end

return M
