local file = require "yoso.io.file"
local json = require "yoso.io.json"
local safetensors = require "yoso.io.safetensors"
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

describe("a checkpoint", function()
    local dir

    before_each(function()
        dir = tiny.folder()
    end)

    after_each(function()
        os.execute("rm -rf '" .. dir .. "'")
    end)

    local function saved(class, changes)
        local model = tiny.model(class, changes)
        assert(model:save(dir))
        return model
    end

    local function fails(pattern, options, where)
        local model, message = yoso.load(where or dir, options)
        assert.is_nil(model)
        assert.equal(where or dir, message:sub(1, #(where or dir)))
        assert.matches(pattern, message)
        assert.is_nil(message:find("\n"))
    end

    local function change_config(fn)
        local values = json.decode(file.read(dir .. "/config.json"))
        fn(values)
        file.write(dir .. "/config.json", json.encode(values))
    end

    local function change_tensors(fn)
        local tensors = assert(safetensors.load(dir .. "/model.safetensors"))
        fn(tensors)
        assert(safetensors.save(dir .. "/model.safetensors", tensors))
    end

    local function logits(model)
        local out = yoso.no_grad(function() return model{input_ids = tiny.ids(2, 5)} end)
        return out.logits or out.last_hidden_state or out.start_logits
    end

    for _, class in ipairs{"YosoModel", "YosoForMaskedLM", "YosoForSequenceClassification",
        "YosoForTokenClassification", "YosoForQuestionAnswering"} do
        it("of " .. class .. " loads as it was saved", function()
            local model = saved(class, {custom = "kept", conv_window = 3})
            local loaded = assert(yoso.load(dir))
            assert.equal(class, loaded.__name)
            assert.equal("kept", loaded.config.custom)
            assert.is_false(loaded.training)
            assert.equal(0, tiny.difference(logits(model), logits(loaded)))
            for name, parameter in loaded:named_parameters() do
                assert.is_true(parameter.grad_wanted, name)
                assert.equal("f32", parameter:dtype())
            end
        end)
    end

    it("has the reference's names and fields", function()
        saved("YosoForMaskedLM", {num_hidden_layers = 1})
        local names = {}
        for name in pairs(assert(safetensors.load(dir .. "/model.safetensors"))) do
            names[#names + 1] = name
        end
        table.sort(names)
        local layer = "yoso.encoder.layer.0."
        local wanted = {"cls.predictions.bias", "yoso.embeddings.position_embeddings.weight",
            "yoso.embeddings.token_type_embeddings.weight", "yoso.embeddings.word_embeddings.weight"}
        for _, stem in ipairs{"cls.predictions.transform.LayerNorm", "cls.predictions.transform.dense",
            "yoso.embeddings.LayerNorm", layer .. "attention.output.LayerNorm",
            layer .. "attention.output.dense", layer .. "attention.self.key",
            layer .. "attention.self.query", layer .. "attention.self.value",
            layer .. "intermediate.dense", layer .. "output.LayerNorm", layer .. "output.dense"} do
            wanted[#wanted + 1] = stem .. ".bias"
            wanted[#wanted + 1] = stem .. ".weight"
        end
        table.sort(wanted)
        assert.same(wanted, names)
        local values = json.decode(file.read(dir .. "/config.json"))
        assert.equal("YosoForMaskedLM", values.architectures[1])
        assert.equal("yoso", values.model_type)
        assert.equal("float32", values.dtype)
    end)

    it("converts to the dtype that is asked for, and is saved in it", function()
        local model = saved("YosoForSequenceClassification")
        for _, dtype in ipairs{"bf16", "f16"} do
            local loaded = assert(yoso.load(dir, {dtype = dtype}))
            assert.equal(dtype, loaded:dtype())
            assert.is_true(tiny.difference(logits(model), logits(loaded):to("f32")) < 0.2)
            local other = dir .. "/" .. dtype
            assert(loaded:save(other))
            assert.equal(dtype, assert(yoso.load(other, {dtype = dtype})):dtype())
            assert.equal("f32", assert(yoso.load(other)):dtype())
            assert.equal(dtype, assert(safetensors.load(other .. "/model.safetensors"))
                ["classifier.out_proj.bias"]:dtype())
        end
    end)

    it("is mapped: weights cost no memory, and changing them leaves the file", function()
        saved("YosoForMaskedLM", {vocab_size = 20000})
        collectgarbage()
        collectgarbage()
        local before, text = yoso.memory().live, file.read(dir .. "/model.safetensors")
        local model = assert(yoso.load(dir))
        assert.is_true(yoso.memory().live - before < 20000)
        yoso.nn.init.constant(model.yoso.embeddings.word_embeddings.weight, 5)
        assert.is_true(text == file.read(dir .. "/model.safetensors"))
    end)

    it("keeps no pages that were packed, yet reads them again, and what was changed stays", function()
        local model = saved("YosoForMaskedLM", {hidden_size = 128, intermediate_size = 512})
        local loaded = assert(yoso.load(dir))
        local function same()
            assert.is_true(tiny.difference(logits(model), logits(loaded)) < 1e-5)
            for name, wanted in pairs(model:state()) do
                assert.same(wanted:totable(), loaded:state()[name]:totable())
            end
        end
        same()
        same()
        for _, one in ipairs{model, loaded} do
            yoso.nn.init.normal(one.yoso.encoder.layer[1].intermediate.dense.weight, 0.5, 3)
        end
        same()
        same()
    end)

    it("may be cut into shards", function()
        local model = saved("YosoForMaskedLM")
        local tensors = assert(safetensors.load(dir .. "/model.safetensors"))
        local map, shards, i = {}, {{}, {}, {}}, 0
        for name, value in pairs(tensors) do
            i = i + 1
            shards[i % 3 + 1][name] = value
            map[name] = ("part%d.safetensors"):format(i % 3 + 1)
        end
        for k, shard in ipairs(shards) do
            safetensors.save(("%s/part%d.safetensors"):format(dir, k), shard)
        end
        os.remove(dir .. "/model.safetensors")
        local index = dir .. "/model.safetensors.index.json"
        file.write(index, json.encode{weight_map = map})
        assert.equal(0, tiny.difference(logits(model), logits(assert(yoso.load(dir)))))
        map["yoso.nothing"] = "part1.safetensors"
        file.write(index, json.encode{weight_map = map})
        fails("index.json: tensor yoso.nothing is not in part1.safetensors")
        map["yoso.nothing"] = "../part1.safetensors"
        file.write(index, json.encode{weight_map = map})
        fails("tensor yoso.nothing is in ../part1.safetensors, must be a file beside")
        map["yoso.nothing"] = "part9.safetensors"
        file.write(index, json.encode{weight_map = map})
        fails("part9.safetensors: No such file")
        file.write(index, "{}")
        fails("has no weight_map")
        file.write(index, "{")
        fails("index.json: not JSON")
    end)

    it("understands older names", function()
        local model = saved("YosoForMaskedLM")
        change_tensors(function(tensors)
            for name, value in pairs(tensors) do
                local old = name:gsub("LayerNorm%.weight$", "LayerNorm.gamma"):gsub("LayerNorm%.bias$",
                    "LayerNorm.beta")
                if old ~= name then
                    tensors[old], tensors[name] = value, nil
                end
            end
            tensors["yoso.embeddings.position_ids"] = yoso.tensor({{2, 3}}, "i64")
            tensors["yoso.embeddings.token_type_ids"] = yoso.tensor({{0, 0}}, "i64")
            tensors["cls.predictions.decoder.weight"] = yoso.zeros{40, 16}
            tensors["cls.predictions.decoder.bias"] = tensors["cls.predictions.bias"]
            tensors["cls.predictions.bias"] = nil
        end)
        assert.equal(0, tiny.difference(logits(model), logits(assert(yoso.load(dir)))))
    end)

    it("gives its encoder to another class", function()
        local model = saved("YosoForMaskedLM")
        local wanted = model.yoso{input_ids = tiny.ids(2, 5)}.last_hidden_state
        local encoder = assert(yoso.load(dir, {class = "YosoModel"}))
        assert.is_true(tiny.difference(wanted, logits(encoder)) < 1e-5)
        fails("missing: classifier.dense.weight", {class = "YosoForSequenceClassification"})
        yoso.manual_seed(1)
        local head = assert(yoso.load(dir, {class = "YosoForSequenceClassification", fresh_head = true,
            config = {num_labels = 5, hidden_dropout_prob = 0.3}}))
        assert.same({2, 5}, logits(head):shape())
        assert.equal(0.3, head.config.hidden_dropout_prob)
        table.sort(head.fresh)
        assert.same({"classifier.dense.bias", "classifier.dense.weight", "classifier.out_proj.bias",
            "classifier.out_proj.weight"}, head.fresh)
        assert.is_true(head.classifier.dense.weight:std():item() > 0.1)
        assert.equal(0, head.classifier.dense.bias:abs():max():item())
        assert.equal(0, tiny.difference(wanted, head.yoso{input_ids = tiny.ids(2, 5)}.last_hidden_state))
        assert.same({}, assert(yoso.load(dir, {fresh_head = true})).fresh)
        local narrow = assert(yoso.load(dir, {class = "YosoForTokenClassification", fresh_head = true,
            dtype = "bf16"}))
        assert.equal("bf16", narrow.classifier.weight:dtype())
    end)

    it("keeps a head of the right shape, and begins anew one of another", function()
        local model = saved("YosoForSequenceClassification", {num_labels = 3})
        assert.equal(0, tiny.difference(logits(model), logits(assert(yoso.load(dir, {fresh_head = true})))))
        local other = assert(yoso.load(dir, {fresh_head = true, config = {num_labels = 4}}))
        table.sort(other.fresh)
        assert.same({"classifier.out_proj.bias", "classifier.out_proj.weight"}, other.fresh)
        fails("wrongly shaped: classifier.out_proj.", {config = {num_labels = 4}})
        assert.error_matches(function() yoso.load(dir, {config = {num_labels = 0}}) end, "num_labels is 0")
        change_tensors(function(tensors) tensors["yoso.embeddings.LayerNorm.bias"] = nil end)
        fails("missing: yoso.embeddings.LayerNorm.bias", {fresh_head = true})
    end)

    it("with other parameters is refused, all of them named in one message", function()
        saved("YosoForSequenceClassification")
        change_tensors(function(tensors)
            tensors["classifier.dense.bias"] = nil
            tensors["classifier.extra"] = yoso.zeros{1}
            tensors["yoso.embeddings.LayerNorm.bias"] = yoso.zeros{5}
        end)
        fails("not the parameters of YosoForSequenceClassification: missing: classifier.dense.bias; "
            .. "unexpected: classifier.extra; wrongly shaped: yoso.embeddings.LayerNorm.bias has shape "
            .. "%[5%], must be %[16%]")
    end)

    it("that is missing or damaged gives nil and the place", function()
        fails("there is no such folder", nil, dir .. "/none")
        fails("config.json: No such file")
        saved("YosoModel")
        fails("config.json: is no folder", nil, dir .. "/config.json")
        local good = file.read(dir .. "/model.safetensors")
        for _, length in ipairs{0, 5, 8, 100, #good / 2, #good - 1} do
            file.write(dir .. "/model.safetensors", good:sub(1, length))
            fails("model.safetensors: ")
        end
        os.remove(dir .. "/model.safetensors")
        fails("has no weights; looked for model.safetensors, .*pytorch_model.bin")
        file.write(dir .. "/pytorch_model.bin", "nonsense")
        fails("pytorch_model.bin: ")
        change_config(function(values) values.architectures = {"BertModel"} end)
        fails("config.json: architectures has BertModel, must be one of Yoso")
        change_config(function(values) values.architectures = nil end)
        fails("config.json: architectures names no class")
        change_config(function(values) values.model_type = "bert" end)
        fails("config.json: model_type is bert, must be yoso")
        file.write(dir .. "/config.json", "{")
        fails("config.json: not JSON")
    end)

    it("is loaded as options say, and wrong ones raise", function()
        saved("YosoModel")
        local model = assert(yoso.load(dir, {attention = "sample", num_hash = 8, seed = 5}))
        local info = model:info()
        assert.equal("sample", info.attention)
        assert.equal(8, info.num_hash)
        assert.equal(5, info.seed)
        for pattern, options in pairs{
            ["load: there is no option num_hashes"] = {num_hashes = 5},
            ["load: dtype is f64, must be f32, f16, bf16 or int8"] = {dtype = "f64"},
            ["load: class is Bert, must be one of"] = {class = "Bert"},
            ["load: attention is flash, must be"] = {attention = "flash"},
            ["load: num_hash is 0"] = {num_hash = 0},
            ["load: seed is %-1"] = {seed = -1},
            ["load: unknown device tpu"] = {device = "tpu"},
            ["load: config is a number"] = {config = 5},
        } do
            assert.error_matches(function() yoso.load(dir, options) end, pattern)
        end
        assert.error_matches(function() yoso.load() end, "dir is a nil")
        assert.error_matches(function() yoso.load(dir, 5) end, "options are a number")
        assert.error_matches(function() model:set_attention{attention = 5} end, "set_attention: attention is 5")
    end)

    it("that cannot be written says where", function()
        local model = tiny.model()
        file.write(dir .. "/plain", "")
        local ok, message = model:save(dir .. "/plain")
        assert.is_nil(ok)
        assert.matches("/plain", message)
        assert.error_matches(function() model:save(5) end, "save: dir is a number")
    end)
end)
