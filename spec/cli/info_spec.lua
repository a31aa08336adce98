-- yoso info and yoso convert: what they tell, what they write, how they fail.
local json = require "yoso.io.json"
local models = require "yoso.models"
local program = require "spec.support.program"
local safetensors = require "yoso.io.safetensors"
local yoso = require "yoso"

describe("yoso info", function()
    it("tells about the build and the machine", function()
        local result = program.run{"info"}
        assert.equal(0, result.status)
        assert.matches("yoso %d+%.%d+%.%d+ %(ABI %d+", result.out)
        assert.matches("threads%s+%d+", result.out)
        assert.matches("kernels%s+%a", result.out)
    end)

    it("says the same as JSON", function()
        local facts = assert(json.decode(program.run{"info", "--json"}.out))
        assert.equal(yoso._VERSION, facts.version)
        assert.is_true(facts.threads >= 1)
        assert.is_table(facts.model_folders)
    end)

    it("counts threads as YOSO_THREADS and the affinity say", function()
        local function threads(prefix)
            local line = prefix .. " " .. program.path .. " info --json"
            return assert(json.decode(program.shell(line).out)).threads
        end
        assert.equal(3, threads("YOSO_THREADS=3"))
        assert.equal(1, threads("taskset -c 0"))
        assert.equal(1, threads("YOSO_THREADS=nonsense taskset -c 0"))
    end)

    it("computes with the kernels that YOSO_ISA names, or with none", function()
        local function info(isa)
            return program.shell(("YOSO_ISA=%s %s info --json"):format(isa, program.path))
        end
        assert.equal("plain", assert(json.decode(info("plain").out)).isa)
        local best = assert(json.decode(info("").out)).isa
        assert.equal(best, assert(json.decode(info(best).out)).isa)
        local result = info("nonsense")
        assert.equal(2, result.status)
        assert.equal("", result.out)
        assert.matches("^yoso: YOSO_ISA: [^\n]*nonsense[^\n]*\n$", result.err)
    end)

    it("refuses what is no checkpoint, and --parameters without one", function()
        local result = program.run{"info", "/no/such/folder"}
        assert.equal(1, result.status)
        assert.equal("", result.out)
        assert.matches("^yoso: info: [^\n]+\n$", result.err)
        assert.equal(2, program.run{"info", "--parameters"}.status)
    end)
end)

