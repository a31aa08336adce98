-- The table of tasks: where their files are, their labels, and what training and evaluation share.
local masking = require "yoso.tasks.masking"
local blocks = require "yoso.tasks.blocks"
local labels = require "yoso.tasks.labels"
local shared = require "spec.support.shared"
local source = require "yoso.data.source"
local tasks = require "yoso.tasks"
local tiny = require "spec.support.tiny"

describe("tasks", function()
    it("are whole", function()
        for _, task in ipairs(tasks.list) do
            assert.equal(task, tasks.find(task.name))
            assert.is_true(task.splits[task.evaluation] ~= nil, task.name)
            assert.is_true(#task.metrics > 0 and #task.summary > 0 and task.max_length > 0)
        end
    end)
    shared.golden(it, pending, "find the files of their splits, compressed or not", function()
        local sst2 = tasks.find("sst2")
        local folder = shared.path("data/glue/SST-2")
        assert.equal(folder .. "/train.tsv", tasks.path(sst2, folder, "train"))
        assert.equal(folder .. "/dev.tsv", tasks.path(sst2, folder .. "/dev.tsv", "train"))
    end)
    shared.golden(it, pending, "cut SQuAD's dev set into 38 and 10 articles", function()
        local split, counts = tasks.find("squad-split"), {}
        for _, name in ipairs{"train", "dev"} do
            local count, articles = 0, {}
            for question in assert(tasks.open(split, shared.path("data/squad"), name)) do
                count, articles[question.article] = count + 1, true
            end
            counts[name] = count
            assert.equal(name == "train", articles[38] == true)
            assert.equal(name == "dev", articles[39] == true and articles[48] == true)
        end
        assert.equal(10570, counts.train + counts.dev)
    end)
end)

describe("labels", function()
    local mnli = tasks.find("mnli")
    it("of a task go to the same names in the model's order", function()
        local resolve = labels.resolver(mnli,
            {[0] = "CONTRADICTION", "NEUTRAL", "ENTAILMENT"}, 3)
        assert.same({2, 1, 0}, {resolve(0), resolve(1), resolve(2)})
    end)
    it("stay where the model has no names", function()
        local resolve = labels.resolver(mnli, {[0] = "LABEL_0", "LABEL_1", "LABEL_2"}, 3)
        assert.same({0, 1, 2}, {resolve(0), resolve(1), resolve(2)})
    end)
    it("of the user's files are names or ids", function()
        local resolve = labels.resolver({}, {[0] = "no", "yes"}, 2)
        assert.same({1, 0, 1}, {resolve("Yes"), resolve("0"), resolve(1)})
        local none, message = resolve("maybe")
        assert.same({nil, 'label "maybe", the model knows no, yes'}, {none, message})
    end)
end)

describe("masking", function()
    local function record(count)
        local made = {ids = {}, special_tokens_mask = {}}
        for i = 1, count do
            made.ids[i] = 100 + i % 50
            made.special_tokens_mask[i] = (i == 1 or i == count) and 1 or 0
        end
        return made
    end
    local options = {seed = 3, mask_id = 4, vocab_size = 8192}

    it("hides 15 % of the ordinary tokens, 80 % of them behind the mask", function()
        local made = masking.mask(record(20000), 1, options)
        local hidden, masked, kept = #made.places, 0, 0
        for i, place in ipairs(made.places) do
            assert.equal(made.ids[place], made.targets[i])
            assert.is_true(place > 1 and place < 20000)
            masked = masked + (made.masked_ids[place] == 4 and 1 or 0)
            kept = kept + (made.masked_ids[place] == made.ids[place] and 1 or 0)
        end
        -- within four standard deviations
        assert.is_true(math.abs(hidden - 3000) < 4 * math.sqrt(20000 * 0.15 * 0.85))
        assert.is_true(math.abs(masked / hidden - 0.8) < 4 * math.sqrt(0.16 / hidden))
        assert.is_true(math.abs(kept / hidden - 0.1) < 4 * math.sqrt(0.09 / hidden))
    end)
    it("repeats for a seed and a sequence, and differs otherwise", function()
        local function places(number, seed)
            return masking.mask(record(200), number, {seed = seed, mask_id = 4,
                vocab_size = 8192}).places
        end
        assert.same(places(1, 3), places(1, 3))
        assert.are_not.same(places(1, 3), places(2, 3))
        assert.are_not.same(places(1, 3), places(1, 4))
    end)
end)

describe("blocks", function()
    it("hold all tokens once, between begin and end", function()
        local tokenizer, all = tiny.tokenizer(), {}
        local texts = {"a film of great beauty", "and", "a very long and winding story", "end"}
        for i, text in ipairs(texts) do
            for _, id in ipairs(tokenizer:encode(text, {add_special_tokens = false}).ids) do
                all[#all + 1] = id
            end
            texts[i] = {text = text}
        end
        local seen, last = {}, nil
        for block in blocks.source(source.from_list(texts), tokenizer, 7) do
            assert.is_true(last == nil or #last.ids == 7)
            assert.same({tokenizer.bos_id, tokenizer.eos_id, 1, 1}, {block.ids[1],
                block.ids[#block.ids], block.special_tokens_mask[1],
                block.special_tokens_mask[#block.ids]})
            for i = 2, #block.ids - 1 do
                seen[#seen + 1] = block.ids[i]
                assert.equal(0, block.special_tokens_mask[i])
            end
            last = block
        end
        assert.same(all, seen)
    end)
end)
