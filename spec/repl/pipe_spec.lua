-- The interactive mode on a pipe: values, several lines, errors, documentation.
local program = require "spec.support.program"

local function session(input)
    return program.run({}, input)
end

describe("the REPL on a pipe", function()
    it("prints what expressions give, without =", function()
        assert.equal("2\n", session("1 + 1\n").out)
        assert.equal("2\n", session("=1 + 1\n").out)
        assert.equal("1\tnil\tabc\n", session("1, nil, 'abc'\n").out)
        assert.equal("", session("x = 1\nlocal y\nprint\n").out:gsub("function[^\n]*\n", ""))
    end)

    it("reads the last line without a line break", function()
        assert.equal("7\n", session("7").out)
    end)

    it("keeps locals and _ for the next lines", function()
        assert.equal("3\n4\n5\n", session("local a, b = 3, 4\na\nb\n_ + 1\n").out)
        assert.equal("9\n", session("local function square(x)\nreturn x * x\nend\nsquare(3)\n").out)
    end)

    it("joins lines until a statement is whole", function()
        assert.equal("1\n2\n", session("for i = 1, 2 do\nprint(i)\nend\n").out)
        assert.equal("3\n", session("1 +\n2\n").out)
        assert.equal("a\nb\n", session("[[a\nb]]\n").out)
    end)

    it("has yoso without a require, and prints tensors", function()
        local out = session("yoso.tensor({1, 2})\n").out
        assert.matches("f32 %[2%]", out)
        assert.matches("{1, 2}", out)
    end)

    it("prints tables to a depth, sorted, and sees cycles", function()
        assert.equal('{1, 2, a = "x", b = {true}}\n', session("{1, 2, b = {true}, a = 'x'}\n").out)
        assert.equal("{t = (this table again)}\n", session("t = {} t.t = t\nt\n").out)
        assert.matches("{%.%.%.}", session("{{{{{{1}}}}}}\n").out)
        local long = session("t = {} for i = 1, 1000 do t[i] = i end\nt\n").out
        assert.matches("940 more", long)
    end)

    it("tells an error once, with its stack, goes on, and ends with status 1", function()
        local result = session("local function f() error('bad') end\nf()\n'after'\n")
        assert.equal("after\n", result.out)
        assert.equal(1, result.status)
        local _, count = result.err:gsub("bad", "")
        assert.equal(1, count)
        assert.matches("stdin:1: bad\nstack traceback:", result.err)
        assert.matches("in function 'f'", result.err)
        assert.not_matches("yoso:repl", result.err)
    end)

    it("tells a syntax error, and an input that never ends", function()
        assert.matches("stdin:1:", session("x y\n").err)
        assert.matches("<eof>", session("for\n").err)
    end)

    it("survives a value whose printing fails", function()
        local result = session("setmetatable({}, {__tostring = function() error('no') end})\n8\n")
        assert.equal("8\n", result.out)
        assert.matches("no", result.err)
    end)

    it("documents by ? and shows sources by ??", function()
        assert.matches("zeros%(shape, dtype, device%)", session("?yoso.zeros\n").out)
        assert.matches("clock that never goes back", session("?yoso.time\n").out)
        assert.matches("function M%.time%(%)\n.*end\n", session("??yoso.time\n").out)
        assert.matches("mul, div, pow", session("?yoso.ops.mul\n").out)
        assert.matches("softmax%(x, dim%): exp", session("?yoso.ops.softmax\n").out)
        assert.matches("has: .*LayerNorm Linear", session("?yoso.nn\n").out)
        assert.matches("written in C", session("?print\n").out)
        assert.matches("%%time CODE", session("?\n").out)
        assert.matches("nothing called nonsense", session("?nonsense\n").err)
    end)

    it("times and lists by %", function()
        assert.matches("^2\ntook [%d%.]+ [mu]?s\n$", session("%time 1 + 1\n").out)
        assert.matches("mine%s+5\n", session("mine = 5\n%who\n").out)
        assert.matches("%d+ runs: median", session("%bench 1 + 1\n").out)
        assert.equal(1, session("%nonsense\n").status)
    end)

    it("runs a file by %run", function()
        local path = program.file("print('ran', ...)")
        assert.equal("ran\ta\n", session("%run " .. path .. " a\n").out)
        os.remove(path)
    end)
end)

describe("completion", function()
    local complete = require "yoso.repl.complete"

    local function names(text, environment)
        local start, found = complete.safely(text, environment or {})
        return table.concat(found, " "), start
    end

    it("completes globals, fields and methods", function()
        assert.equal("string", (names("x = stri")))
        local found, start = names("string.up")
        assert.equal("upper", found)
        assert.equal(8, start)
        assert.equal("alpha beta", (names("t.", {t = {beta = 1, alpha = 2}})))
        local class = {walk = print, name = "c"}
        class.__index = class
        assert.equal("walk", (names("o:w", {o = setmetatable({}, class)})))
        assert.equal("name", (names("o.n", {o = setmetatable({}, class)})))
    end)

    it("knows what tensors and yoso have", function()
        local yoso = require "yoso"
        assert.matches("numel", (names("x:nu", {x = yoso.zeros{1}})))
        assert.matches("zeros", (names("yoso.ze", {yoso = yoso})))
        assert.matches("Linear", (names("yoso.nn.Li", {yoso = yoso})))
        assert.matches("extend", (names("yoso.nn.Module.ex", {yoso = yoso})))
    end)

    it("neither raises nor runs the user's code", function()
        local trap = setmetatable({}, {__index = function() error("ran") end})
        for _, text in ipairs{"trap.", "trap.a.b", "trap:x", "nothing.at.all", "", "1.", "('x'):",
            "a..b", "t[1]."} do
            local start, found = complete.safely(text, {trap = trap})
            assert.is_number(start)
            assert.is_table(found)
        end
    end)
end)
