-- Writes the C file that holds all Lua modules: their sources as string literals and a table
-- sorted by name.
-- usage: luajit embed.lua LISTED-FILE... > modules.c   (paths that contain lua/yoso/)
local out = {"/* Made by embed.lua; do not edit. */\n#include \"host/modules.h\"\n"}

local escapes = {["\\"] = "\\\\", ['"'] = '\\"', ["\t"] = "\\t", ["\r"] = "\\r", ["?"] = "\\?"}

-- A line as a C literal: bytes that are not plain ASCII in octal.
local function literal(line)
    return '"' .. line:gsub('[\\"\t\r?]', escapes):gsub("[^\32-\126]", function(byte)
        return ("\\%03o"):format(byte:byte())
    end) .. '"'
end

local modules = {}
for _, path in ipairs(arg) do
    local inside = assert(path:match("lua/(yoso/.*)%.lua$") or path:match("lua/(yoso)%.lua$"), path)
    local file = assert(io.open(path, "rb"))
    local source = file:read("*a")
    file:close()
    modules[#modules + 1] = {
        name = (inside:gsub("/init$", ""):gsub("/", ".")),
        chunk = "@yoso:" .. inside:gsub("^yoso/", "") .. ".lua",
        source = source,
    }
end
table.sort(modules, function(a, b) return a.name < b.name end)

for i, module in ipairs(modules) do
    out[#out + 1] = ("\nstatic const char source_%d[] ="):format(i)
    for line, ending in module.source:gmatch("([^\n]*)(\n?)") do
        if line ~= "" or ending ~= "" then
            out[#out + 1] = "    " .. literal(line):gsub('"$', ending ~= "" and '\\n"' or '"')
        end
    end
    if module.source == "" then
        out[#out + 1] = '    ""'
    end
    out[#out] = out[#out] .. ";"
end
out[#out + 1] = "\nconst yo_module yo_modules[] = {"
for i, module in ipairs(modules) do
    out[#out + 1] = ("    {%s, %s, source_%d, sizeof source_%d - 1},")
        :format(literal(module.name), literal(module.chunk), i, i)
end
out[#out + 1] = "};"
out[#out + 1] = ("const long yo_module_count = %d;"):format(#modules)
io.write(table.concat(out, "\n"), "\n")
