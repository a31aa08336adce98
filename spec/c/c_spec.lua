-- The C interface: builds the C tests against an installed copy, the way a user's host would be,
-- with pkg-config, and runs them. Their last lines, "N passed, N failed", stay in the build folder.
local program = require "spec.support.program"

local root = program.build .. "/spec/c-tests"
local installed = root .. "/installed"
local libraries = installed .. "/lib"

local function shell(line)
    local result = program.shell(line)
    assert(result.status == 0, line .. "\n" .. result.out .. result.err)
    return result.out
end

-- make is started anew: the flags of a `make check` around it are not for it.
local function install(settings)
    shell(("rm -rf %s && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C %s install %s")
        :format(program.quote(installed), program.quote(program.build), settings))
end

-- Compiles files of spec/c to an executable; returns its path.
local function compile(name, sources)
    local pkg_config = ("PKG_CONFIG_PATH=%s pkg-config --define-prefix --cflags --libs yoso")
        :format(program.quote(libraries .. "/pkgconfig"))
    local target = root .. "/" .. name
    shell(("%s -std=gnu11 -Wall -Wextra -Werror %s -o %s %s $(%s) -lpthread"):format(
        os.getenv("YOSO_CC") or "cc", os.getenv("YOSO_SANITIZE") or "", program.quote(target),
        sources, pkg_config))
    return target
end

-- `parts` are sources of the library that the test looks into.
local function run_test(name, parts)
    local test = compile(name, ("spec/c/%s.c %s"):format(name, parts or ""))
    local result = program.shell(("cd / && LD_LIBRARY_PATH=%s %s"):format(program.quote(libraries),
        program.quote(test)))
    local log = assert(io.open(root .. "/" .. name .. ".log", "w"))
    log:write(result.out, result.err)
    log:close()
    assert.equal(0, result.status, result.out .. result.err)
    local passed, failed = result.out:match("(%d+) passed, (%d+) failed\n$")
    assert.is_true(tonumber(passed) > 20)
    assert.equal("0", failed)
end

describe("an installed yoso", function()
    setup(function()
        install(("prefix=%s exec_prefix=%s bindir=%s/bin libdir=%s includedir=%s/include datadir=%s/share")
            :format(installed, installed, installed, libraries, installed, installed))
    end)

    it("is found by pkg-config; values cross as they should", function()
        run_test("value_test")
    end)

    it("runs scripts and functions in any number of states and threads", function()
        run_test("state_test")
    end)

    it("cuts large blocks from regions that serve any size again", function()
        run_test("extents_test", "-Isrc src/core/extents.c")
    end)

    it("has a program that runs from any folder", function()
        local result = program.shell(("cd / && LD_LIBRARY_PATH=%s %s/bin/yoso -e 'print(yoso.zeros{3}:numel())'")
            :format(libraries, installed))
        assert.equal("", result.err)
        assert.equal("3\n", result.out)
        assert.equal("yoso help", shell(("LD_LIBRARY_PATH=%s %s/bin/yoso help help"):format(libraries,
            installed)):match("yoso help"))
    end)

    it("brings its model and scripts, and finds them", function()
        local result = program.shell(("cd / && printf 'a fine film\r\n' | LD_LIBRARY_PATH=%s %s/bin/yoso classify")
            :format(libraries, installed))
        assert.equal("", result.err)
        assert.matches("^positive\t[%d%.]+\ta fine film\n$", result.out)
        local out = shell(("LD_LIBRARY_PATH=%s %s/bin/yoso -e 'print(yoso.models.path(\"sentiment\"))'")
            :format(libraries, installed))
        assert.equal(installed .. "/share/yoso/models/sentiment\n", out)
    end)

    it("exports nothing but yoso_ names, with a SONAME", function()
        local names = shell("nm -D --defined-only " .. libraries .. "/libyoso.so")
        local count = 0
        for name in names:gmatch("%x+ %u ([^\n]+)") do
            assert.matches("^yoso_", name)
            count = count + 1
        end
        assert.is_true(count > 50)
        assert.matches("SONAME[^\n]*libyoso%.so%.0", shell("readelf -d " .. libraries .. "/libyoso.so"))
    end)

    it("declares in its header exactly what it exports", function()
        local exported = {}
        for name in shell("nm -D --defined-only " .. libraries .. "/libyoso.so")
            :gmatch("%u (yoso_[%w_]+)") do
            exported[name] = true
        end
        local header = assert(io.open(installed .. "/include/yoso.h")):read("*a"):gsub("/%*.-%*/", "")
        local declared = {}
        for name in header:gmatch("(yoso_[%w_]+)%s*%(") do
            declared[name] = true
            assert.is_true(exported[name], name .. " is declared but not exported")
        end
        for name in pairs(exported) do
            assert.is_true(declared[name], name .. " is exported but not declared")
        end
    end)
end)
