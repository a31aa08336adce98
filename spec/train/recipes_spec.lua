-- What Long Range Arena's recipes ask of training: tokenizers of the tasks, two towers; and
-- a tokenizer learned from the data where there is none.
local file = require "yoso.io.file"
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function options(more)
    local all = {seed = 3, batch_size = 8, lr = 1e-2, warmup = 2, dropout = 0, hidden_size = 16,
        num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 32, quiet = true,
        initializer_range = 0.2, pooling = "mean", out = tiny.folder(), evaluate = false}
    for name, value in pairs(more) do
        all[name] = value
    end
    return all
end

describe("training", function()
    it("gives ListOps its symbols and learns from them", function()
        local data = tiny.folder()
        local lines = {"Source\tTarget"}
        for i = 0, 39 do
            lines[#lines + 1] = ("( ( ( [MAX %d ) %d ) ] )\t%d"):format(i % 10, i % 10, i % 10)
        end
        assert(file.write(data .. "/basic_train.tsv", table.concat(lines, "\r\n") .. "\r\n"))
        local result = assert(yoso.train(options{task = "listops", data = data, epochs = 30,
            max_length = 16, attention = "sample", num_hash = 8, hash_code_len = 4}))
        assert.equal(17, result.model.config.vocab_size)
        local eval = yoso.evaluate{model = result.out, task = "listops", data = data, split = "train"}
        assert.equal(40, eval.correct)
    end)

    it("tells whether two texts belong together", function()
        local data = tiny.folder()
        local lines, topics = {}, {"graph", "parser"}
        for i = 1, 32 do
            local a, b = topics[1 + i % 2], topics[1 + math.floor(i / 2) % 2]
            lines[i] = ("%d.0\t1\t2\ton a %s\tthe %s again"):format(a == b and 1 or 0, a, b)
        end
        assert(file.write(data .. "/new_aan_pairs.train.tsv", table.concat(lines, "\n") .. "\n"))
        local result = assert(yoso.train(options{task = "retrieval", data = data, epochs = 40,
            max_length = 32}))
        local eval = yoso.evaluate{model = result.out, task = "retrieval", data = data, split = "train"}
        assert.is_true(eval.accuracy > 0.9)
        local match = assert(yoso.pipeline("text-matching", result.out))
        assert.equal("related", match{text = "on a graph", pair = "the graph again"}[1].label)
        assert.equal(2, #match{{text = "on a graph", pair = "the parser again"},
            {text = "on a parser", pair = "the parser again"}})
        assert.error_matches(function() match("on a graph") end, "wanted {text = ..., pair = ...}")
    end)

    it("learns a tokenizer from the data where none is named", function()
        local data = tiny.folder()
        assert(file.write(data .. "/train.txt", ("the film was fine and the film was long\n"):rep(20)))
        local result = assert(yoso.train(options{task = "fill-mask", data = data, steps = 1,
            vocab_size = 280, max_length = 16}))
        local tokenizer = assert(yoso.tokenizer(result.out))
        assert.is_true(tokenizer:vocab_size() > 261)
        assert.truthy(tokenizer:token_to_id("Ġfilm"))
    end)
end)
