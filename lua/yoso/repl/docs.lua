-- What the sources say about a function or a module: the comment above it, its signature, its
-- text. Reads the files inside the library or, where Lua was loaded from files, those.
local c = require "yoso.c"

local M = {}

local size_slot = c.typeof("int64_t[1]")

--- The lines of a chunk, by the name that debug.getinfo gives it; nil when they cannot be had.
local function lines_of(chunk)
    local text
    local inside = chunk:match("^@yoso:(.*)%.lua$")
    if inside then
        local name = inside == "init" and "yoso"
            or "yoso." .. inside:gsub("/init$", ""):gsub("/", ".")
        local size = size_slot()
        local source = c.lib.yoso_module_source(name, size)
        text = source ~= nil and c.string(source, size[0]) or nil
    elseif chunk:sub(1, 1) == "@" then
        local file = io.open(chunk:sub(2))
        text = file and file:read("*a")
        if file then
            file:close()
        end
    end
    if not text then
        return nil
    end
    local lines = {}
    for line in (text:gsub("\n?$", "\n")):gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
    end
    return lines
end

-- An operation's function is made by op.define: what was written is its forward.
local function written(fn)
    local op = package.loaded["yoso.op"]
    for _, operation in ipairs(op and op.list or {}) do
        if operation.run == fn then
            return operation.forward, operation.name
        end
    end
    return fn
end

local function uncommented(line)
    return (line:gsub("^%s*%-%-+ ?", ""))
end

-- The comment block that ends above line `at`, as text without its dashes.
local function comment_above(lines, at)
    local first = at
    while first > 1 and lines[first - 1]:match("^%s*%-%-") do
        first = first - 1
    end
    local text = {}
    for i = first, at - 1 do
        text[#text + 1] = uncommented(lines[i])
    end
    return #text > 0 and table.concat(text, "\n") or nil
end

-- The comment block that begins by naming `name`: "--- name(x): ..", or among several, as in
-- "--- add(a, b), sub, mul: ..".
local function comment_naming(lines, name)
    for i, line in ipairs(lines) do
        local head = line:match("^%-%-%- ([^:]*:?[^:]*):")
            or line:match("^%-%-%- ([%w_:]+[%s{%(].*)$")
        if head and head:find("%f[%w_]" .. name .. "%f[^%w_]") then
            local last = i
            while lines[last + 1] and lines[last + 1]:match("^%-%-") do
                last = last + 1
            end
            local text = {}
            for k = i, last do
                text[#text + 1] = uncommented(lines[k])
            end
            return table.concat(text, "\n")
        end
    end
end

--- {signature=, text=, place=} of a function called `name`; fields are nil where nothing is known.
function M.of_function(fn, name)
    local body, operation = written(fn)
    local info = debug.getinfo(body, "S")
    if info.what == "C" then
        return {text = "a function written in C"}
    end
    local lines = lines_of(info.source)
    local at = info.linedefined
    local found = {place = ("%s:%d"):format(info.short_src, at)}
    if not lines or not lines[at] then
        return found
    end
    if not operation then
        found.signature = lines[at]:match("function%s*([%w_%.:]*%b())")
        found.text = comment_above(lines, at)
    end
    found.text = found.text or comment_naming(lines, operation or name)
    return found
end

--- The comment at the head of the module that a table is, or of the class whose methods it has.
function M.of_table(value)
    for name, module in pairs(package.loaded) do
        if module == value and name:match("^yoso") then
            local source = c.lib.yoso_module_source(name, nil)
            local lines = source ~= nil and c.string(source):gmatch("([^\n]*)\n")
            local text = {}
            for line in lines or function() end do
                local comment = line:match("^%-%-+ ?(.*)")
                if not comment then
                    break
                end
                text[#text + 1] = comment
            end
            local seen, names = {}, {}
            local meta = getmetatable(value)
            for _, list in ipairs{value, meta and meta.__names} do
                for key in next, list do
                    if type(key) == "string" and key:match("^%a") and not seen[key] then
                        seen[key] = true
                        names[#names + 1] = key
                    end
                end
            end
            table.sort(names)
            return name .. ": " .. table.concat(text, "\n") .. "\nhas: "
                .. table.concat(names, " ")
        end
    end
end

--- The source text of a function; nil for what has none.
function M.source_of(value)
    if type(value) ~= "function" then
        return nil
    end
    local info = debug.getinfo((written(value)), "S")
    local lines = info.what ~= "C" and lines_of(info.source)
    if not lines or not lines[info.lastlinedefined] then
        return nil
    end
    return table.concat(lines, "\n", info.linedefined, info.lastlinedefined)
end

return M
