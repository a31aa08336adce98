-- Runs every example of docs/tensors.md and compares what it prints with its --> lines.
local file = require "yoso.io.file"

local text = assert(file.read("docs/tensors.md"))

local function run(code, name)
    local printed = {}
    local environment = setmetatable({print = function(...)
        local parts = {}
        for i = 1, select("#", ...) do
            parts[i] = tostring((select(i, ...)))
        end
        printed[#printed + 1] = table.concat(parts, "\t")
    end}, {__index = _G})
    local chunk = assert(loadstring(code, name))
    setfenv(chunk, environment)()
    return table.concat(printed, "\n")
end

describe("docs/tensors.md", function()
    local number = 0
    for code in text:gmatch("```lua\n(.-)```") do
        number = number + 1
        it("example " .. number .. " prints what it says", function()
            local wanted = {}
            for line in code:gmatch("%-%-> ([^\n]*)") do
                wanted[#wanted + 1] = line
            end
            assert.equal(table.concat(wanted, "\n"), run(code, "=example " .. number))
        end)
    end

    it("has examples", function()
        assert.is_true(number >= 8)
    end)
end)
