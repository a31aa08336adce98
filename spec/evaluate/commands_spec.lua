-- The commands that run models, as a user types them.
local json = require "yoso.io.json"
local program = require "spec.support.program"
local shared = require "spec.support.shared"
local tiny = require "spec.support.tiny"

local folders = {}

-- A folder with a tiny checkpoint of a class and the tokenizer.
local function checkpoint(class, config)
    local folder = os.tmpname()
    os.remove(folder)
    assert(tiny.model(class, config):save(folder))
    os.execute(("cp models/sentiment/tokenizer.json %s/"):format(folder))
    folders[#folders + 1] = folder
    return folder
end

local function lines(text)
    local list = {}
    for line in text:gmatch("[^\n]+") do
        list[#list + 1] = line
    end
    return list
end

-- Status 1 and one line on standard error that has `wanted` in it.
local function fails(wanted, arguments, input)
    local result = program.run(arguments, input)
    assert.same({1, "", 1}, {result.status, result.out, #lines(result.err)}, result.err)
    assert.is_true(result.err:find(wanted, 1, true) ~= nil, result.err)
end

describe("yoso classify", function()
    it("labels texts with the shipped model", function()
        local result = program.run{"classify", "a gripping , funny film", "a tedious mess"}
        assert.equal(0, result.status, result.err)
        local found = lines(result.out)
        assert.matches("^positive\t0%.%d+\ta gripping , funny film$", found[1])
        assert.matches("^negative\t0%.%d+\ta tedious mess$", found[2])
    end)
    it("reads lines and writes one JSON object a line", function()
        local result = program.run({"classify", "--json"}, "a fine film\n\ndull")
        assert.equal(0, result.status, result.err)
        local found = lines(result.out)
        assert.equal(3, #found)
        local first = json.decode(found[1])
        assert.equal("a fine film", first.text)
        assert.equal("positive", first.label)
        assert.equal(first.score, first.labels[1].score)
        assert.is_true(math.abs(first.labels[1].score + first.labels[2].score - 1) < 1e-6)
        assert.equal("", json.decode(found[2]).text)
    end)
    it("gives the same for one text and for many", function()
        local many = {}
        for i = 1, 300 do
            many[i] = "film number " .. i
        end
        local all = lines(program.run({"classify", "--json"}, table.concat(many, "\n")).out)
        assert.equal(300, #all)
        local alone = json.decode(program.run{"classify", "--json", many[299]}.out)
        assert.is_true(math.abs(alone.score - json.decode(all[299]).score) < 1e-5)
    end)
    it("warns on standard error when it cuts", function()
        local result = program.run{"classify", "--max-length", "8", ("long "):rep(50)}
        assert.equal(0, result.status)
        assert.matches("1 of 1 texts cut at 8 tokens", result.err)
    end)
    it("takes pairs", function()
        local result = program.run({"classify", "--pair"}, "one\ttwo\n")
        assert.equal(0, result.status, result.err)
        fails("text 1: no tab, wanted two texts apart by one", {"classify", "--pair", "one"})
    end)
    it("tells what is wrong in one line", function()
        fails("text 2, byte 2 (0xFF) is not UTF-8", {"classify"}, "good\na\255\n")
        fails("no texts: neither as arguments nor on standard input", {"classify"}, "")
        fails("no/such/model", {"classify", "--model", "no/such/model", "x"})
        local result = program.run{"classify", "--nonsense", "x"}
        assert.equal(2, result.status)
        result = program.run{"classify", "--batch-size", "0", "x"}
        assert.equal(2, result.status)
    end)
end)

describe("commands for other heads", function()
    teardown(function()
        for _, folder in ipairs(folders) do
            os.execute("rm -rf " .. folder)
        end
    end)

    it("fill-mask", function()
        local folder = checkpoint("YosoForMaskedLM")
        local result = program.run{"fill-mask", "--model", folder, "--top", "2", "--json",
            "a <mask> film"}
        assert.equal(0, result.status, result.err)
        local object = json.decode(result.out)
        assert.same({1, 2}, {#object.masks, #object.masks[1]})
        result = program.run{"fill-mask", "--model", folder, "a <mask> <mask>"}
        assert.equal(10, #lines(result.out))
        fails("yoso: fill-mask: no <mask> in", {"fill-mask", "--model", folder, "a film"})
        fails("needs a YosoForMaskedLM", {"fill-mask", "--model", "models/sentiment", "a <mask>"})
    end)
    it("tag", function()
        local folder = checkpoint("YosoForTokenClassification", {num_labels = 3,
            id2label = {["0"] = "O", ["1"] = "B-X", ["2"] = "I-X"}})
        local result = program.run{"tag", "--model", folder, "--json", "Ada lived in London"}
        assert.equal(0, result.status, result.err)
        for _, entity in ipairs(json.decode(result.out).entities) do
            assert.equal(entity.text,
                ("Ada lived in London"):sub(entity.start + 1, entity.stop))
        end
        assert.equal(0, program.run{"tag", "--model", folder, "Ada"}.status)
    end)
    it("answer", function()
        local folder = checkpoint("YosoForQuestionAnswering")
        local context = "Ada lived in London."
        local result = program.run({"answer", "--model", folder, "--json", "--context", context},
            "Where?\nWho?\n")
        assert.equal(0, result.status, result.err)
        local object = json.decode(lines(result.out)[1])
        assert.equal(object.answer, context:sub(object.start + 1, object.stop))
        assert.equal("Who?", json.decode(lines(result.out)[2]).question)
        fails("give --context TEXT or --file FILE", {"answer", "--model", folder, "Where?"})
        fails("no/such.txt", {"answer", "--model", folder, "--file", "no/such.txt", "Where?"})
    end)
    it("choose", function()
        local folder = checkpoint("YosoForMultipleChoice")
        local result = program.run{"choose", "--model", folder, "--json", "He sang.", "a", "b", "c"}
        assert.equal(0, result.status, result.err)
        local object = json.decode(result.out)
        assert.same({3, "He sang."}, {#object.scores, object.prompt})
        assert.equal(({"a", "b", "c"})[object.index], object.choice)
        assert.equal(2, #lines(program.run({"choose", "--model", folder},
            "p\ta\tb\nq\tc\td\te\n").out))
        fails("wanted a prompt and at least two choices", {"choose", "--model", folder, "p", "a"})
    end)
    it("embed", function()
        local result = program.run{"embed", "--json", "--model", checkpoint("YosoModel"), "a film"}
        assert.equal(0, result.status, result.err)
        assert.equal(16, #json.decode(result.out).embedding)
        result = program.run{"embed", "--pooling", "first", "a film"}
        assert.equal(192, select(2, result.out:gsub("%S+", "")))
    end)
    it("want a model where none ships", function()
        fails("no model ships for this; name one with --model DIR", {"answer", "--context", "x", "y"})
    end)
end)

describe("yoso eval", function()
    shared.golden(it, pending, "gives exactly 698 of 872 and writes the scores", function()
        local path = os.tmpname()
        local result = program.run{"eval", "--model", shared.path("checkpoints/sst2-yoso-mini"),
            "--task", "sst2", "--data", shared.path("data/glue/SST-2"), "--json", path}
        assert.equal(0, result.status, result.err)
        assert.matches("accuracy%s+80%.05.*698 of 872", result.out)
        local scores = json.decode(program.shell("cat " .. path).out)
        os.remove(path)
        assert.equal(698 / 872, scores.accuracy)
        assert.same({698, 872, "sst2", "expectation", 1}, {scores.correct, scores.total,
            scores.task, scores.attention, scores.seed})
    end)
    shared.golden(it, pending, "samples attention by its seed", function()
        local function score(seed)
            local result = program.run{"eval", "--task", "sst2", "--data",
                shared.path("data/glue/SST-2"), "--limit", "100", "--attention", "sample",
                "--num-hash", "64", "--seed", seed}
            assert.equal(0, result.status, result.err)
            return tonumber(result.out:match("(%d+) of 100"))
        end
        assert.equal(score("5"), score("5"))
        assert.is_true(score("6") > 60)
    end)
    it("tells what is wrong", function()
        fails("unknown task nonsense, wanted one of cola sst2", {"eval", "--task", "nonsense",
            "--data", "models"})
        fails("no/such: no such file or folder", {"eval", "--task", "sst2", "--data", "no/such"})
        fails("no model ships for this", {"eval", "--task", "squad", "--data", "models"})
        fails("no/such", {"eval", "--task", "sst2", "--data", "models", "--json", "no/such/x.json"})
        assert.equal(2, program.run{"eval", "--task", "sst2"}.status)
        assert.equal(2, program.run{"eval", "--task", "sst2", "--data", "x", "--column", "x"}.status)
    end)
end)
