-- Completion of what is being typed: globals and keywords, a.b and a:b, and words after ? and %.
-- It reads tables and calls nothing of the user's, so it neither raises nor changes anything
-- (but for opening rooms of the library).
local M = {}

local keywords = {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto",
    "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"}

-- The names behind an __index that is a function, where they are known: rooms that open when they
-- are asked for list them as __names in their metatable.
local function known_names(object)
    local tensor = package.loaded["yoso.tensor"]
    local meta = getmetatable(object)
    if tensor and meta == tensor.metatable then
        return tensor.methods
    end
    local names = type(meta) == "table" and rawget(meta, "__names")
    return type(names) == "table" and names or {}
end

--- Adds the string keys of an object and of the tables behind it.
local function collect(object, found)
    for _ = 1, 20 do
        if type(object) == "table" then
            for key in next, object do
                if type(key) == "string" then
                    found[key] = rawget(object, key)
                end
            end
            for name in pairs(known_names(object)) do
                found[name] = found[name] == nil or found[name]
            end
        end
        local meta = debug.getmetatable(object)
        object = type(meta) == "table" and rawget(meta, "__index") or nil
        if object == nil or type(object) == "function" then
            return
        end
    end
end

-- The value of one name in an object, without running code of the user's.
local function field(object, name)
    for _ = 1, 20 do
        if type(object) == "table" then
            local value = rawget(object, name)
            if value ~= nil then
                return value
            elseif known_names(object)[name] then
                local ok, opened = pcall(function()
                    return object[name]
                end)
                return ok and opened or nil
            end
        end
        local meta = debug.getmetatable(object)
        object = type(meta) == "table" and rawget(meta, "__index") or nil
        if object == nil or type(object) == "function" then
            return nil
        end
    end
end

--- Candidates for the end of text: the position where the word begins, and the names that fit,
-- in order. environment is where names are looked up.
function M.candidates(text, environment)
    local path, separator, word = text:match("([%a_][%w_%.]*)([%.:])([%w_]*)$")
    local found = {}
    if path then
        local object = environment
        for name in path:gmatch("[^%.]+") do
            if object == environment then
                object = rawget(environment, name)
                if object == nil then
                    object = rawget(_G, name)
                end
                if object == nil and name == "yoso" then
                    object = require "yoso"
                end
            else
                object = field(object, name)
            end
            if object == nil then
                return #text + 1, {}
            end
        end
        collect(object, found)
    else
        word = text:match("[%a_][%w_]*$") or ""
        collect(environment, found)
        collect(_G, found)
        found.yoso = found.yoso or true
        for _, keyword in ipairs(keywords) do
            found[keyword] = true
        end
    end
    local names = {}
    for name, value in pairs(found) do
        local fits = name:sub(1, #word) == word and name:match("^[%a_][%w_]*$")
        local callable = type(value) == "function" or type(value) == "table" or value == true
        if fits and (separator ~= ":" or callable) and (word ~= "" or name:sub(1, 1) ~= "_") then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    return #text - #word + 1, names
end

--- The same, whatever happens.
function M.safely(text, environment)
    local ok, start, names = pcall(M.candidates, text, environment)
    if not ok then
        return #text + 1, {}
    end
    return start, names
end

return M
