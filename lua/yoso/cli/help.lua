-- yoso help: what the program can do, or one command's options.
local cli = require "yoso.cli"

local M = {summary = "tell what the program can do, or how a command is used"}

M.examples = {"yoso help", "yoso help classify", "yoso help bench attention"}

function M.configure(parser)
    parser:argument("command", "The command to explain."):args("?")
    parser:argument("sub", "Its sub-command."):args("?")
end

local function overview()
    print([[
yoso: transformers with YOSO attention, in C and Lua

Usage:
   yoso                         interactive mode (also reads a pipe)
   yoso FILE.lua [ARGS]         run a script ("-": from standard input)
   yoso -e CODE                 run a line
   yoso -i FILE.lua [ARGS]      run a script, then stay interactive
   yoso COMMAND [OPTIONS]       run a command; yoso COMMAND --help tells its options
   yoso --version

Commands:]])
    for _, name in ipairs(cli.commands) do
        local ok, command = pcall(cli.find, name)
        if ok and command then
            print(("   %-18s%s"):format(name, command.summary or ""))
        end
    end
    print([[

Exit status: 0 done, 1 the work failed, 2 wrong usage.
Environment: YOSO_THREADS how many threads, YOSO_ISA plain, avx2, avx512, avx512fp16 or amx,
   YOSO_MODELS folders of models, YOSO_TRACEBACK=1 call stacks with errors,
   YOSO_HISTORY the interactive mode's history file.]])
end

function M.run(args)
    if not args.command then
        overview()
        return cli.DONE
    end
    local command = cli.find(args.command)
    if not command then
        local nearest = cli.nearest(args.command)
        io.stderr:write(("yoso: help: there is no command %s%s\n"):format(args.command,
            nearest and ("; did you mean %s?"):format(nearest) or ""))
        return cli.USAGE
    end
    local text, of_sub = cli.help(args.command, command, args.sub)
    if args.sub and not of_sub then
        io.stderr:write(("yoso: help: %s has no sub-command %s\n"):format(args.command, args.sub))
        return cli.USAGE
    end
    print(text)
    return cli.DONE
end

return M
