-- Arrays handed to C keep their room where compiled code is left: LuaJIT may leave an array of
-- constant length out of a trace, and made again from the trace's end it would have none.
local c = require "yoso.c"

describe("an array for C", function()
    it("has its length where a trace is left", function()
        local seen, wrong = 0, 0
        local function look(array)
            seen = seen + 1
            wrong = wrong + (c.sizeof(array) == 8 and array[0] == seen and 0 or 1)
        end
        jit.off(look)
        for _ = 1, 50 do
            local turns = 0
            for i = 1, 300 do
                local array = c.array("int32_t[?]", 2)
                array[0] = seen + 1
                turns = turns + 1
                if i == 299 then
                    look(array)
                end
            end
            assert.equal(300, turns)
        end
        assert.equal(50, seen)
        assert.equal(0, wrong)
    end)

    it("is never made by another name", function()
        local made = {}
        for file in io.popen("grep -rlE 'c[.]new[(][^)]*[[][?][]]' lua"):lines() do
            made[#made + 1] = file
        end
        assert.same({}, made)
    end)
end)
