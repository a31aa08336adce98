-- yoso.train: learns, saves, resumes to the bit, stops when asked, and says what is wrong.
local c = require "yoso.c"
local file = require "yoso.io.file"
local json = require "yoso.io.json"
local yoso = require "yoso"

local vocabulary = "models/sentiment"

local function folder()
    local path = os.tmpname()
    os.remove(path)
    assert(file.mkdir(path))
    return path
end

local function write(path, lines)
    assert(file.write(path, table.concat(lines, "\n") .. "\n"))
end

-- A set that two words decide.
local function reviews()
    local data = folder()
    local lines = {"text\tlabel"}
    for i = 1, 32 do
        local good = i % 2 == 0
        lines[#lines + 1] = ("film %d was %s\t%s"):format(i, good and "fine" or "dull",
            good and "good" or "bad")
    end
    write(data .. "/train.tsv", lines)
    write(data .. "/dev.tsv", lines)
    return data
end

local function options(more)
    local all = {task = "text-classification", tokenizer = vocabulary, seed = 3, batch_size = 8,
        lr = 3e-3, warmup = 2, dropout = 0.1, hidden_size = 16, num_hidden_layers = 1,
        num_attention_heads = 2, intermediate_size = 32, max_length = 32, quiet = true,
        evaluate = false}
    for name, value in pairs(more) do
        all[name] = value
    end
    return all
end

