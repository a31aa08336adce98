-- yoso bench at sizes that take no time: what its rows hold, what it draws, what it refuses. How fast
-- anything is, no spec says.
local file = require "yoso.io.file"
local json = require "cjson"
local program = require "spec.support.program"

local tiny = {"--layers", "1", "--hidden", "32", "--heads", "2", "--intermediate", "64", "--repeats", "1"}

local function bench(...)
    return program.run{"bench", ...}
end

local function tiny_bench(name, ...)
    local arguments = {"bench", name, ...}
    for _, word in ipairs(tiny) do
        arguments[#arguments + 1] = word
    end
    return program.run(arguments)
end

local function rows_of(result)
    assert.equal(0, result.status, result.err)
    local rows = {}
    for line in result.out:gmatch("[^\n]+") do
        rows[#rows + 1] = json.decode(line)
    end
    return rows
end

describe("yoso bench", function()
    it("names the machine on standard error and prints a table", function()
        local result = tiny_bench("model", "--lengths", "16,32", "--threads", "1")
        assert.equal(0, result.status, result.err)
        assert.matches("^yoso [%d.]+ on .+ kernels, 1 threads\n", result.err)
        assert.matches("^form +dtype +tokens", result.out)
        local _, lines = result.out:gsub("\n", "")
        assert.equal(3, lines)
    end)

    it("measures a model in every form and dtype", function()
        for _, form in ipairs{"expectation", "sample", "softmax"} do
            local rows = rows_of(tiny_bench("model", "--json", "--lengths", "16", "--form", form))
            assert.equal(form, rows[1].form)
            assert.equal(16, rows[1].length)
            assert.is_true(rows[1].min <= rows[1].median and rows[1].median <= rows[1].max)
        end
        for _, dtype in ipairs{"f32", "bf16", "int8"} do
            assert.equal(dtype, rows_of(tiny_bench("model", "--json", "--lengths", "16", "--dtype",
                dtype))[1].dtype)
        end
    end)

    it("measures the attention alone, its parts and its gradient", function()
        local rows = rows_of(bench("attention", "--json", "--lengths", "32,64", "--heads", "2",
            "--repeats", "1", "--num-hash", "4,8", "--longest-quadratic", "32"))
        assert.equal(6, #rows) -- two quadratic forms at 32, two lengths of two numbers of hashes
        for _, row in ipairs(rows) do
            if row.form == "sample" then
                assert.is_true(row.hash > 0 and row.add > 0 and row.read > 0)
            end
        end
        rows = rows_of(bench("attention", "--json", "--lengths", "32", "--heads", "2", "--repeats", "1",
            "--forms", "sample", "--backward"))
        assert.equal("both", rows[1].pass)
        assert.is_true(rows[1].peak_mib > 0)
    end)

    it("measures cost against length and draws it", function()
        local path = os.tmpname()
        local result = tiny_bench("length", "--json", "--lengths", "16,32", "--plot", path .. ".svg")
        assert.equal(2, #rows_of(result))
        assert.matches("time grows with length to the %-?[%d.]+, peak memory", result.err)
        for _, what in ipairs{"time", "memory"} do
            local drawn = ("%s-%s.svg"):format(path, what)
            assert.matches("<svg", assert(file.read(drawn)))
            os.remove(drawn)
        end
        os.remove(path)
    end)

    it("measures sentences, operations and training steps", function()
        local ids = program.file("5 6 7 8\n9 10 11\n12 13\n")
        local rows = rows_of(tiny_bench("sentences", "--json", "--ids", ids))
        os.remove(ids)
        assert.equal(3, rows[1].sentences)
        assert.equal(9, rows[1].tokens)
        rows = rows_of(bench("ops", "--json", "--tokens", "8", "--repeats", "1", "--only", "linear,sum"))
        assert.same({"linear", "sum"}, {rows[1].op, rows[2].op})
        assert.is_true(rows[1].gflops > 0 and rows[2].gbytes > 0)
        rows = rows_of(bench("train", "--json", "--layers", "1", "--length", "16", "--repeats", "1"))
        assert.equal("mlm", rows[1].case)
    end)

    it("measures a tokenizer", function()
        local text = program.file(("a gripping , beautifully acted film\n"):rep(200))
        local rows = rows_of(bench("tokenizer", "--json", "--text", text, "--repeats", "1"))
        os.remove(text)
        for _, row in ipairs(rows) do
            assert.is_true(row.median > 0, row.what)
        end
        assert.is_true(#rows >= 3)
    end)

    it("refuses what it cannot measure before it measures anything", function()
        for _, case in ipairs{
            {{"model", "--lengths", "16,abc"}, "'abc' is no whole number of at least 1"},
            {{"model", "--lengths", "16,"}, "'' is no whole number"},
            {{"model", "--repeats", "0"}, "'0' is no whole number of at least 1"},
            {{"model", "--form", "nope"}, "must be one of 'expectation', 'sample', 'softmax'"},
            {{"model", "--dtype", "f99"}, "must be one of 'f32', 'bf16', 'int8'"},
            {{"model", "--device", "tpu"}, "must be one of 'cpu', 'cuda'"},
            {{"attention", "--num-hash", "x"}, "'x' is no whole number"},
            {{"attention", "--forms", "sample,foo"}, "'foo' is none of expectation, sample, softmax"},
            {{"ops", "--only", "nothing"}, "'nothing' is none of linear,"},
            {{"train", "--case", "foo"}, "must be one of 'mlm', 'sst2'"},
            {{"length", "--plot", "x.pdf"}, "'x.pdf': a plot is written as .svg or .png"},
            {{"sentences"}, "missing option '--ids'"},
        } do
            local result = bench(unpack(case[1]))
            assert.equal(2, result.status, table.concat(case[1], " "))
            assert.is_truthy(result.err:find(case[2], 1, true), result.err)
            assert.equal("", result.out)
        end
    end)

    it("says which file it cannot read", function()
        for _, case in ipairs{{"tokenizer", "--text", "/nowhere"}, {"sentences", "--ids", "/nowhere"}} do
            local result = bench(unpack(case))
            assert.equal(1, result.status)
            assert.matches("/nowhere: No such file or directory", result.err)
        end
    end)
end)