describe("yoso info of a checkpoint", function()
    it("tells its class, sizes and attention", function()
        local result = program.run{"info", "sentiment"}
        assert.equal("", result.err)
        assert.matches("YosoForSequenceClassification, 3.5 million parameters", result.out)
        assert.matches("attention: expectation", result.out)
    end)

    it("lists parameters, and all of it as JSON", function()
        local out = program.run{"info", "--parameters", "sentiment"}.out
        assert.matches("f32   %[2, 192%]%s+classifier.out_proj.weight\n", out)
        local facts = assert(json.decode(program.run{"info", "--json", "--parameters",
            "models/sentiment"}.out))
        assert.equal("yoso", facts.config.model_type)
        local count = 0
        for _, value in pairs(assert(safetensors.load("models/sentiment/model.safetensors"))) do
            count = count + value:numel()
        end
        assert.equal(count, facts.num_parameters)
        assert.is_true(#facts.parameters > 20)
    end)
end)

describe("yoso.models", function()
    it("finds a shipped model in YOSO_MODELS first", function()
        local folder = os.tmpname()
        os.remove(folder)
        program.shell("mkdir -p " .. folder .. "/mine")
        local result = program.shell(("YOSO_MODELS=/nowhere:%s %s -e 'print(yoso.models.path(\"mine\"))'")
            :format(folder, program.path))
        assert.equal(folder .. "/mine\n", result.out)
        program.shell("rm -rf " .. folder)
    end)

    it("says where it has looked", function()
        local path, message = models.path("no-such-model")
        assert.is_nil(path)
        assert.matches("no%-such%-model in /", message)
        assert.has_error(function() models.path("a/b") end)
        assert.has_error(function() models.path(nil) end)
    end)
end)

describe("yoso convert", function()
    local folder
    setup(function()
        folder = os.tmpname()
        os.remove(folder)
        program.shell("mkdir " .. folder)
        assert(safetensors.save(folder .. "/in.safetensors", {a = yoso.tensor{1.5, -2},
            n = yoso.tensor({1, 2}, "i64")}))
    end)
    teardown(function()
        program.shell("rm -rf " .. folder)
    end)

    it("writes a file with another dtype, whole numbers as they are", function()
        local result = program.run{"convert", folder .. "/in.safetensors",
            folder .. "/out.safetensors", "--dtype", "bf16"}
        assert.equal("", result.err)
        assert.equal(0, result.status)
        local tensors = assert(safetensors.load(folder .. "/out.safetensors"))
        assert.equal("bf16", tensors.a:dtype())
        assert.same({1.5, -2}, tensors.a:totable())
        assert.equal("i64", tensors.n:dtype())
    end)

    it("writes a checkpoint that loads and says the same", function()
        local out = folder .. "/checkpoint"
        local result = program.run{"convert", "models/sentiment", out, "--dtype", "bf16"}
        assert.equal("", result.err)
        assert.equal(0, result.status)
        local tensors = assert(safetensors.load(out .. "/model.safetensors"))
        local before = assert(safetensors.load("models/sentiment/model.safetensors"))
        for name, value in pairs(tensors) do
            assert.equal("bf16", value:dtype(), name)
            assert.same(before[name]:to("bf16"):totable(), value:totable())
        end
        assert.matches("3.5 million parameters", program.run{"info", out}.out)
        assert.is_string(require "yoso.io.file".read(out .. "/tokenizer.json"))
        -- Without --dtype it stays what the config says.
        assert.equal(0, program.run{"convert", out, folder .. "/again"}.status)
        tensors = assert(safetensors.load(folder .. "/again/model.safetensors"))
        assert.equal("bf16", tensors["classifier.out_proj.weight"]:dtype())
    end)

    it("writes 8 bits and floats again, a checkpoint or a file", function()
        local out = folder .. "/eight"
        assert.equal(0, program.run{"convert", "models/sentiment", out, "--dtype", "int8"}.status)
        assert.matches("int8 on cpu", program.run{"info", out}.out)
        assert.equal(0, program.run{"convert", out, out .. "-f32", "--dtype", "f32"}.status)
        assert.matches("f32 on cpu", program.run{"info", out .. "-f32"}.out)
        local one, two = out .. ".safetensors", out .. "-f32.safetensors"
        assert.equal(0, program.run{"convert", "models/sentiment/model.safetensors", one, "--dtype",
            "int8"}.status)
        assert.equal(0, program.run{"convert", one, two, "--dtype", "f32"}.status)
        assert.is_true(io.open(one):seek("end") < 0.45 * io.open(two):seek("end"))
        local wanted = assert(safetensors.load(out .. "-f32/model.safetensors"))
        for name, value in pairs(assert(safetensors.load(two))) do
            assert.same(wanted[name]:totable(), value:totable(), name)
        end
    end)

    it("fails in one line on what it cannot read or write", function()
        for _, words in ipairs{{"/no/such.safetensors", folder .. "/x.safetensors"},
            {"/no/such.bin", folder .. "/x.safetensors"},
            {folder .. "/in.safetensors", "/no/such/out.safetensors"},
            {folder, folder .. "/elsewhere"}} do
            local result = program.run{"convert", unpack(words)}
            assert.equal(1, result.status)
            assert.matches("^yoso: convert: [^\n]+\n$", result.err)
        end
        assert.equal(2, program.run{"convert", "same", "same"}.status)
        assert.equal(2, program.run{"convert", "one"}.status)
        assert.equal(2, program.run{"convert", "a", "b", "--dtype", "f8"}.status)
    end)
end)
