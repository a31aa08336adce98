-- Every small model that the reference saved, and how near to it a device must come: outputs within
-- 2e-5, losses within 1e-5, gradients within 1e-4 of their size or 2e-6.
local safetensors = require "yoso.io.safetensors"
local assert = require "luassert"
local shared = require "spec.support.shared"
local yoso = require "yoso"

local M = {}

M.cases = {
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
    return (a:to "cpu" - b):abs():max():item()
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

M.folder, M.read, M.largest_difference = folder, read, largest_difference

--- Runs one case on a device.
function M.check(name, device)
    local golden, batch = read(name)
    local model = assert(yoso.load(folder(name), {device = device}))
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
            local worst = ((parameter.grad:to "cpu" - wanted):abs() / allowed):max():item()
            assert.is_true(worst <= 1, parameter_name)
            checked = checked + 1
        end
    end
    assert.is_true(checked > 20)
end

--- The two cases with padding: masked places hold 0 on both sides.
M.padded = {"padding", "padding-conv"}
function M.check_padded(name, device)
    local golden, batch = read(name)
    local model = assert(yoso.load(folder(name), {device = device}))
    local got = model(batch).last_hidden_state
    assert.is_true(largest_difference(got, golden["output.last_hidden_state"]) <= 2e-5)
end

--- Containers, and how near their dtype comes.
M.containers = {["container-safetensors"] = 2e-5, ["container-sharded"] = 2e-5,
    ["container-bin"] = 2e-5, ["container-bin-legacy"] = 2e-5, ["container-float16"] = 5e-3,
    ["container-bfloat16"] = 5e-2}
function M.check_container(name, device)
    local golden, batch = read("container-safetensors")
    local model = assert(yoso.load(folder(name), {device = device}))
    local got = model(batch).logits
    assert.is_true(largest_difference(got, golden["output.logits"]) <= M.containers[name])
end

return M
