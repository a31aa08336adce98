-- The guide's code runs and prints what it says.
local program = require "spec.support.program"

local function blocks(path)
    local list, code = {}, nil
    for line in io.lines(path) do
        if line == "```lua" then
            code = {}
        elseif line == "```" and code then
            list[#list + 1] = table.concat(code, "\n")
            code = nil
        elseif code then
            code[#code + 1] = line
        end
    end
    return list
end

describe("docs/evaluation.md", function()
    for i, code in ipairs(blocks("docs/evaluation.md")) do
        it("block " .. i, function()
            local path = program.file(code)
            local result = program.run{path}
            os.remove(path)
            assert.equal(0, result.status, result.err)
            local wanted = {}
            for text in code:gmatch("%-%->%s*([^\n]+)") do
                wanted[#wanted + 1] = text
            end
            assert.is_true(#wanted > 0)
            assert.equal(table.concat(wanted, "\n") .. "\n", result.out)
        end)
    end
end)
