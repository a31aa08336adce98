-- The interactive mode on a terminal (of script(1)): editing, completion, history; and Ctrl-C.
local program = require "spec.support.program"

local has_script = program.shell("command -v script").status == 0

-- Types text into the program on a terminal, pauses between its parts; returns what was shown.
local function typed(parts, history)
    local lines = {}
    for _, part in ipairs(parts) do
        lines[#lines + 1] = ("sleep 0.2; printf '%%b' %s"):format(program.quote(part))
    end
    local line = ("{ %s; sleep 0.2; } | TERM=xterm YOSO_HISTORY=%s script -qec %s /dev/null"):format(
        table.concat(lines, "; "), program.quote(history or ""), program.quote(program.path))
    return program.shell(line).out
end

local terminal = has_script and describe or function() end

terminal("the REPL on a terminal", function()
    it("greets, prompts, and shows values", function()
        local out = typed{"40 + 2\n", "\\004"}
        assert.matches("yoso %d+%.%d+%.%d+: %?name explains", out)
        assert.matches("> 40 %+ 2\r\n42\r\n", out)
    end)

    it("completes by Tab and lists what fits", function()
        assert.matches("\n3\r\n", typed{"math.flo\\t(3.5)\n", "\\004"})
        assert.matches("byte%s+char%s+dump%s+find", typed{"string.\\t", "\\t", "\n", "\\004"})
    end)

    it("keeps its history from one session to the next", function()
        local history = os.tmpname()
        typed({"remembered = 6 * 7\n", "\\004"}, history)
        local out = typed({"\\033[A\n", "remembered\n", "\\004"}, history)
        assert.matches("\n42\r\n", out)
        os.remove(history)
    end)
end)

describe("Ctrl-C", function()
    it("stops what runs and leaves the session alive", function()
        local input = program.file("while true do end\n7\n")
        local output = os.tmpname()
        local result = program.shell(([[
            %s <%s >%s 2>&1 &
            sleep 0.5
            kill -INT $!
            wait $!
            echo status $?
            cat %s]]):format(program.path, input, output, output))
        os.remove(input)
        os.remove(output)
        assert.matches("^status 1\n", result.out)
        assert.matches("interrupted", result.out)
        assert.matches("\n7\n", result.out)
    end)
end)
