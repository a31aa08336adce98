local json = require "yoso.io.json"
local file = require "yoso.io.file"
local safetensors = require "yoso.io.safetensors"
local shared = require "spec.support.shared"
local yoso = require "yoso"

-- Every small model that the reference saved: outputs within 2e-5, losses within 1e-5, gradients
-- within 1e-4 of their size or 2e-6.
local cases = {
    "model", "model-act-gelu_new", "model-act-gelu_pytorch_tanh", "model-act-quick_gelu",
    "model-act-relu", "model-act-relu2", "model-act-silu", "model-act-tanh", "model-conv",
    "model-conv-small", "model-embeds-positions", "model-head48", "model-len1", "model-maxlen",
    "model-tau1", "model-tau12", "model-tau16", "model-tau4", "model-tau8", "masked-lm",
    "masked-lm-untied", "sequence-classification", "sequence-multilabel", "sequence-regression",
    "token-classification", "question-answering", "multiple-choice", "grad-masked-lm",
    "grad-multiple-choice", "grad-question-answering", "grad-sequence-classification-conv",
    "grad-token-classification",
}

local function folder(name)
    return shared.path("fixtures/yoso/" .. name)
end

local function largest_difference(a, b)
    assert.same(b:shape(), a:shape())
    return (a - b):abs():max():item()
end

-- The arguments of the call and the wanted tensors by their names in the file.
local function read(name)
    local golden = assert(safetensors.load(folder(name) .. "/golden.safetensors"))
    local batch = {output_hidden_states = true}
    for key, value in pairs(golden) do
        local argument = key:match("^input%.(.*)")
        if argument then
            batch[argument] = value
        end
    end
    return golden, batch
end

local function check_outputs(golden, out)
    local checked = 0
    for key, wanted in pairs(golden) do
        local output = key:match("^output%.(.*)")
        if output then
            local layer = output:match("^hidden_states%.(%d+)$")
            local got = layer and out.hidden_states[layer + 1] or out[output]
            local limit = output == "loss" and 1e-5 or 2e-5
            assert.is_true(largest_difference(got, wanted) <= limit, output)
            checked = checked + 1
        end
    end
    assert.is_true(checked > 0)
end

describe("models give what the reference gave:", function()
    for _, name in ipairs(cases) do
        shared.golden(it, pending, name, function()
            local golden, batch = read(name)
            local model = assert(yoso.load(folder(name)))
            if name:find("^grad") then
                model:train()
            end
            local out = model(batch)
            check_outputs(golden, out)
            if not name:find("^grad") then
                return
            end
            out.loss:backward()
            local checked = 0
            for parameter_name, parameter in model:named_parameters() do
                local wanted = golden["grad." .. parameter_name]
                if wanted then
                    local allowed = wanted:abs() * 1e-4 + 2e-6
                    local worst = ((parameter.grad - wanted):abs() / allowed):max():item()
                    assert.is_true(worst <= 1, parameter_name)
                    checked = checked + 1
                end
            end
            assert.is_true(checked > 20)
        end)
    end

    for _, name in ipairs{"padding", "padding-conv"} do
        shared.golden(it, pending, name, function()
            local golden, batch = read(name)
            local model = assert(yoso.load(folder(name)))
            local got = model(batch).last_hidden_state
            -- Masked places hold 0 on both sides.
            assert.is_true(largest_difference(got, golden["output.last_hidden_state"]) <= 2e-5)
        end)
    end

    for name, limit in pairs{["container-safetensors"] = 2e-5, ["container-sharded"] = 2e-5,
        ["container-bin"] = 2e-5, ["container-bin-legacy"] = 2e-5, ["container-float16"] = 5e-3,
        ["container-bfloat16"] = 5e-2} do
        shared.golden(it, pending, name, function()
            local golden, batch = read("container-safetensors")
            local model = assert(yoso.load(folder(name)))
            local got = model(batch).logits
            assert.is_true(largest_difference(got, golden["output.logits"]) <= limit)
        end)
    end

    shared.golden(it, pending, "sst2-yoso-mini", function()
        local dir = shared.path("checkpoints/sst2-yoso-mini")
        local model = assert(yoso.load(dir))
        for line in assert(file.lines(dir .. "/golden.jsonl")) do
            local case = json.decode(line)
            local got = model{input_ids = yoso.tensor({case.ids}, "i64")}.logits
            assert.is_true(largest_difference(got, yoso.tensor{case.logits}) <= 2e-5, case.text)
        end
    end)
end)
