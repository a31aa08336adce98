-- A part of a layer that the user replaced is what runs, in inference as in training.
local tiny = require "spec.model.tiny"
local yoso = require "yoso"

-- Where a user's own module may go in a layer, and what stands there.
local places = {
    attention = function(layer) return layer, "attention" end,
    ["attention.self"] = function(layer) return layer.attention, "self" end,
    ["attention.self.query"] = function(layer) return layer.attention.self, "query" end,
    ["attention.output"] = function(layer) return layer.attention, "output" end,
    ["attention.output.LayerNorm"] = function(layer) return layer.attention.output, "LayerNorm" end,
    intermediate = function(layer) return layer, "intermediate" end,
    output = function(layer) return layer, "output" end,
    ["output.dense"] = function(layer) return layer.output, "dense" end,
}

local Changed = yoso.nn.Module:extend("Changed")

function Changed:init(inner)
    self.inner = inner
end

function Changed:forward(...)
    self.runs = (self.runs or 0) + 1
    return self.inner(...) * 2 + 0.5
end

describe("a module of the user's own in a layer", function()
    local ids = tiny.ids(2, 9)
    for name, place in pairs(places) do
        it("is run in place of " .. name .. " in inference and in training", function()
            local model = tiny.model("YosoModel"):set_training{exact = true}
            local plain = yoso.no_grad(function() return model{input_ids = ids}.last_hidden_state end)
            local parent, field = place(model.encoder.layer[1])
            parent[field] = Changed(parent[field])
            local out = yoso.no_grad(function() return model{input_ids = ids}.last_hidden_state end)
            assert.equal(1, parent[field].runs)
            assert.is_true(tiny.difference(out, plain) > 1e-3)
            assert.is_true(tiny.difference(model:train(){input_ids = ids}.last_hidden_state, out) < 1e-5)
            assert.equal(2, parent[field].runs)
        end)
    end

    it("is run where only one module's forward was replaced", function()
        local model = tiny.model("YosoModel"):set_training{exact = true}
        local output = model.encoder.layer[2].output
        local runs = 0
        output.forward = function(self, x, residual)
            runs = runs + 1
            return getmetatable(self).forward(self, x, residual)
        end
        local plain = tiny.model("YosoModel")
        yoso.no_grad(function()
            assert.is_true(tiny.difference(model{input_ids = ids}.last_hidden_state,
                plain{input_ids = ids}.last_hidden_state) < 1e-5)
        end)
        assert.equal(1, runs)
    end)
end)
