local config = require "yoso.model.config"
local json = require "yoso.io.json"
local yoso = require "yoso"

describe("YosoConfig", function()
    it("has the reference's defaults", function()
        local made = yoso.YosoConfig()
        for name, value in pairs{vocab_size = 50265, hidden_size = 768, num_hidden_layers = 12,
            num_attention_heads = 12, intermediate_size = 3072, hidden_act = "gelu",
            hidden_dropout_prob = 0.1, attention_probs_dropout_prob = 0.1,
            max_position_embeddings = 4096, type_vocab_size = 1, initializer_range = 0.02,
            layer_norm_eps = 1e-12, use_expectation = true, hash_code_len = 9, num_hash = 64,
            use_fast_hash = true, lsh_backward = true, pad_token_id = 1, bos_token_id = 0,
            eos_token_id = 2, tie_word_embeddings = true, add_cross_attention = false,
            chunk_size_feed_forward = 0, num_labels = 2} do
            assert.equal(value, made[name], name)
        end
        assert.is_nil(made.conv_window)
        assert.is_nil(made.problem_type)
        assert.same({[0] = "LABEL_0", "LABEL_1"}, made.id2label)
        assert.same({LABEL_0 = 0, LABEL_1 = 1}, made.label2id)
    end)

    it("keeps unknown fields and writes them back", function()
        local text = '{"model_type": "yoso", "custom": {"a": [], "b": null}, "dtype": "float32",'
            .. ' "conv_window": null, "id2label": {"0": "no", "1": "yes", "2": "so"},'
            .. ' "label2id": {"no": 0, "yes": 1, "so": 2}}'
        local made = assert(config.parse(text, "config.json"))
        assert.equal(3, made.num_labels)
        assert.equal("so", made.id2label[2])
        local back = json.decode(made:to_json())
        assert.equal('{"a":[],"b":null}', json.encode(back.custom))
        assert.equal("float32", back.dtype)
        assert.equal("yoso", back.model_type)
        assert.equal(json.null, back.conv_window)
        assert.same({["0"] = "no", ["1"] = "yes", ["2"] = "so"}, back.id2label)
        assert.is_nil(back.num_labels)
        assert.equal(50265, back.vocab_size)
    end)

    it("names labels from what is given", function()
        assert.same({[0] = "LABEL_0", "LABEL_1", "LABEL_2"}, yoso.YosoConfig{num_labels = 3}.id2label)
        local made = yoso.YosoConfig{id2label = {"bad", "good"}}
        assert.same({[0] = "bad", "good"}, made.id2label)
        assert.same({bad = 0, good = 1}, made.label2id)
        assert.equal(5, made:with{num_labels = 5}.num_labels)
        assert.equal("x", made:with{id2label = {[0] = "x"}}.id2label[0])
    end)

    it("raises for a caller's mistake, naming the field and what it must be", function()
        for pattern, fields in pairs{
            ["hidden_size is 10, must"] = {hidden_size = "10"},
            ["hidden_size 10 is no multiple of num_attention_heads 3"] =
                {hidden_size = 10, num_attention_heads = 3},
            ["conv_window is 4, must be an odd"] = {conv_window = 4},
            ["hash_code_len is 17, must be a whole number from 1 to 16"] = {hash_code_len = 17},
            ["hash_code_len is 0, must"] = {hash_code_len = 0},
            ["hidden_act is shrug, must be .*gelu_new"] = {hidden_act = "shrug"},
            ["hidden_dropout_prob is 1, must be a number from 0 to below 1"] = {hidden_dropout_prob = 1},
            ["layer_norm_eps is %-1, must be a number from 0 on"] = {layer_norm_eps = -1},
            ["use_expectation is 1, must be true or false"] = {use_expectation = 1},
            ["problem_type is sorting, must be regression"] = {problem_type = "sorting"},
            ["add_cross_attention is true"] = {add_cross_attention = true},
            ["pad_token_id is 9, must be below vocab_size 9"] = {vocab_size = 9, pad_token_id = 9},
            ["num_labels is 0, must"] = {num_labels = 0},
            ["num_labels is 3, id2label has 2 names"] = {num_labels = 3, id2label = {"a", "b"}},
            ["id2label has 1 names but none for id 0"] = {id2label = {["5"] = "a"}},
            ["id2label is a string"] = {id2label = "a"},
            ["eos_token_id is a table, must be an id or a list of ids"] = {eos_token_id = {"a"}},
            ["num_hash is 1.5"] = {num_hash = 1.5},
        } do
            assert.error_matches(function() yoso.YosoConfig(fields) end, "YosoConfig: " .. pattern)
        end
        assert.error_matches(function() yoso.YosoConfig(5) end, "the fields are a number")
    end)

    it("from a file returns nil and a message naming the file", function()
        for text, pattern in pairs{
            ['{"model_type": "bert"}'] = "model_type is bert, must be yoso",
            ["{}"] = "model_type is nil, must be yoso",
            ["[1]"] = "is no JSON object",
            ["5"] = "is no JSON object",
            ["{"] = "not JSON",
            ['{"model_type": "yoso", "hash_code_len": 40}'] = "hash_code_len is 40, must be",
            ['{"model_type": "yoso", "vocab_size": null}'] = "vocab_size is null, must be",
            ['{"model_type": "yoso", "hidden_size": 7}'] = "hidden_size 7 is no multiple",
        } do
            local made, message = config.parse(text, "dir/config.json")
            assert.is_nil(made)
            assert.matches("^dir/config.json: .*" .. pattern, message)
        end
        local made, message = config.read("/nonexistent/config.json")
        assert.is_nil(made)
        assert.matches("/nonexistent/config.json: No such file", message)
    end)
end)
