-- The device cuda as a user meets it: tensors move, every way of not having it says why, and
-- memory runs out with figures. Runs on the emulated module (see cuda/emulate).
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local yoso = require "yoso"
local c = require "yoso.c"

-- Runs a Lua line in a process of its own with other variables; returns what it printed.
local function run_with(variables, code)
    local pipe = io.popen(("%s %s -e '%s' 2>&1"):format(variables, "luajit", code))
    local text = pipe:read "*a"
    pipe:close()
    return text
end

local ask = 'print(select(2, pcall(require("yoso").zeros, {2}, "f32", "cuda")))'

describe("device cuda", function()
    it("takes tensors there and back in every dtype", function()
        for _, dtype in ipairs {"f32", "f16", "bf16", "i32", "i64", "u8", "bool"} do
            local x = yoso.tensor({{1, 0, 3}, {4, 5, 1}}, dtype)
            local there = x:to "cuda"
            assert.equal("cuda", there:device())
            assert.equal(dtype, there:dtype())
            assert.same(x:totable(), there:to("cpu"):totable())
            assert.same(x:transpose(1, 2):totable(), there:transpose(1, 2):totable())
        end
    end)

    it("copies strided views within the device", function()
        local x = yoso.tensor {{1, 2, 3}, {4, 5, 6}}
        local there = x:to "cuda"
        assert.same({{1, 4}, {2, 5}, {3, 6}}, there:transpose(1, 2):contiguous():totable())
        assert.same({{2, 3}, {5, 6}}, there:narrow(2, 2, 2):contiguous():to("cpu"):totable())
    end)

    it("makes zeros and filled tensors", function()
        assert.same({0, 0, 0}, yoso.zeros({3}, "i32", "cuda"):totable())
        assert.same({2.5, 2.5}, yoso.full({2}, 2.5, "bf16", "cuda"):totable())
        assert.same({}, yoso.zeros({0}, "f32", "cuda"):totable())
    end)

    it("does not mix devices", function()
        local x = yoso.tensor {1, 2}
        assert.has_error(function() return x + x:to "cuda" end)
    end)

    it("tells an integer division by zero", function()
        local one = yoso.tensor({1}, "i64"):to "cuda"
        local ok, message = pcall(function() return one / yoso.zeros({1}, "i64", "cuda") end)
        assert.is_false(ok)
        assert.matches("div: integer division by zero", message, 1, true)
    end)

    it("counts its bytes as live and gives them back", function()
        collectgarbage()
        collectgarbage()
        local before = yoso.memory().live
        local x = yoso.zeros({1024, 1024}, "f32", "cuda")
        assert.equal(before + 4 * 1024 * 1024, yoso.memory().live)
        x:free()
        assert.equal(before, yoso.memory().live)
    end)

    it("runs out of memory with the figures", function()
        local ok, message = pcall(yoso.empty, {1024, 1024, 1024}, "f32", "cuda")
        assert.is_false(ok)
        assert.matches("out of memory: 4294967296 bytes wanted, %d+ of 1073741824 free", message)
    end)

    it("names its devices", function()
        local count = c.new "int32_t[1]"
        assert.equal(0, c.lib.yoso_cuda_devices(count))
        assert.equal(1, count[0])
        local text = c.new "char[200]"
        assert.equal(0, c.lib.yoso_cuda_describe(text, 200, 0))
        assert.matches("compute capability 9.0", c.string(text), 1, true)
        assert.equal(c.lib.YOSO_MISUSE, c.lib.yoso_cuda_describe(text, 200, 1))
        assert.equal(0, c.lib.yoso_cuda_synchronize())
    end)

    it("says that there is no module", function()
        assert.matches("device cuda: no module: /nowhere.so",
            run_with("YOSO_CUDA_MODULE=/nowhere.so", ask), 1, true)
    end)

    it("says that a module is not one of ours", function()
        assert.matches("device cuda: wrong version",
            run_with("YOSO_CUDA_MODULE=libm.so.6", ask), 1, true)
    end)

    it("says that there is no driver, no device, or an old driver", function()
        assert.matches("device cuda: no NVIDIA driver is loaded here",
            run_with("YOSO_EMULATE_FAIL=driver", ask), 1, true)
        assert.matches("device cuda: the driver is here (CUDA 12.0), but no device",
            run_with("YOSO_EMULATE_FAIL=device", ask), 1, true)
        assert.matches("device cuda: wrong version: the driver is for CUDA 12.0",
            run_with("YOSO_EMULATE_FAIL=old", ask), 1, true)
    end)
end)
