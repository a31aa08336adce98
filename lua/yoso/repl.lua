-- The interactive mode: reads inputs, runs them, shows what expressions give.
-- Lines that begin with ? ask for documentation, with % for a tool (see repl/help, repl/magic).
local environment = require "yoso.repl.environment"
local evaluate = require "yoso.repl.evaluate"
local show = require "yoso.repl.show"

local M = {}

local FIRST, NEXT = "> ", ">> "

local function report(message)
    io.stdout:flush()
    io.stderr:write(message, "\n")
end

local function print_results(results)
    if results.n == 0 then
        return
    end
    environment.remember(results[1])
    local texts = {}
    for i = 1, results.n do
        texts[i] = show.text(results[i])
    end
    io.write(table.concat(texts, "\t"), "\n")
end

--- Runs one whole input; false when it failed.
local function execute(chunk, is_expression)
    local ok, results = evaluate.run(chunk)
    if not ok then
        report(results)
        return false
    end
    if is_expression then
        -- A value's own __tostring may fail too.
        local shown, message = pcall(print_results, results)
        if not shown then
            report(tostring(message))
            return false
        end
    end
    return true
end

-- Words after ? and %: true when handled.
local function special(text)
    local question, name = text:match("^%s*(%?%??)%s*(.-)%s*$")
    if question then
        return true, require "yoso.repl.help".answer(name, question == "??")
    end
    local word, rest = text:match("^%s*%%(%a+)%s*(.-)%s*$")
    if word then
        return true, require "yoso.repl.magic".run(word, rest, execute)
    end
    return false
end

--- Reads one input, over as many lines as it needs, and runs it. Returns false at the end of
-- everything, else true and whether the input ran well.
local function step(source)
    local text = source.read(FIRST)
    if text == nil then
        return false
    elseif text == false or not text:find("%S") then
        return true, true
    end
    local handled, well = special(text)
    if handled then
        source.remember(text)
        return true, well
    end
    local chunk, detail, unfinished = evaluate.compile(text)
    while unfinished do
        local more = source.read(NEXT)
        if more == false then
            return true, true
        elseif more == nil then
            break
        end
        text = text .. "\n" .. more
        chunk, detail, unfinished = evaluate.compile(text)
    end
    source.remember(text)
    if not chunk then
        report(detail)
        return true, false
    end
    return true, execute(chunk, detail)
end

local function loop(source)
    local all_well = true
    while true do
        local more, well = step(source)
        if not more then
            return all_well
        end
        all_well = all_well and well
        io.stdout:flush()
    end
end

--- Reads and runs standard input to its end; returns the exit status: on a terminal always 0,
-- else 1 when an input failed or status (of what ran before) was not 0.
function M.run(options)
    local source = require "yoso.repl.input".open()
    if source.is_terminal then
        io.write("yoso ", require "yoso"._VERSION, ": ?name explains, ? lists what there is, ",
            "Ctrl-D ends\n")
    end
    local well = loop(source)
    if source.close then
        source.close()
    end
    if source.is_terminal then
        io.write("\n")
        return 0
    end
    return well and options.status == 0 and 0 or 1
end

--- yoso.repl(locals): the interactive mode inside a script; names in locals are seen as globals.
-- Returns when the input ends.
function M.repl(locals)
    for name, value in pairs(locals or {}) do
        rawset(environment.get(), name, value)
    end
    M.run{status = 0}
end

return M
