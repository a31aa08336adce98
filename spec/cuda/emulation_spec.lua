-- Builds and runs emulation.cu: what the emulation of CUDA promises and refuses.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end

describe("the emulation of CUDA", function()
    it("keeps its promises and refuses what a device leaves undefined", function()
        local program = os.tmpname()
        local build = io.popen(("g++ -x c++ -std=c++17 -O1 -Isrc -I. -fno-strict-aliasing -Wno-unknown-pragmas "
            .. "spec/cuda/emulation.cu cuda/emulate/fiber.cc cuda/emulate/scheduler.cc "
            .. "-o %s 2>&1 && %s 2>&1"):format(program, program))
        local output = build:read "*a"
        build:close()
        os.remove(program)
        assert.matches("^%d+ passed, 0 failed\n$", output)
    end)
end)
