-- Prints lua/yoso/cdef.lua: the declarations of yoso.h as one string for ffi.cdef.
-- usage: luajit make_cdef.lua yoso.h
local path = assert(arg[1], "usage: luajit make_cdef.lua yoso.h")
local file = assert(io.open(path))
local text = file:read("*a")
file:close()

text = text:gsub("/%*.-%*/", "")
local kept, skipping = {}, false
for line in text:gmatch("[^\n]*") do
    local directive = line:match("^%s*#%s*(%w+)")
    if directive == "ifdef" and line:find("__cplusplus") then
        skipping = true
    elseif directive == "endif" then
        skipping = false
    elseif not directive and not skipping and line:find("%S") then
        kept[#kept + 1] = line
    end
end
io.write("-- Made from yoso.h by make_cdef.lua; do not edit.\nreturn [==[\n",
    table.concat(kept, "\n"), "\n]==]\n")
