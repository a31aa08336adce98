-- The public sets in their original files: the row and label counts their data card publishes.
local data = require "yoso.data"
local shared = require "spec.support.shared"

local function tally(source, failure)
    assert(source, failure)
    local count, labels = 0, {}
    for example, broken in source do
        assert.is_nil(broken)
        count = count + 1
        if example.label then
            labels[example.label] = (labels[example.label] or 0) + 1
        end
    end
    local _, broken = source()
    assert.is_nil(broken)
    return count, labels
end

local function golden(name, fn)
    shared.golden(it, pending, name, fn)
end

local function path(relative)
    return shared.path("data/" .. relative)
end

describe("GLUE files", function()
    -- file, rows, count of label 0, count of label 1 (and 2)
    for _, case in ipairs{
        {"sst2", "SST-2/train.tsv", 67349, 29780, 37569}, {"sst2", "SST-2/dev.tsv", 872, 428, 444},
        {"cola", "CoLA/train.tsv", 8551, 2528, 6023}, {"cola", "CoLA/dev.tsv", 1043, 322, 721},
        {"mrpc", "MRPC/train.tsv", 3668, 1194, 2474}, {"mrpc", "MRPC/dev.tsv", 408, 129, 279},
        {"rte", "RTE/train.tsv", 2490, 1249, 1241}, {"rte", "RTE/dev.tsv", 277, 146, 131},
        {"wnli", "WNLI/train.tsv", 635, 323, 312}, {"wnli", "WNLI/dev.tsv", 71, 40, 31},
        {"qnli", "QNLI/dev.tsv", 5463, 2702, 2761}, {"qnli", "QNLI/train.sample.tsv", 8999},
        {"qqp", "QQP/train.sample.tsv", 8999, 5747, 3252},
        {"qqp", "QQP/dev.sample.tsv", 1000, 623, 377},
        {"qqp", "QQP/eval.subset.tsv", 22869, 14360, 8509},
        {"mnli", "MNLI/train.sample.tsv", 8999, 3061, 2980, 2958},
        {"mnli", "MNLI/dev.sample.tsv", 1000, 347, 333, 320},
        {"mnli", "MNLI/train.glue-format.tsv", 480, 160, 160, 160},
        {"stsb", "STS-B/train.tsv", 5749}, {"stsb", "STS-B/dev.tsv", 1500},
    } do
        golden(case[2], function()
            local rows, labels = tally(data.glue(case[1], path("glue/" .. case[2])))
            assert.equal(case[3], rows)
            for i = 4, #case do
                assert.equal(case[i], labels[i - 4])
            end
        end)
    end

    golden("keep quotes as they are, and the pair apart", function()
        local first = data.glue("mrpc", path("glue/MRPC/dev.tsv"))()
        assert.equal("He said the foodservice pie business doesn't fit the company's long-term"
            .. " growth strategy.", first.text)
        assert.equal('"The foodservice pie business does not fit our long-term growth strategy.',
            first.pair)
        assert.equal(1, first.label)
    end)
end)

