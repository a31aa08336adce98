-- The tools behind % in the REPL: timing, running files, listing what was defined.
local c = require "yoso.c"
local environment = require "yoso.repl.environment"
local evaluate = require "yoso.repl.evaluate"
local show = require "yoso.repl.show"

local M = {}

local function report(message)
    io.stderr:write(message, "\n")
    return false
end

local function seconds(value)
    if value < 1e-3 then
        return ("%.3g us"):format(value * 1e6)
    elseif value < 1 then
        return ("%.3g ms"):format(value * 1e3)
    end
    return ("%.3g s"):format(value)
end

local magics = {}

magics.time = {"%time CODE", "runs the code once, shows its value and how long it took",
    function(text, execute)
        local chunk, detail = evaluate.compile(text)
        if not chunk then
            return report(detail)
        end
        local start = c.lib.yoso_time()
        local well = execute(chunk, detail)
        io.write("took ", seconds(c.lib.yoso_time() - start), "\n")
        return well
    end}

magics.bench = {"%bench CODE", "runs the code for about a second, shows the time of one run",
    function(text)
        local chunk, detail = evaluate.compile(text)
        if not chunk then
            return report(detail)
        end
        local times, start = {}, c.lib.yoso_time()
        repeat
            local before = c.lib.yoso_time()
            local ok, message = evaluate.run(chunk)
            if not ok then
                return report(message)
            end
            times[#times + 1] = c.lib.yoso_time() - before
        until c.lib.yoso_time() - start > 1
        table.sort(times)
        io.write(("%d runs: median %s, fastest %s, slowest %s\n"):format(#times,
            seconds(times[math.ceil(#times / 2)]), seconds(times[1]), seconds(times[#times])))
        return true
    end}

magics.run = {"%run FILE [ARGS]", "runs a script in this session, arguments as words",
    function(text, execute)
        local words = {}
        for word in text:gmatch("%S+") do
            words[#words + 1] = word
        end
        local path = table.remove(words, 1)
        if not path then
            return report("%run: a file is wanted")
        end
        local script, message = loadfile(path)
        if not script then
            return report(message)
        end
        return execute(function()
            script(unpack(words))
        end, false)
    end}

magics.who = {"%who", "lists the names that this session has defined",
    function()
        local names = {}
        for name in pairs(_G) do
            if not environment.at_start[name] then
                names[#names + 1] = name
            end
        end
        table.sort(names)
        for _, name in ipairs(names) do
            local text = show.text(_G[name]):gsub("%s+", " ")
            io.write(("%-16s %s\n"):format(name, #text > 60 and text:sub(1, 57) .. "..." or text))
        end
        return true
    end}

--- {usage, what it does} of each tool, in order.
function M.list()
    local names, list = {}, {}
    for name in pairs(magics) do
        names[#names + 1] = name
    end
    table.sort(names)
    for i, name in ipairs(names) do
        list[i] = {magics[name][1], magics[name][2]}
    end
    return list
end

--- Runs a tool; false when it failed. execute runs a chunk and shows what it gives.
function M.run(word, rest, execute)
    local magic = magics[word]
    if not magic then
        return report(("there is no %%%s; ? lists what there is"):format(word))
    end
    return magic[3](rest, execute)
end

return M
