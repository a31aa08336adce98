-- yoso bench: measures this machine. Each sub-command is a module of yoso.bench.
local arguments = require "yoso.arguments"
local device = require "yoso.bench.device"
local machine = require "yoso.bench.machine"
local report = require "yoso.bench.report"
local yoso = require "yoso"

local M = {summary = "measure speed and memory on this machine", parsers = {}}

local rooms = {"attention", "model", "train", "length", "sentences", "ops", "tokenizer"}

function M.configure(command)
    command:command_target("bench")
    command:require_command(true)
    for _, name in ipairs(rooms) do
        local room = require("yoso.bench." .. name)
        local sub = command:command(name, room.summary)
        sub:flag("--json", "One JSON object a measurement.")
        sub:option("--repeats", "Timed runs of each case, after one to warm up.", "3")
            :convert(arguments.whole(1))
        sub:option("--threads", "Threads (default: as many as the process may run on)."):convert(arguments.whole(1))
        room.configure(sub)
        M.parsers[name] = sub
    end
end

function M.run(args)
    local room = require("yoso.bench." .. args.bench)
    if args.threads then
        yoso.set_threads(args.threads)
    end
    local about = machine.describe()
    io.stderr:write(("yoso %s on %s, %s kernels, %d threads\n")
        :format(about.version, about.cpu, about.isa, about.threads))
    if args.device then
        local there, failure = device.check(args.device)
        if not there then
            io.stderr:write("yoso: ", failure, "\n")
            return 1
        end
        if args.device == "cuda" then
            io.stderr:write("device cuda: ", device.describe(), "\n")
        end
    end
    local rows = {}
    local ok, message = room.run(args, function(row)
        if args.json then
            report.print(room.columns, {row}, true)
            io.flush()
        else
            rows[#rows + 1] = row
        end
    end)
    if #rows > 0 then
        report.print(room.columns, rows, false)
    end
    if ok == nil and message then
        io.stderr:write("yoso: ", message, "\n")
        return 1
    end
    return 0
end

return M
