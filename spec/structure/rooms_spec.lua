-- Who may know whom: the arrows between rooms, in C by #include and in Lua by require.
local tree = require "spec.structure.tree"

-- What a C room may include, beside yoso.h, kernels.h and all of core but its tensors: prefixes of
-- paths as they stand in #include "...".
local foundation = {["yoso.h"] = true, ["config.h"] = true, ["kernels.h"] = true}
local c_rooms = {
    {"src/kernels.h", {"yoso.h"}},
    {"src/backend", {"backend.h", "module.h"}},
    {"src/module", {"module.h"}},
    {"src/core/tensor", {"core/", "backend.h"}},
    {"src/core/", {}},
    {"src/cpu/", {"cpu/"}},
    {"src/ops/", {"ops/", "core/tensor.h", "backend.h"}},
    {"src/io/", {"io/", "core/tensor.h", "backend.h"}},
    {"src/text/", {"text/", "core/tensor.h"}},
    {"src/host/", {"host/", "core/tensor.h"}},
    -- The polynomial's table is numbers only, the same for both devices.
    {"cuda/", {"cuda/", "module.h", "cpu/arccos_power.h"}},
}

-- Where a Lua room stands; a file may require rooms below its own, and its own. The longest prefix
-- decides.
local lua_levels = {
    ["yoso.cdef"] = -1, ["yoso.c"] = 0,
    ["yoso.arguments"] = 1, ["yoso.ranges"] = 1, ["yoso.io.file"] = 1, ["yoso.io.json"] = 1, ["yoso.models"] = 2,
    ["yoso.data"] = 3, ["yoso.tokenizer"] = 21, -- whose batches are tensors
    ["yoso.tensor"] = 10,
    ["yoso.io"] = 11, ["yoso.scope"] = 11, ["yoso.autograd"] = 11, ["yoso.random"] = 12,
    ["yoso.op"] = 13, ["yoso.graph"] = 14, ["yoso.metrics"] = 13, ["yoso.gradcheck"] = 14,
    ["yoso.ops"] = 20, ["yoso.crossing"] = 21,
    ["yoso.nn"] = 30, ["yoso.optim"] = 31, ["yoso.attention"] = 32,
    ["yoso.model"] = 40, ["yoso.heads"] = 45, ["yoso.io.checkpoint"] = 50,
    ["yoso.pipeline"] = 60, ["yoso.tasks"] = 61,
    ["yoso.evaluate"] = 70, ["yoso.train"] = 71, ["yoso.bench"] = 72,
    ["yoso"] = 65, -- the door itself: used by what stands above the library
    ["yoso.repl"] = 80, ["yoso.line"] = 80, ["yoso.cli"] = 90,
}
local function room_of(name)
    local prefix = name
    while prefix do
        if lua_levels[prefix] then
            return prefix, lua_levels[prefix]
        end
        prefix = prefix:match("^(.*)%.[^%.]*$")
    end
end

