-- The program with the device cuda: it is named, and every measurement of the device runs there.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local json = require "yoso.io.json"
local program = require "spec.support.program"

-- The lines of a measurement on the device, decoded.
local function measured(...)
    local result = program.run{"bench", ...}
    assert.matches("^yoso [^\n]+\ndevice cuda: [^\n]+\n", result.err)
    assert.equal(0, result.status)
    local lines = {}
    for line in result.out:gmatch "[^\n]+" do
        lines[#lines + 1] = assert(json.decode(line))
        assert.is_true(lines[#lines].median > 0)
    end
    return lines
end

describe("the program with the device cuda", function()
    it("names it", function()
        assert.matches("\ncuda%s+[^\n]*compute capability %d+%.%d, %d+ multiprocessors, [%d.]+ GiB\n",
            program.run{"info"}.out)
        local facts = assert(json.decode(program.run{"info", "--json"}.out))
        assert.matches("compute capability", facts.cuda[1], 1, true)
    end)

    it("says in info and bench why there is none", function()
        local none = "YOSO_CUDA_MODULE=/nowhere.so " .. program.path
        assert.matches("\ncuda%s+no: device cuda: no module", program.shell(none .. " info").out)
        for _, what in ipairs {"attention", "model", "length", "ops", "train"} do
            local result = program.shell(none .. " bench " .. what .. " --device cuda")
            assert.equal(1, result.status)
            assert.matches("device cuda: no module", result.err, 1, true)
        end
    end)

    it("times the attention, with its gradient too", function()
        local sizes = {"--lengths", "33", "--heads", "1", "--head-size", "16", "--num-hash", "2",
            "--hash-code-len", "3", "--device", "cuda", "--json"}
        assert.equal(3, #measured("attention", unpack(sizes)))
        assert.equal(3, #measured("attention", "--backward", "--dtype", "bf16", unpack(sizes)))
    end)

    it("times a model, by graphs too, and against length", function()
        local sizes = {"--lengths", "9,17", "--layers", "1", "--hidden", "16", "--heads", "2",
            "--intermediate", "16", "--num-hash", "2", "--device", "cuda", "--json"}
        assert.equal(2, #measured("model", unpack(sizes)))
        assert.equal(2, #measured("model", "--graphs", unpack(sizes)))
        assert.equal(2, #measured("length", unpack(sizes)))
    end)

    it("times single operations", function()
        assert.equal(3, #measured("ops", "--tokens", "2", "--only", "softmax,sum,layer-norm",
            "--device", "cuda", "--json"))
    end)
end)
