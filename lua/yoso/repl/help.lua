-- Documentation in place: ?name shows what the comment above a function says, ??name its source.
local docs = require "yoso.repl.docs"
local environment = require "yoso.repl.environment"

local M = {}

local function overview()
    print("Lua is read here: expressions show their value (_ is the latest), yoso is there already.")
    print("   ?NAME           what NAME is: ?yoso.zeros, ?yoso.nn.Linear, ?x")
    print("   ??NAME          its source")
    for _, magic in ipairs(require "yoso.repl.magic".list()) do
        print(("   %-15s %s"):format(magic[1], magic[2]))
    end
    print("   Tab             completes a.b and a:b;  Ctrl-C stops what runs;  Ctrl-D ends")
    print("yoso offers: " .. table.concat(require "yoso".names(), " "))
    return true
end

local function resolve(name)
    local chunk = loadstring("return " .. name:gsub(":", "."))
    if not chunk then
        return nil
    end
    local ok, value = pcall(setfenv(chunk, environment.get()))
    return ok and value or nil
end

local function describe(name, value)
    local kind = type(value)
    if kind == "function" then
        local found = docs.of_function(value, name:match("[%w_]+$"))
        print(found.signature or name)
        if found.text then
            print(found.text)
        end
        if found.place then
            print("at " .. found.place)
        end
    elseif kind == "table" and docs.of_table(value) then
        print(docs.of_table(value))
    else
        print(("%s is a %s"):format(name, kind))
        print((require "yoso.repl.show".text(value)))
    end
end

--- Answers ?name or, with source, ??name; false when there is nothing of that name.
function M.answer(name, source)
    if name == "" then
        return overview()
    end
    local value = resolve(name)
    if value == nil then
        io.stderr:write(("there is nothing called %s\n"):format(name))
        return false
    end
    local text = source and docs.source_of(value)
    if text then
        print(text)
    else
        describe(name, value)
    end
    return true
end

return M
