-- The command line: `yoso FILE`, -e, -i, the commands, and what they have in common.
-- A command NAME is the module yoso.cli.NAME: {summary = one line, examples = list of lines,
-- configure = function(parser) (lua-argparse), run = function(args) return status end}.
local M = {}

M.DONE, M.FAILED, M.USAGE = 0, 1, 2

--- Commands in the order of the help.
M.commands = {
    "classify", "fill-mask", "tag", "answer", "choose", "embed", "tokenize", "tokenizer-train",
    "train", "eval", "bench", "info", "convert", "help",
}

local function say(...)
    io.stderr:write("yoso: ", table.concat({...}), "\n")
end

--- A message as one line.
local function one_line(message)
    return (message:gsub("%s*\n%s*", "; "))
end

local function handler(message)
    if type(message) ~= "string" then
        local meta = getmetatable(message)
        message = meta and meta.__tostring and tostring(message)
            or ("(error object is a %s value)"):format(type(message))
    end
    return {message = message, traceback = debug.traceback(message, 2)}
end

--- Runs fn(...); a failure is told in one line (with its call stack if YOSO_TRACEBACK is set).
local function guarded(prefix, fn, ...)
    local arguments, count = {...}, select("#", ...)
    local ok, result = xpcall(function()
        return fn(unpack(arguments, 1, count))
    end, handler)
    if ok then
        return true, result
    end
    local trace, message = os.getenv("YOSO_TRACEBACK"), one_line(result.message)
    if message:sub(1, #prefix) == prefix then -- a pipeline that has the command's name
        prefix = ""
    end
    say(prefix, trace and trace ~= "" and result.traceback or message)
    return false
end

-- -- Commands -----------------------------------------------------------------------------------

local function module_of(name)
    return "yoso.cli." .. name:gsub("-", "_")
end

-- Whether require would find the module.
local function is_there(module)
    for _, loader in ipairs(package.loaders) do
        if type(loader(module)) == "function" then
            return true
        end
    end
    return false
end

--- The module of a command; nil when there is none of that name.
function M.find(name)
    if not name:match("^%l[%l%d-]*$") or not is_there(module_of(name)) then
        return nil
    end
    local command = require(module_of(name))
    return type(command) == "table" and command.run and command or nil
end

--- The argparse parser of a command.
function M.parser(name, command)
    local summary = (command.summary or ""):gsub("^%l", string.upper):gsub("%w$", "%0.")
    local parser = require "argparse"("yoso " .. name, summary)
    parser:usage_max_width(90)
    parser:help_description_margin(30)
    if command.configure then
        command.configure(parser)
    end
    if command.examples then
        parser:epilog("Examples:\n   " .. table.concat(command.examples, "\n   "))
    end
    return parser
end

--- The help of a command's sub-command (command.parsers[sub]) and true, or where there is none of
-- that name of the command and false.
function M.help(name, command, sub)
    local parser = M.parser(name, command)
    local below = command.parsers and command.parsers[sub]
    return (below or parser):get_help(), below ~= nil
end

local function asks_for_help(arguments)
    for _, argument in ipairs(arguments) do
        if argument == "--" then
            return false
        elseif argument == "-h" or argument == "--help" then
            return true
        end
    end
    return false
end

-- argparse takes a negative number for an option unless it is written --option=-1.
local function with_negative_numbers(arguments)
    local list, plain = {}, false
    for _, argument in ipairs(arguments) do
        local before = list[#list]
        plain = plain or argument == "--"
        if not plain and before and before:find("^%-%-[%l%d-]+$") and argument:find("^%-")
            and tonumber(argument) then
            list[#list] = before .. "=" .. argument
        else
            list[#list + 1] = argument
        end
    end
    return list
end

local function run_command(name, command, arguments)
    local prefix = name .. ": "
    local ok, parser = guarded(prefix, M.parser, name, command)
    if not ok then
        return M.FAILED
    end
    if asks_for_help(arguments) then
        print((M.help(name, command, arguments[1])))
        return M.DONE
    end
    local parsed, args = parser:pparse(with_negative_numbers(arguments))
    if not parsed then
        say(prefix, one_line(args), " (yoso help ", name, " tells more)")
        return M.USAGE
    end
    local done, status = guarded(prefix, command.run, args)
    return done and (status or M.DONE) or M.FAILED
end

--- The number of letters to add, drop or change to make b of a.
local function distance(a, b)
    local row = {}
    for j = 0, #b do
        row[j] = j
    end
    for i = 1, #a do
        local diagonal = row[0]
        row[0] = i
        for j = 1, #b do
            local change = diagonal + (a:byte(i) == b:byte(j) and 0 or 1)
            diagonal = row[j]
            row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
        end
    end
    return row[#b]
end

--- The command most like name, if one is like it.
function M.nearest(name)
    local best, least
    for _, command in ipairs(M.commands) do
        local d = distance(name, command)
        if (not least or d < least) and is_there(module_of(command)) then
            best, least = command, d
        end
    end
    return least and least < #name and least <= math.max(2, math.floor(#best / 3)) and best or nil
end

-- -- Scripts and code ------------------------------------------------------------------------------

local function is_file(path)
    local file = io.open(path, "rb")
    if not file then
        return false
    end
    local readable = file:read(0) ~= nil or file:seek("end") == 0
    file:close()
    return readable
end

--- Sets arg as stock Lua does: the script at 0, what stood before it below.
local function set_arg(words, script_at)
    local list = {}
    for i = 1, #words do
        list[i - script_at] = words[i]
    end
    rawset(_G, "arg", list)
    return unpack(words, script_at + 1)
end

local function run_chunk(chunk, message, ...)
    if not chunk then
        say(one_line(message))
        return M.FAILED
    end
    return guarded("", chunk, ...) and M.DONE or M.FAILED
end

local function run_file(path, words, script_at)
    local chunk, message = loadfile(path ~= "-" and path or nil)
    return run_chunk(chunk, message, set_arg(words, script_at))
end

local function run_code(code)
    local chunk, message = loadstring(code, "=(command line)")
    if chunk then
        setfenv(chunk, require "yoso.repl.environment".get())
    end
    return run_chunk(chunk, message)
end

-- -- The whole line ----------------------------------------------------------------------------------

--- Reads yoso's own options: returns {code = list, interactive=, action=}, the position of the
-- first other word; or nil and a message.
local function own_options(words)
    local options = {code = {}}
    local at = 2
    while words[at] and words[at]:match("^%-.") do
        local word = words[at]
        if word == "--" then
            return options, at + 1
        elseif word == "-i" then
            options.interactive = true
        elseif word:sub(1, 2) == "-e" then
            local code = word:sub(3)
            if code == "" then
                at = at + 1
                code = words[at]
            end
            if not code then
                return nil, "-e needs code after it"
            end
            table.insert(options.code, code)
        elseif word == "-h" or word == "--help" or word == "--version" or word == "-v" then
            options.action = word:match("h") and "help" or "version"
        else
            return nil, ("there is no option %s (yoso help lists them)"):format(word)
        end
        at = at + 1
    end
    return options, at
end

local function run_word(words, at)
    local word = words[at]
    local found, command = guarded(word .. ": ", M.find, word)
    if not found then
        return M.FAILED
    elseif command then
        return run_command(word, command, {unpack(words, at + 1)})
    elseif word == "-" or is_file(word) then
        return run_file(word, words, at)
    end
    local nearest = M.nearest(word)
    say(("%s is neither a command nor a file that can be read"):format(word),
        nearest and ("; did you mean %s?"):format(nearest) or " (yoso help lists the commands)")
    return M.USAGE
end

--- Runs a command line, the program's name first; returns the exit status.
function M.main(...)
    local words = {...}
    local options, at = own_options(words)
    if not options then
        say(at)
        return M.USAGE
    elseif options.action == "help" then
        return run_command("help", M.find("help"), {})
    elseif options.action == "version" then
        print("yoso " .. require "yoso"._VERSION)
        return M.DONE
    end
    local status = M.DONE
    set_arg(words, math.min(at, #words + 1) > #words and 1 or at)
    for _, code in ipairs(options.code) do
        if status == M.DONE then
            status = run_code(code)
        end
    end
    if status == M.DONE and words[at] then
        status = run_word(words, at)
    end
    local nothing_else = #options.code == 0 and not words[at]
    if options.interactive or nothing_else then
        return require "yoso.repl".run{status = status, keep_open = options.interactive}
    end
    return status
end

return M