describe("tagged sentences", function()
    for _, case in ipairs{
        {"wnut17/wnut17train.conll", 3394, 62730}, {"wnut17/emerging.dev.conll", 1009, 15733},
        {"wnut17/emerging.test.annotated", 1287, 23394}, {"wikiann-en/train", 20000},
        {"wikiann-en/dev", 10000}, {"wikiann-en/test", 10000},
    } do
        golden(case[1], function()
            local open = case[1]:find("wikiann") and data.wikiann or data.conll
            local sentences = assert(data.collect(assert(open(path(case[1])))))
            local tokens = 0
            for _, sentence in ipairs(sentences) do
                assert.equal(#sentence.tokens, #sentence.tags)
                tokens = tokens + #sentence.tokens
            end
            assert.equal(case[2], #sentences)
            assert.equal(case[3] or tokens, tokens)
            assert.is_nil(sentences[1].tokens[1]:find("^en:"))
        end)
    end
end)

describe("SQuAD files", function()
    for _, case in ipairs{{"squad/dev-v1.1.json", 10570, 48, 2067},
        {"squad/xquad.en.json", 1190, 48, 240}} do
        golden(case[1], function()
            local contexts, articles, paragraphs, count = {}, {}, 0, 0
            for question in assert(data.squad(path(case[1]))) do
                count = count + 1
                articles[question.article] = true
                local seen = question.article .. question.context
                paragraphs = paragraphs + (contexts[seen] and 0 or 1)
                contexts[seen] = true
                for _, answer in ipairs(question.answers) do
                    assert.equal(answer.text,
                        question.context:sub(answer.start + 1, answer.stop))
                end
            end
            assert.same({case[2], case[3], case[4]}, {count, #articles, paragraphs})
        end)
    end
end)

describe("multiple choice", function()
    -- rows that can be answered, and those left out (answer E, or no choices in the file)
    for _, case in ipairs{{"easy_train", 2147, 104}, {"easy_validation", 549, 21},
        {"challenge_train", 1096, 23}, {"challenge_validation", 294, 5}} do
        golden("arc_" .. case[1], function()
            local source, counts = data.arc(path("arc/arc_" .. case[1] .. ".csv"))
            assert.equal(case[2], (tally(source)))
            assert.equal(case[3], counts.left_out)
        end)
    end
    golden("COPA", function()
        assert.equal(500, (tally(data.copa(path("copa/copa-dev.xml")))))
        local first = data.copa(path("copa/copa-dev.xml"))()
        assert.same({"The sun was rising.", "The grass was cut."}, first.choices)
        assert.equal("My body cast a shadow over the grass. What was the cause of this?",
            first.prompt)
        assert.equal(0, first.label)
    end)
    golden("SWAG", function()
        assert.equal(11, (tally(data.swag(path("swag/swag.sample.csv")))))
        local first = data.swag(path("swag/swag.sample.csv"))()
        assert.equal("Students lower their eyes nervously.", first.prompt)
        assert.equal("She pats her shoulder, then saunters toward someone.", first.choices[1])
        assert.equal(2, first.label)
    end)
end)

describe("long inputs", function()
    golden("ListOps in LRA's form, without parentheses", function()
        local rows, labels = tally(data.listops(path("lra-listops/basic_test.tsv")))
        assert.equal(2000, rows)
        assert.equal(332, labels[9])
        local first = data.listops(path("lra-listops/basic_test.tsv"))()
        assert.equal("[MIN 0 9 [MIN 8 2 1 [MED 0 4 2 ]", first.text:sub(1, 32))
    end)
    golden("ListOps in its original form", function()
        assert.equal(10000, (tally(data.listops(path("listops/test_d20s.tsv")))))
        local first = data.listops(path("listops/test_d20s.tsv"))()
        assert.same({"[SM 6 5 9 0 ]", 0}, {first.text, first.label})
    end)
    golden("IMDb", function()
        local rows, labels = tally(data.imdb(path("imdb/test.tsv")))
        assert.same({25000, 12500, 12500}, {rows, labels[0], labels[1]})
    end)
    golden("grey CIFAR-10", function()
        local rows, labels = tally(data.cifar(path("cifar10-gray/test_batch_gray.bin")))
        assert.same({10000, 1000, 1000}, {rows, labels[0], labels[9]})
        local first = data.cifar(path("cifar10-gray/test_batch_gray.bin"))()
        assert.equal(1024, select(2, first.text:gsub("%d+", "")))
    end)
    golden("WikiText-2's paragraphs", function()
        local lines, words = 0, 0
        for example in assert(data.text(path("wikitext-2/test.txt"))) do
            lines = math.max(lines, example.line)
            words = words + select(2, example.text:gsub("%S+", ""))
        end
        assert.equal(241211, words)
        assert.is_true(lines <= 4358)
    end)
end)
