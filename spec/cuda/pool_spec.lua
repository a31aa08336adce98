-- Device memory in a steady state: after the first steps the pool has all it needs, and what is
-- alive does not grow. The emulation counts, so this runs there alone.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local ffi = require "ffi"
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

ffi.cdef "uint64_t yo_emulate_pool_bytes(void);"
local module = ffi.load(os.getenv "YOSO_CUDA_MODULE")
local emulated = pcall(function() return module.yo_emulate_pool_bytes end)
if not emulated then
    return -- a real device
end

-- Through the module, which is unloaded with its last reader.
local function pool_bytes()
    return tonumber(module.yo_emulate_pool_bytes())
end

-- Bytes of the pool after each of some runs of a step.
local function bytes_after(steps, step)
    local list = {}
    for i = 1, steps do
        step(i)
        list[i] = pool_bytes()
    end
    return list
end

local function batch(seed)
    return {input_ids = yoso.randint(2, 40, {3, 7}, {seed = seed}),
        attention_mask = yoso.tensor({{1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 0, 0},
            {1, 1, 0, 0, 0, 0, 0}}, "i64"), labels = yoso.randint(2, 40, {3, 7}, {seed = seed + 100})}
end

describe("the pool asks for nothing more after the first steps", function()
    for _, form in ipairs {"expectation", "sample", "softmax"} do
        it("of training, attention " .. form, function()
            local model = tiny.model("YosoForMaskedLM", {hidden_dropout_prob = 0.1})
            model:set_attention{attention = form}
            model:to("cuda"):train()
            local optimizer = yoso.optim.AdamW(model:parameters(), {lr = 1e-3})
            collectgarbage()
            collectgarbage()
            local live = {}
            local bytes = bytes_after(8, function(i)
                yoso.scope(function()
                    local loss = model(batch(i)).loss
                    loss:backward()
                    assert.is_true(loss:item() > 0)
                end)
                yoso.optim.clip_grad_norm(model:parameters(), 1)
                optimizer:step()
                optimizer:zero_grad()
                collectgarbage()
                collectgarbage()
                live[i] = yoso.memory().live
            end)
            assert.is_true(bytes[1] > 0)
            assert.equal(bytes[3], bytes[8])
            assert.is_true(live[8] <= live[3]) -- less where a finalizer came late
        end)

        it("of inference, attention " .. form, function()
            local model = tiny.model "YosoForMaskedLM"
            model:set_attention{attention = form}
            model:to("cuda"):eval()
            local bytes = bytes_after(8, function(i)
                yoso.no_grad(function()
                    yoso.scope(function()
                        assert.is_true(model(batch(i)).loss:item() > 0)
                    end)
                end)
            end)
            assert.equal(bytes[3], bytes[8])
        end)
    end

    it("but does for more at once", function()
        local before = pool_bytes()
        local x = yoso.zeros({2 ^ 20 + tonumber(before)}, "u8", "cuda")
        assert.is_true(pool_bytes() > before)
        x:free()
    end)
end)
