-- Captured graphs: replays compute what the captured function would, from what its tensors hold
-- now, with other seeds if given; and models that replay their forward passes.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local tiny = require "spec.model.tiny"
local yoso = require "yoso"
local ops = require "yoso.ops"

local function difference(a, b)
    return (a:to("cpu") - b:to("cpu")):abs():max():item()
end

describe("a captured graph", function()
    it("computes from what its inputs hold at the replay", function()
        local x = yoso.tensor({1, 2, 3}):to "cuda"
        local g = yoso.graph.capture(function() return (x * 2 + 1):sum() end)
        assert.equal(15, g:replay():item())
        x:copy_(yoso.tensor({10, 20, 30}):to "cuda")
        assert.equal(123, g:replay():item())
        assert.equal(123, g.result:item())
    end)

    it("takes other seeds at each replay", function()
        local n, width = 40, 32
        local q, k, v = yoso.randn({n, width}, {seed = 1}), yoso.randn({n, width}, {seed = 2}),
            yoso.randn({n, width}, {seed = 3})
        local function options(seed)
            return {form = "sample", heads = 2, offset = yoso.tensor({0, n}, "i64"), num_hash = 5,
                hash_code_len = 4, seed = seed, layer = 3}
        end
        local a, b, d = q:to "cuda", k:to "cuda", v:to "cuda"
        local g = yoso.graph.capture(function() return ops.attention(a, b, d, options(7)) end)
        assert.same({7}, g:seeds())
        local seven = ops.attention(q, k, v, options(7))
        assert.is_true(difference(seven, g:replay()) < 1e-5)
        assert.is_true(difference(ops.attention(q, k, v, options(8)), g:replay {8}) < 1e-5)
        assert.same({8}, g:seeds())
        assert.is_true(difference(seven, g.result) > 1e-2)
        assert.is_true(difference(seven, g:replay {7}) < 1e-5)
        assert.has_error(function() g:replay {1, 2} end)
    end)

    it("refuses what needs the host, and leaves the device usable", function()
        local x = yoso.tensor({1, 2}):to "cuda"
        local g, message = yoso.graph.capture(function() return x * x:sum():item() end)
        assert.is_nil(g)
        assert.matches("cannot be captured", message, 1, true)
        assert.same({2, 4}, (x * 2):totable())
        assert.has_error(function() yoso.graph.capture(function() error "no" end) end)
        assert.equal(3, yoso.graph.capture(function() return x:sum() end):replay():item())
    end)

    it("gives its memory back", function()
        local c = require "yoso.c"
        local x = yoso.zeros({1000}, "f32", "cuda")
        collectgarbage()
        collectgarbage()
        c.lib.yoso_cuda_peak(1)
        for _ = 1, 20 do
            local g = yoso.graph.capture(function() return x + 1 end)
            g:replay()
            g = nil -- luacheck: ignore
            collectgarbage()
            collectgarbage()
        end
        assert.is_true(tonumber(c.lib.yoso_cuda_peak(0)) < 8 * 2 ^ 20)
    end)
end)

describe("a model that replays its passes", function()
    local function batch(seed, lengths)
        local mask = {}
        for i, length in ipairs(lengths) do
            mask[i] = {}
            for j = 1, lengths[1] do
                mask[i][j] = j <= length and 1 or 0
            end
        end
        return {input_ids = yoso.randint(2, 40, {#lengths, lengths[1]}, {seed = seed}),
            attention_mask = yoso.tensor(mask, "i64")}
    end

    for _, form in ipairs {"expectation", "sample"} do
        it("gives what it gives without, attention " .. form, function()
            local here, there = tiny.model "YosoForSequenceClassification",
                tiny.model "YosoForSequenceClassification"
            for _, model in ipairs {here, there} do
                model:eval():set_attention{attention = form, seed = 3}
            end
            there:to("cuda"):use_graphs()
            yoso.no_grad(function()
                local function check(seed, lengths)
                    local given = batch(seed, lengths)
                    assert.is_true(difference(here(given).logits, there(given).logits) < 1e-4)
                end
                for seed = 1, 4 do
                    check(seed, {6, 4})
                end
                check(5, {5, 5})
                check(6, {5, 5})
                check(7, {6, 4})
                for _, model in ipairs {here, there} do -- the same graph, fresh hashes
                    model:set_attention{seed = 9}
                end
                check(8, {6, 4})
                for _, model in ipairs {here, there} do -- weights that the graph has not seen
                    model.yoso.encoder.layer[1].attention.self.query.weight:mul_(1.5)
                end
                check(9, {6, 4})
                check(10, {6, 4})
                check(11, {6, 4})
                there:use_graphs(false)
                check(12, {6, 4})
            end)
        end)
    end
end)
