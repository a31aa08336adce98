-- Twenty steps of AdamW, clipping and groups included, against the losses that PyTorch and the
-- reference's class gave for the same weights and batches (scripts/peers/twenty_steps.py compares
-- larger models where PyTorch is).
local close = require "spec.attention.close"
local yoso = require "yoso"

local wanted = {3.6084437, 3.4256520, 3.4904315, 3.5117440, 3.1704328, 3.3170712, 3.3760154,
    2.9712946, 3.2033639, 3.3713665, 3.1525295, 3.1475470, 3.2870238, 3.2409656, 3.0255203,
    3.1193540, 3.2025583, 3.0447643, 2.9604888, 3.1997707}

-- Weights that any language can make: waves, by the parameters' names in order.
local function fill(model)
    local names, parameters = {}, {}
    for name, parameter in model:named_parameters() do
        names[#names + 1], parameters[name] = name, parameter
    end
    table.sort(names)
    for p, name in ipairs(names) do
        local parameter, values = parameters[name], {}
        local scale = parameter:ndim() > 1 and 0.3 or 0.1
        local shift = name:find("LayerNorm.weight", 1, true) and 1 or 0
        for k = 0, parameter:numel() - 1 do
            values[k + 1] = math.sin(0.7 * k + p - 1) * scale + shift
        end
        yoso.no_grad(function()
            parameter:copy_(yoso.tensor(values):reshape(parameter:shape()))
        end)
    end
end

local function batch_of(step)
    local ids, labels = {}, {}
    for i = 0, 3 do
        ids[i + 1], labels[i + 1] = {}, {}
        for j = 0, 9 do
            local id = 3 + (i * 7 + j * 5 + step * 3) % 37
            ids[i + 1][j + 1] = id
            labels[i + 1][j + 1] = (i + j + step) % 3 == 0 and id or -100
        end
    end
    return {input_ids = yoso.tensor(ids, "i64"), labels = yoso.tensor(labels, "i64")}
end

local function largest_difference(training)
    local model = yoso.YosoForMaskedLM(yoso.YosoConfig{vocab_size = 40, hidden_size = 16,
        num_hidden_layers = 2, num_attention_heads = 2, intermediate_size = 24,
        max_position_embeddings = 12, type_vocab_size = 2, hash_code_len = 4,
        hidden_dropout_prob = 0, use_expectation = true})
    fill(model)
    model:train():set_training(training)
    local optimizer = yoso.optim.AdamW(yoso.optim.groups(model, 0.01), {lr = 5e-3})
    local most = 0
    for step = 0, 19 do
        yoso.scope(function()
            local loss = model(batch_of(step)).loss
            loss:backward()
            most = math.max(most, math.abs(loss:item() - wanted[step + 1]))
        end)
        yoso.optim.clip_grad_norm(model:parameters(), 1)
        optimizer:step()
        optimizer:zero_grad()
    end
    return most
end

for _, isa in ipairs(close.variants) do
    describe("twenty steps in the kernels for " .. isa, function()
        for name, training in pairs{usual = {}, exact = {exact = true},
            checkpointing = {checkpointing = true}} do
            it("have PyTorch's losses: " .. name, function()
                close.with_isa(isa, function()
                    assert.is_true(largest_difference(training) < 1e-4)
                end)
            end)
        end
    end)
end
