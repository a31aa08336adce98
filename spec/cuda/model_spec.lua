-- A whole model on the device: forward, loss, gradients and a step of the optimiser give what
-- they give on the CPU, in every form of the attention.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

local function largest_difference(a, b)
    return (a:to("cpu") - b:to("cpu")):abs():max():item()
end

local function batch()
    return {
        input_ids = tiny.ids(2, 5),
        attention_mask = yoso.tensor({{1, 1, 1, 1, 1}, {1, 1, 1, 0, 0}}, "i64"),
        labels = yoso.tensor({{-100, 5, -100, -100, 7}, {3, -100, -100, 9, 9}}, "i64"),
    }
end

describe("a model on the device", function()
    for _, form in ipairs {"expectation", "sample", "softmax"} do
        it("computes, learns and steps as on the CPU, attention " .. form, function()
            local results = {}
            for _, device in ipairs {"cpu", "cuda"} do
                local model = tiny.model "YosoForMaskedLM"
                model:set_attention{attention = form}
                model:to(device)
                assert.equal(device, model:device())
                model:eval()
                local optimizer = yoso.optim.AdamW(model:parameters(), {lr = 1e-2})
                local out = model(batch())
                out.loss:backward()
                local gradients = {}
                for name, parameter in model:named_parameters() do
                    gradients[name] = parameter.grad and parameter.grad:to "cpu" or nil
                end
                optimizer:step()
                results[device] = {logits = out.logits, loss = out.loss:item(),
                    gradients = gradients, after = yoso.no_grad(function()
                        return model(batch()).loss:item()
                    end)}
            end
            local here, there = results.cpu, results.cuda
            assert.is_true(largest_difference(here.logits, there.logits) < 1e-4)
            assert.is_near(here.loss, there.loss, 1e-5)
            for name, gradient in pairs(here.gradients) do
                assert.is_true(largest_difference(gradient, there.gradients[name]) < 1e-4, name)
            end
            assert.is_near(here.after, there.after, 1e-3)
        end)
    end
end)