local function starts(text, prefix)
    return text:sub(1, #prefix) == prefix
end

local function may_include(path, header)
    if foundation[header] or starts(header, "core/") and header ~= "core/tensor.h" then
        return true
    end
    for _, room in ipairs(c_rooms) do
        if starts(path, room[1]) then
            for _, prefix in ipairs(room[2]) do
                if starts(header, prefix) then
                    return true
                end
            end
            return false
        end
    end
    return false
end

describe("the rooms", function()
    it("include only what is below them", function()
        local wrong = {}
        local files = tree.files("src", ".c", ".h")
        for _, path in ipairs(tree.files("cuda", ".cu", ".cuh", ".c", ".h")) do
            files[#files + 1] = path
        end
        for _, path in ipairs(files) do
            for header in tree.read(path):gmatch('#%s*include%s+"([^"]+)"') do
                if not may_include(path, header) then
                    wrong[#wrong + 1] = path .. " includes " .. header
                end
            end
        end
        tree.expect_none(wrong)
    end)

    it("keep Lua's C interface to the host", function()
        local wrong = {}
        for _, path in ipairs(tree.files("src", ".c", ".h")) do
            if not starts(path, "src/host/") and tree.read(path):find("#%s*include%s+<l[ua]") then
                wrong[#wrong + 1] = path
            end
        end
        tree.expect_none(wrong)
    end)

    it("require only what is below them", function()
        local wrong = {}
        for _, path in ipairs(tree.files("lua/yoso", ".lua")) do
            local name = tree.module_name(path)
            local room, level = room_of(name)
            if name ~= "yoso" then
                for wanted in tree.read(path):gmatch('require%s*%(?%s*"(yoso[^"]*)"') do
                    wanted = wanted:gsub("%.$", "")
                    local target, below = room_of(wanted)
                    local fine = target == room or below and below < level
                    if not fine then
                        wrong[#wrong + 1] = ("%s requires %s"):format(name, wanted)
                    end
                end
            end
        end
        tree.expect_none(wrong)
    end)

    it("leave the FFI to yoso.c", function()
        local wrong = {}
        for _, path in ipairs(tree.files("lua/yoso", ".lua")) do
            if path ~= "lua/yoso/c.lua" and tree.read(path):find('require%s*%(?%s*["\']ffi') then
                wrong[#wrong + 1] = path
            end
        end
        tree.expect_none(wrong)
    end)

    it("never exit, abort or print in the library", function()
        local wrong = {}
        local program = {["src/host/main.c"] = true, ["src/host/line.c"] = true}
        for _, path in ipairs(tree.files("src", ".c", ".h")) do
            local code = tree.read(path):gsub("/%*.-%*/", ""):gsub('"[^"\n]*"', '""')
            for _, word in ipairs{"exit", "abort", "printf", "puts", "perror", "assert"} do
                if not program[path] and code:find("%f[%w_]" .. word .. "%s*%(") then
                    wrong[#wrong + 1] = path .. " calls " .. word
                end
            end
        end
        tree.expect_none(wrong)
    end)
end)

-- Files are meant to stay below 400; well above it they are refused.
local MOST_LINES = 500

describe("every file", function()
    it("opens by saying what it is for, and stays short", function()
        local wrong = {}
        local function may_be_long(path, text)
            return path == "src/yoso.h" or text:find("Made by [^\n]*; do not edit")
        end
        local function check(path, opening)
            local text = tree.read(path)
            if not text:find(opening) then
                wrong[#wrong + 1] = path .. " does not open with a comment"
            end
            local _, lines = text:gsub("\n", "")
            if lines > MOST_LINES and not may_be_long(path, text) then
                wrong[#wrong + 1] = ("%s has %d lines"):format(path, lines)
            end
        end
        for _, path in ipairs(tree.files("src", ".c", ".h")) do
            check(path, "^/%*")
        end
        for _, path in ipairs(tree.files("lua", ".lua")) do
            check(path, "^%-%-")
        end
        tree.expect_none(wrong)
    end)

    it("sets no globals", function()
        local program = require "spec.support.program"
        local names = {}
        for _, path in ipairs(tree.files("lua/yoso", ".lua")) do
            names[#names + 1] = ("%q"):format(tree.module_name(path))
        end
        local script = program.file(([[
            setmetatable(_G, {__newindex = function(_, name)
                error("sets the global " .. tostring(name), 2)
            end})
            local failed = 0
            for _, name in ipairs{%s} do
                local ok, message = pcall(require, name)
                if not ok then
                    failed = failed + 1
                    io.stderr:write(name, ": ", message, "\n")
                end
            end
            os.exit(failed)
        ]]):format(table.concat(names, ", ")))
        -- argparse and cjson, not ours, may do as they like: they are loaded before.
        local result = program.shell("luajit -e 'require \"argparse\" require \"cjson\"' " .. script)
        os.remove(script)
        assert.equal("", result.err)
        assert.equal(0, result.status)
    end)

    it("passes luacheck where that is installed", function()
        local program = require "spec.support.program"
        if program.shell("command -v luacheck").status ~= 0 then
            return
        end
        local result = program.shell("luacheck -q lua spec scripts --no-color")
        assert.equal(0, result.status, result.out)
    end)
end)
