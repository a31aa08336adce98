-- Training on the device: every head learns with dropout and both optimisers as on the CPU, in f32
-- and bf16, and yoso.train runs there, saves, and resumes.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local file = require "yoso.io.file"
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function labels(list)
    return yoso.tensor(list, "i64")
end

-- Class -> changes of the configuration, and what a batch has beside ids.
local heads = {
    YosoForMaskedLM = {{}, {labels = labels{{-100, 5, 6, -100}, {7, -100, -100, 8}}}},
    YosoForSequenceClassification = {{num_labels = 3, conv_window = 3}, {labels = labels{2, 0}}},
    YosoForTokenClassification = {{num_labels = 3}, {labels = labels{{0, 1, 2, -100}, {2, 1, 0, 1}}}},
    YosoForQuestionAnswering = {{}, {start_positions = labels{1, 0}, end_positions = labels{2, 3}}},
    YosoForMultipleChoice = {{}, {labels = labels{1}}, choices = true},
}

local function batch_for(head)
    local batch = {input_ids = tiny.ids(2, 4),
        attention_mask = labels{{1, 1, 1, 1}, {1, 1, 1, head.choices and 1 or 0}}}
    if head.choices then
        batch.input_ids = batch.input_ids:reshape{1, 2, 4}
        batch.attention_mask = batch.attention_mask:reshape{1, 2, 4}
    end
    for name, value in pairs(head[2]) do
        batch[name] = value
    end
    return batch
end

-- Losses of some steps, and all parameters after them.
local function learn(class, head, form, dtype, make, device)
    local changes = {hidden_dropout_prob = 0.2}
    for name, value in pairs(head[1]) do
        changes[name] = value
    end
    local model = tiny.model(class, changes)
    model:set_attention{attention = form, seed = 4}
    model:to(dtype):to(device):train()
    local optimizer, losses = make(model:parameters()), {}
    for step = 1, 3 do
        yoso.manual_seed(step)
        yoso.scope(function()
            local loss = model(batch_for(head)).loss
            loss:backward()
            losses[step] = loss:item()
        end)
        yoso.optim.clip_grad_norm(model:parameters(), 1)
        optimizer:step()
        optimizer:zero_grad()
    end
    return losses
end

local optimizers = {
    AdamW = function(parameters) return yoso.optim.AdamW(parameters, {lr = 1e-3}) end,
    SGD = function(parameters)
        return yoso.optim.SGD(parameters, {lr = 0.1, momentum = 0.9, nesterov = true})
    end,
}

describe("training on the device,", function()
    for class, head in pairs(heads) do
        for name, make in pairs(optimizers) do
            it(("%s learns by %s as on the CPU"):format(class, name), function()
                for _, case in ipairs{{"expectation", "f32", 2e-4}, {"sample", "f32", 2e-4},
                    {"softmax", "f32", 2e-4}, {"expectation", "bf16", 0.06}} do
                    local form, dtype, tolerance = unpack(case)
                    local here = learn(class, head, form, dtype, make, "cpu")
                    local there = learn(class, head, form, dtype, make, "cuda")
                    for step = 1, 3 do
                        assert.is_near(here[step], there[step], tolerance * (1 + math.abs(here[step])))
                    end
                end
            end)
        end
    end

    local function options(data, out, more)
        local all = {task = "listops", data = data, out = out, seed = 3, batch_size = 8, lr = 1e-2,
            warmup = 2, dropout = 0.1, hidden_size = 16, num_hidden_layers = 1,
            num_attention_heads = 2, intermediate_size = 32, max_length = 16, attention = "sample",
            num_hash = 8, hash_code_len = 4, evaluate = false, quiet = true, save_every = 3,
            initializer_range = 0.2, pooling = "mean", steps = 6}
        for name, value in pairs(more) do
            all[name] = value
        end
        return all
    end

    it("a run saves, and resumes to the bit", function()
        local data, lines = tiny.folder(), {"Source\tTarget"}
        for i = 0, 39 do
            lines[#lines + 1] = ("( ( ( [MAX %d ) %d ) ] )\t%d"):format(i % 10, i % 7, i % 10)
        end
        assert(file.write(data .. "/basic_train.tsv", table.concat(lines, "\n") .. "\n"))
        local function losses_of(more, stop_at)
            local losses = {}
            more.on_step = function(step, loss)
                losses[step] = loss
                return stop_at == step and "stop" or nil
            end
            assert(yoso.train(options(data, more.out, more)))
            return losses
        end
        local here = losses_of{out = tiny.folder()}
        local there = losses_of{out = tiny.folder(), device = "cuda"}
        for step = 1, 6 do
            assert.is_near(here[step], there[step], 2e-3)
        end
        local out = tiny.folder()
        losses_of({out = out, device = "cuda"}, 3)
        local resumed = losses_of{out = out, device = "cuda", resume = true}
        for step = 4, 6 do
            assert.equal(there[step], resumed[step])
        end
        local result = yoso.evaluate{model = out, task = "listops", data = data, split = "train",
            device = "cuda"}
        local same = yoso.evaluate{model = out, task = "listops", data = data, split = "train"}
        assert.equal(same.correct, result.correct)
    end)

    it("a device that is not there is told", function()
        local result, message = yoso.train(options("nowhere", tiny.folder(), {device = "tpu"}))
        assert.is_nil(result)
        assert.matches("nowhere", message, 1, true) -- the data is looked for first
    end)
end)
