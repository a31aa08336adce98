-- Runs build/yoso, or any shell line, and gives back what it printed and its exit status.
local M = {}

--- The build folder and the program in it.
M.build = assert(os.getenv("YOSO_BUILD"), "YOSO_BUILD names the build folder (make check sets it)")
M.path = M.build .. "/yoso"

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

--- A word as the shell takes it literally.
function M.quote(text)
    return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- A path from the root.
function M.absolute(path)
    return (M.shell("readlink -f " .. M.quote(path)).out:gsub("\n$", ""))
end

--- Runs a shell line: {status=, out=, err=}. input, if given, becomes its standard input.
function M.shell(line, input)
    local out, err, given = os.tmpname(), os.tmpname(), os.tmpname()
    local file = assert(io.open(given, "wb"))
    file:write(input or "")
    file:close()
    local pipe = io.popen(("{ %s\n} <%s >%s 2>%s; echo $?"):format(line, given, out, err))
    local status = tonumber(pipe:read("*a"))
    pipe:close()
    local result = {status = status, out = read(out), err = read(err)}
    os.remove(out)
    os.remove(err)
    os.remove(given)
    return result
end

--- Runs the program with a list of arguments.
function M.run(arguments, input)
    local words = {M.quote(M.path)}
    for _, word in ipairs(arguments) do
        words[#words + 1] = M.quote(word)
    end
    return M.shell(table.concat(words, " "), input)
end

--- The source tree: specs run in its top folder.
M.source = M.absolute(".")

--- Writes a temporary file; the caller removes it.
function M.file(text)
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
end

return M