local function log_of(out)
    local records = {}
    for line in assert(file.lines(out .. "/train.jsonl")) do
        records[#records + 1] = assert(json.decode(line, "log"))
    end
    return records
end

describe("training", function()
    local data = reviews()

    it("learns, keeps the best, and leaves a model that classifies", function()
        local out = folder()
        local result = assert(yoso.train(options{data = data, out = out, epochs = 12,
            lr = 1e-2, evaluate = true}))
        assert.equals("done", result.outcome)
        assert.equals(1, result.best)
        local classify = assert(yoso.pipeline("text-classification", out))
        assert.equals("good", classify("film 99 was fine")[1].label)
        assert.equals("bad", classify("film 99 was dull")[1].label)
        local records = log_of(out)
        assert.is_true(records[1].loss > records[#records - 1].loss)
    end)

    for _, form in ipairs{"expectation", "sample"} do
        it("resumes to the bit after Ctrl-C with the " .. form .. " form", function()
            local whole, parts = folder(), folder()
            local function run(out, more)
                more.data, more.out, more.steps, more.attention = data, out, 7, form
                return assert(yoso.train(options(more)))
            end
            run(whole, {})
            local result = run(parts, {on_step = function(step)
                if step == 3 then -- not from os.execute itself: it ignores the signal meanwhile
                    os.execute("(sleep 0.05; kill -INT $PPID) &")
                    repeat until c.lib.yoso_sigint_came() ~= 0
                end
            end})
            assert.equals("stopped", result.outcome)
            assert.equals(3, result.step)
            run(parts, {resume = true})
            assert.is_true(file.read(whole .. "/last.safetensors")
                == file.read(parts .. "/last.safetensors"))
            assert.equals(7, #log_of(parts))
        end)
    end

    it("resumes with the run's own options but for those that are given", function()
        local whole, parts = folder(), folder()
        assert(yoso.train(options{data = data, out = whole, steps = 5, attention = "sample"}))
        local first = assert(yoso.train(options{data = data, out = parts, steps = 5,
            attention = "sample", on_step = function(step) return step == 2 and "stop" or nil end}))
        assert.equals("stopped", first.outcome)
        local result = assert(yoso.train{out = parts, resume = true, quiet = true})
        assert.equals(5, result.step)
        assert.is_true(file.read(whole .. "/last.safetensors")
            == file.read(parts .. "/last.safetensors"))
        result = assert(yoso.train{out = parts, resume = true, quiet = true, steps = 6})
        assert.equals(6, result.step)
        result = assert(yoso.train{out = parts, resume = true, quiet = true, epochs = 2})
        assert.equals(8, result.step) -- 32 examples, 8 a batch
    end)

    it("stops at numbers that are none and names step, parameter and checkpoint", function()
        local out = folder()
        local result, message = yoso.train(options{data = data, out = out, epochs = 4, lr = 1e38,
            warmup = 0, save_every = 1})
        assert.is_nil(result)
        assert.truthy(message:find("step %d+: loss"), message)
        assert.truthy(message:find("first bad values are in", 1, true), message)
        assert.truthy(message:find("last good checkpoint is " .. out, 1, true), message)
        assert.is_true(file.exists(out .. "/last.safetensors"))
    end)

    it("does not write over a run unless told", function()
        local out = folder()
        assert(yoso.train(options{data = data, out = out, steps = 1}))
        local result, message = yoso.train(options{data = data, out = out, steps = 1})
        assert.is_nil(result)
        assert.truthy(message:find("holds a training run already", 1, true))
        assert(yoso.train(options{data = data, out = out, steps = 1, overwrite = true}))
    end)

    it("starts from a checkpoint with a fresh head", function()
        local first, second = folder(), folder()
        assert(yoso.train(options{data = data, out = first, steps = 1}))
        local tags = folder()
        write(tags .. "/train.conll", {"Ann\tB-PER", "slept\tO", "", "Bob\tB-PER", "ran\tO", ""})
        local result = assert(yoso.train(options{task = "token-classification", data = tags,
            model = first, tokenizer = false, out = second, steps = 2}))
        assert.equals(2, result.model.config.num_labels)
        assert.equals(16, result.model.config.hidden_size)
    end)

    it("notes the form it trained with, also in place of the checkpoint's", function()
        local out = folder()
        local model
        for _, form in ipairs{"expectation", "sample", "softmax"} do
            model = assert(yoso.train(options{data = data, out = out, steps = 1, attention = form,
                num_hash = 6, overwrite = true})).model
            assert.equals(form, model.config:attention())
        end
        for _, form in ipairs{"softmax", "sample", "expectation"} do
            local next_out = folder()
            assert(yoso.train(options{data = data, model = out, tokenizer = false, out = next_out,
                steps = 1, attention = form, num_hash = 5}))
            local config = yoso.load(next_out).config
            assert.equals(form, config:attention())
            assert.equals(5, config.num_hash)
        end
    end)

    it("learns each kind of task", function()
        local answers = folder()
        write(answers .. "/train.jsonl", {
            '{"question":"who","context":"it was Ann","answers":[{"text":"Ann","answer_start":7}]}',
            '{"question":"what","context":"a cat sat","answers":[{"text":"cat","answer_start":2}]}'})
        local choices = folder()
        write(choices .. "/train.jsonl", {
            '{"prompt":"the sky is","choices":["blue","loud"],"label":0}',
            '{"prompt":"a song is","choices":["wet","short","square"],"label":1}'})
        local text = folder()
        write(text .. "/train.txt", {"one two three four five six", "seven eight nine ten"})
        local several = folder()
        write(several .. "/train.jsonl", {'{"text":"red and round","label":["red","round"]}',
            '{"text":"red","label":["red"]}', '{"text":"plain","label":[]}'})
        local values = folder()
        write(values .. "/train.tsv", {"text\tlabel", "warm\t0.75", "cold\t0.25"})
        for _, case in ipairs{
            {"question-answering", answers}, {"multiple-choice", choices}, {"fill-mask", text},
            {"text-classification", several, "multi_label_classification"},
            {"text-classification", values, "regression"},
        } do
            local result = assert(yoso.train(options{task = case[1], data = case[2], out = folder(),
                steps = 2}))
            assert.equals(2, result.step)
            if case[3] then
                assert.equals(case[3], result.model.config.problem_type)
            end
        end
    end)

    it("says what is wrong with its data and options", function()
        local empty, broken = folder(), folder()
        write(broken .. "/train.tsv", {"text\tlabel", "no label here"})
        local result, message = yoso.train(options{data = empty, out = folder()})
        assert.is_nil(result)
        assert.truthy(message:find(empty, 1, true))
        result, message = yoso.train(options{data = broken, out = folder()})
        assert.is_nil(result)
        assert.truthy(message:find(broken, 1, true))
        result, message = yoso.train(options{task = "nonsense", data = data, out = folder()})
        assert.is_nil(result)
        assert.truthy(message:find("unknown task nonsense", 1, true))
        result, message = yoso.train(options{data = data, out = folder(), resume = true})
        assert.is_nil(result)
        assert.is_string(message)
        assert.has_error(function() yoso.train{task = "sst2"} end)
        local ok
        ok, message = pcall(yoso.train, options{data = data, out = folder(), learning_rate = 1})
        assert.is_false(ok)
        assert.truthy(message:find("there is no option learning_rate", 1, true), message)
    end)

    it("learns plain tags by the share of words that are right", function()
        local words = folder()
        local lines = {}
        for i = 1, 24 do
            lines[#lines + 1] = (i % 2 == 0 and "the\tDET\ncat" or "a\tDET\ndog") .. "\tNOUN\nsat\tVERB\n"
        end
        write(words .. "/train.conll", lines)
        write(words .. "/dev.conll", lines)
        local result = assert(yoso.train(options{task = "token-classification", data = words,
            out = folder(), epochs = 10, lr = 1e-2, evaluate = true}))
        assert.equal("token_accuracy", result.result.metric)
        assert.equal(1, result.best)
    end)

    it("learns that questions have no answer, and says so in the configuration", function()
        local asked, lines = folder(), {}
        for i = 1, 16 do
            lines[i] = i % 2 == 0
                and '{"question":"who","context":"Ann sat","answers":[{"text":"Ann","answer_start":0}]}'
                or '{"question":"why","context":"Ann sat","answers":[]}'
        end
        write(asked .. "/train.jsonl", lines)
        write(asked .. "/dev.jsonl", lines)
        local out = folder()
        local result = assert(yoso.train(options{task = "question-answering", data = asked, out = out,
            epochs = 60, dropout = 0, hidden_size = 32, num_hidden_layers = 2, evaluate = true}))
        assert.equals(100, result.best)
        local answer = assert(yoso.pipeline("question-answering", out))
        assert.equals("", answer{question = "why", context = "Ann sat"}.answer)
        assert.equals("Ann", answer{question = "who", context = "Ann sat"}.answer)
        assert.is_true(yoso.load(out).config.handle_impossible_answer)
        write(asked .. "/train.jsonl", {lines[2], '{"question":"why","context":"Ann sat"}'})
        result = assert(yoso.train(options{task = "question-answering", data = asked .. "/train.jsonl",
            out = folder(), steps = 1}))
        assert.is_nil(result.model.config.handle_impossible_answer)
    end)

    it("tells before the first step what its data would stop it by", function()
        local function fails(wanted, more)
            more.out = folder()
            local result, message = yoso.train(options(more))
            assert.is_nil(result)
            assert.truthy(message:find(wanted, 1, true), message)
            assert.is_false(file.exists(more.out .. "/train.jsonl"))
        end
        local own = folder()
        write(own .. "/train.tsv", {"text\tlabel", "fine\tgood", "dull\tbad"})
        write(own .. "/dev.tsv", {"text\tlabel", "fine\tgood", "so so\tmiddling"})
        fails('dev.tsv:3: label "middling", the model knows bad, good', {data = own, evaluate = true})
        fails("no file for text-classification's split test", {data = own, evaluate = true,
            eval_split = "test"})
        write(own .. "/broken.tsv", {"text\tlabel", "fine\tgood", "dull"})
        fails("broken.tsv:3: 1 columns, wanted 2", {data = own .. "/broken.tsv"})
        write(own .. "/none.jsonl", {'{"text": "fine", "label": "good"}', '{"text": "dull"}'})
        fails("none.jsonl:2: no label", {data = own .. "/none.jsonl"})
        write(own .. "/blank.tsv", {"text\tlabel", "fine\tgood", "dull\t"})
        fails("blank.tsv:3: the label is empty", {data = own .. "/blank.tsv"})
        write(own .. "/train.conll", {"Ann\tB-PER", "slept\tO"})
        write(own .. "/dev.conll", {"Rome\tB-LOC"})
        os.remove(own .. "/train.tsv")
        os.remove(own .. "/dev.tsv")
        fails('dev.conll:1: tag "B-LOC" is not among the training labels',
            {data = own, task = "token-classification", evaluate = true})
        write(own .. "/asked.jsonl", {'{"question": "who", "context": "it was Ann", '
            .. '"answers": [{"text": "Bob", "answer_start": 7}]}'})
        fails('asked.jsonl:1: question 1: the answer is "Bob", at its answer_start the context has'
            .. ' "Ann"', {data = own .. "/asked.jsonl", task = "question-answering"})
        fails("sst2: its columns are known", {data = own, task = "sst2", columns = {text = "review"}})
    end)

    it("keeps what was learned when an evaluation fails", function()
        local own, out = reviews(), folder()
        local result, message = yoso.train(options{data = own, out = out, steps = 8, evaluate = true,
            eval_every = 3, on_step = function(step)
                if step == 3 then
                    write(own .. "/dev.tsv", {"text\tlabel", "so so\tmiddling"})
                end
            end})
        assert.is_nil(result)
        assert.truthy(message:find("middling", 1, true), message)
        write(own .. "/dev.tsv", {"text\tlabel", "fine\tgood"})
        result = assert(yoso.train{out = out, resume = true, quiet = true})
        assert.equals(8, result.step)
        assert.equals(4, log_of(out)[4].step)
    end)

    it("refuses numbers that mean nothing, at the caller's line", function()
        for name, value in pairs{batch_size = 0, steps = -1, epochs = 1.5, seed = 2 ^ 29, clip = 0,
            lr = 0 / 0, warmup = -1, word_dropout = 1, mlm_probability = 0, limit = "ten",
            max_length = 2} do
            local out = folder()
            local ok, message = pcall(yoso.train, options{data = data, out = out, [name] = value})
            assert.is_false(ok, name)
            assert.truthy(message:find("^[^\n]*train_spec.lua:%d+: train: " .. name .. " is "), message)
            assert.is_false(file.exists(out .. "/last.safetensors"))
        end
    end)

    it("draws words to drop from large seeds as well", function()
        assert(yoso.train(options{data = data, out = folder(), steps = 2, word_dropout = 0.5,
            seed = 2 ^ 29 - 1}))
    end)
end)
