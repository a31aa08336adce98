-- Where the models that ship with yoso are.
local c = require "yoso.c"
local file = require "yoso.io.file"

local M = {}

--- The model that commands use when none is named.
M.default = "sentiment"

--- The folders that are looked through, in order: those of YOSO_MODELS (separated by colons),
-- the build tree's beside the library that runs in place, the installed one, and the installed
-- one relative to the library.
function M.folders()
    local list = {}
    for folder in (os.getenv("YOSO_MODELS") or ""):gmatch("[^:]+") do
        list[#list + 1] = folder
    end
    local library = c.string(c.lib.yoso_library_path())
    local build = library:match("^(.*)/%.libs/[^/]*$")
    if build then
        list[#list + 1] = build .. "/models-in-place"
    end
    list[#list + 1] = c.string(c.lib.yoso_data_path()) .. "/models"
    local prefix = library:match("^(.*)/lib[^/]*/[^/]*$") or library:match("^(.*)/lib/[^/]*/[^/]*$")
    if prefix and not build then
        list[#list + 1] = prefix .. "/share/yoso/models"
    end
    return list
end

--- The folder of the shipped model `name`; nil and a message that says where it was looked for.
function M.path(name)
    if type(name) ~= "string" or name:find("/", 1, true) or name == "" then
        c.raise(("models.path: name is %s, must be the name of a shipped model")
            :format(type(name) == "string" and ("%q"):format(name) or "a " .. type(name)))
    end
    local folders = M.folders()
    for _, folder in ipairs(folders) do
        local path = folder .. "/" .. name
        if file.is_directory(path) then
            return path
        end
    end
    return nil, ("there is no model %s in %s"):format(name, table.concat(folders, ", "))
end

--- The names of all shipped models, in order.
function M.list()
    local seen, names = {}, {}
    for _, folder in ipairs(M.folders()) do
        for _, name in ipairs(file.list(folder) or {}) do
            if not seen[name] and file.is_directory(folder .. "/" .. name) then
                seen[name] = true
                names[#names + 1] = name
            end
        end
    end
    table.sort(names)
    return names
end

return M
