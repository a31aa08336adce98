-- The source tree as the structure specs see it: lists of files and their texts.
local M = {}

--- Files below a folder whose names end in one of the suffixes, sorted; paths from the top.
function M.files(folder, ...)
    local tests = {}
    for _, suffix in ipairs{...} do
        tests[#tests + 1] = ("-name '*%s'"):format(suffix)
    end
    local pipe = io.popen(("find %s -type f \\( %s \\) | LC_ALL=C sort"):format(folder,
        table.concat(tests, " -o ")))
    local list = {}
    for path in pipe:lines() do
        list[#list + 1] = path
    end
    pipe:close()
    assert(#list > 0, "no files in " .. folder)
    return list
end

function M.read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

--- The name under which require finds lua/yoso/...
function M.module_name(path)
    return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
end

--- Fails with a list of what is wrong, if anything is.
function M.expect_none(wrong)
    if #wrong > 0 then
        error(#wrong .. " found:\n  " .. table.concat(wrong, "\n  "), 2)
    end
end

return M
