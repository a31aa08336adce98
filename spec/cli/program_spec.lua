-- The program's frame: scripts, -e, -i, exit statuses, where output goes.
local program = require "spec.support.program"

describe("yoso FILE", function()
    local scripts = {}
    local function script(text)
        local path = program.file(text)
        scripts[#scripts + 1] = path
        return path
    end
    teardown(function()
        for _, path in ipairs(scripts) do
            os.remove(path)
        end
    end)

    it("gives the script arg and ...", function()
        local path = script("print(arg[0], arg[1], arg[2], #arg, ...)")
        local result = program.run{path, "a", "b c"}
        assert.equal(path .. "\ta\tb c\t2\ta\tb c\n", result.out)
        assert.equal(0, result.status)
        assert.equal("", result.err)
    end)

    it("reads a script from standard input for -", function()
        assert.equal("7\tx\n", program.run({"-", "x"}, "print(7, ...)").out)
    end)

    it("tells a failure in one line with file and line, status 1", function()
        local path = script("local t = nil\nprint('before')\nprint(t.x)\n")
        local result = program.run{path}
        assert.equal(1, result.status)
        assert.equal("before\n", result.out)
        assert.matches("^yoso: " .. path:gsub("%p", "%%%0") .. ":3: [^\n]+\n$", result.err)
    end)

    it("tells the library's complaints at the script's line", function()
        local path = script("local yoso = require 'yoso'\nyoso.zeros('x')\n")
        local result = program.run{path}
        assert.equal(1, result.status)
        assert.matches(path:gsub("%p", "%%%0") .. ":2: zeros: shape is a string", result.err)
    end)

    it("adds the call stack when YOSO_TRACEBACK is set", function()
        local path = script("local function inner() error('deep') end\ninner()\n")
        local result = program.shell("YOSO_TRACEBACK=1 " .. program.path .. " " .. path)
        assert.matches("deep\nstack traceback:", result.err)
        assert.matches("in function 'inner'", result.err)
    end)

    it("tells of a syntax error and of an error that is a table", function()
        local result = program.run{script("x = = 1")}
        assert.equal(1, result.status)
        assert.matches("^yoso: [^\n]+:1: unexpected symbol near '='\n$", result.err)
        assert.matches("error object is a table value", program.run{script("error({})")}.err)
    end)

    it("lets the script choose its status", function()
        assert.equal(7, program.run{script("os.exit(7)")}.status)
    end)

    it("sees stock LuaJIT and finds cjson", function()
        local path = script("print(type(io), type(os), jit and 1, require 'cjson'.encode{1}, yoso)")
        assert.equal("table\ttable\t1\t[1]\tnil\n", program.run{path}.out)
    end)

    it("runs from any folder", function()
        local result = program.shell("cd / && " .. program.path
            .. " -e 'print(yoso.zeros{2}:numel())'")
        assert.equal("2\n", result.out)
    end)
end)

describe("yoso's own options", function()
    it("runs -e, several in order", function()
        assert.equal("1\n2\n", program.run{"-e", "x = 1 print(x)", "-e", "print(x + 1)"}.out)
        assert.equal("3\n", program.run{"-eprint(3)"}.out)
    end)

    it("stops at the first -e that fails", function()
        local result = program.run{"-e", "error('first')", "-e", "print(2)"}
        assert.equal(1, result.status)
        assert.equal("", result.out)
        assert.matches("first", result.err)
    end)

    it("stays interactive after -i", function()
        local result = program.run({"-i", "-e", "x = 5"}, "x + 1\n")
        assert.equal("6\n", result.out)
        assert.equal(0, result.status)
    end)

    it("prints its version and its help", function()
        assert.matches("^yoso %d+%.%d+%.%d+\n$", program.run{"--version"}.out)
        local help = program.run{"--help"}
        assert.equal(0, help.status)
        assert.matches("yoso FILE.lua", help.out)
        assert.equal(help.out, program.run{"help"}.out)
    end)

    it("refuses what it does not know with status 2", function()
        for _, words in ipairs{{"--what"}, {"-e"}, {"nothing-like-it-zzz"}, {"/no/such/file.lua"},
            {"/"}, {"help", "nothing"}} do
            local result = program.run(words)
            assert.equal(2, result.status)
            assert.equal("", result.out)
            assert.matches("^yoso: [^\n]+\n$", result.err)
        end
    end)

    it("suggests the nearest command", function()
        assert.matches("did you mean help%?", program.run{"hlep"}.err)
        assert.matches("did you mean convert%?", program.run{"convrt"}.err)
        assert.not_matches("did you mean", program.run{"zzzzzzzz"}.err)
    end)

    it("fails when standard output cannot be written", function()
        local result = program.shell(program.path .. " -e 'print(1)' >/dev/full")
        assert.equal(1, result.status)
        assert.matches("standard output could not be written", result.err)
    end)
end)

describe("a command", function()
    it("shows its help with --help, and by yoso help", function()
        local result = program.run{"help", "--help"}
        assert.equal(0, result.status)
        assert.matches("Usage: yoso help", result.out)
        assert.matches("Examples:", result.out)
        assert.equal(result.out, program.run{"help", "help"}.out)
    end)

    it("explains a sub-command, and tells when there is none of that name", function()
        local result = program.run{"bench", "attention", "--help"}
        assert.equal(0, result.status)
        assert.matches("Usage: yoso bench attention", result.out)
        assert.matches("%-%-hash%-code%-len", result.out)
        assert.equal(result.out, program.run{"help", "bench", "attention"}.out)
        result = program.run{"help", "bench", "nothing"}
        assert.equal(2, result.status)
        assert.matches("bench has no sub%-command nothing", result.err)
    end)

    it("takes negative numbers as an option's value", function()
        local result = program.run{"train", "--task", "sst2", "--data", "x", "--out", "/nowhere/out",
            "--lr", "-1"}
        assert.equal("yoso: train: lr is -1, must be a number of 0 or above\n", result.err)
        assert.equal(1, result.status)
        result = program.run{"bench", "attention", "--lengths", "-4"}
        assert.matches("'%-4' is no whole number of at least 1", result.err)
    end)

    it("refuses options it does not have with status 2", function()
        local result = program.run{"help", "--nonsense"}
        assert.equal(2, result.status)
        assert.matches("^yoso: help: unknown option '%-%-nonsense'", result.err)
        for _, words in ipairs{{"--seed", "x"}, {"--num-hash", "0"}, {"--num-hash", "1.5"},
            {"--dtype", "f8"}, {"--attention", "none"}} do
            assert.equal(2, program.run{"classify", words[1], words[2], "text"}.status)
        end
    end)
end)
