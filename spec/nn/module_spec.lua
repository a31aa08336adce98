-- Modules: what they know of their parameters, and the layers made of them.
local yoso = require "yoso"
local numbers = require "spec.support.numbers"

local nn, close = yoso.nn, numbers.close

local Net = nn.Module:extend("Net")

function Net:init()
    self.embeddings = nn.Embedding(10, 4, {padding_idx = 1})
    self.layer = {nn.Linear(4, 5), nn.Linear(5, 4)}
    self.norm = nn.LayerNorm(4)
    self.decoder = nn.Linear(4, 10, {bias = false})
    self.decoder.weight = self.embeddings.weight
    self:register_buffer("ids", yoso.tensor({1, 2}, "i64"))
    self:register_buffer("cache", yoso.zeros{2}, false)
    self.settings = {"not", "modules"}
end

function Net:forward(ids)
    local hidden = self.embeddings(ids)
    for _, layer in ipairs(self.layer) do
        hidden = layer(hidden)
    end
    return self.decoder(self.norm(hidden))
end

local function names(iterator)
    local list = {}
    for name in iterator do
        list[#list + 1] = name
    end
    return list
end

describe("a module", function()
    it("finds its parameters in order, a tied one once", function()
        assert.same({"embeddings.weight", "layer.0.weight", "layer.0.bias", "layer.1.weight",
            "layer.1.bias", "norm.weight", "norm.bias"}, names(Net():named_parameters()))
        assert.equal(7, #Net():parameters())
        assert.equal(40 + 25 + 24 + 8, Net():num_parameters())
    end)

    it("finds its modules and buffers", function()
        local net = Net()
        assert.same({"", "embeddings", "layer.0", "layer.1", "norm", "decoder"},
            names(net:named_modules()))
        assert.same({"embeddings", "layer.0", "layer.1", "norm", "decoder"}, names(net:children()))
        assert.same({"ids", "cache"}, names(net:named_buffers()))
        local state = net:state()
        assert.is_truthy(state.ids)
        assert.is_nil(state.cache)
        assert.is_nil(state["decoder.weight"])
    end)

    it("gives every parameter a gradient", function()
        local net = Net()
        net(yoso.tensor({{0, 1}, {2, 3}}, "i64")):square():sum():backward()
        for name, parameter in net:named_parameters() do
            assert(parameter.grad, name)
        end
        net:zero_grad()
        for _, parameter in ipairs(net:parameters()) do
            assert.is_nil(parameter.grad)
        end
    end)

    it("switches to evaluation and back everywhere", function()
        local net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.9)))
        assert.equal(net, net:eval())
        assert.is_false(net[2][1].training)
        close(net(yoso.ones{1, 2}), net(yoso.ones{1, 2}), 0)
        net:train()
        assert.is_true(net[2][1].training)
    end)

    it("loads a state and tells what does not fit", function()
        local net, other = Net(), Net()
        local state = other:state()
        state["layer.0.bias"] = nil
        state["norm.bias"] = yoso.zeros{3}
        state.surplus = yoso.zeros{1}
        local missing, unexpected, mismatched = net:load_state(state)
        assert.same({"layer.0.bias"}, missing)
        assert.same({"surplus"}, unexpected)
        assert.same({{name = "norm.bias", wanted = {4}, got = {3}}}, mismatched)
        close(net.layer[1].weight:detach(), other.layer[1].weight:detach(), 0)
        close(net.decoder.weight:detach(), other.embeddings.weight:detach(), 0)
    end)

    it("takes tensors over without copying when asked to", function()
        local layer = nn.Linear(2, 2)
        local weight, given = layer.weight, yoso.tensor({{1, 2}, {3, 4}}, "bf16")
        layer:load_state({weight = given, bias = yoso.zeros{2}}, true)
        assert.equal(weight, layer.weight)
        assert.equal("bf16", layer.weight:dtype())
        given:fill_(5)
        close(layer.weight:detach(), {5, 5, 5, 5}, 0)
    end)

    it("converts its parameters in place, integers left alone", function()
        local net = Net()
        local tied = net.decoder.weight
        assert.equal(net, net:to("bf16"))
        assert.equal("bf16", tied:dtype())
        assert.equal("bf16", net.embeddings.weight:dtype())
        assert.equal("i64", net.ids:dtype())
        assert.equal("bf16", net(yoso.tensor({0}, "i64")):dtype())
    end)

    it("freezes and visits", function()
        local net = Net()
        net:requires_grad(false)
        assert.is_false(net(yoso.tensor({0}, "i64")):requires_grad())
        local count = 0
        net:apply(function() count = count + 1 end)
        assert.equal(6, count)
    end)

    it("survives a scope in which it was made", function()
        local layer
        yoso.scope(function()
            layer = nn.Linear(2, 2)
        end)
        assert.same({1, 2}, layer(yoso.zeros{1, 2}):shape())
    end)

    it("prints itself as a tree", function()
        assert.equal("Sequential(\n  (0): Linear(2, 3, gelu)\n  (1): LayerNorm(3, eps 1e-05)\n)",
            tostring(nn.Sequential(nn.Linear(2, 3, {activation = "gelu"}), nn.LayerNorm(3))))
    end)

    it("holds modules in a ModuleList", function()
        local list = nn.ModuleList{nn.Linear(1, 1)}
        list:append(nn.Linear(1, 2))
        assert.equal(2, #list)
        assert.equal(2, list[2].out_features)
        assert.same({"0.weight", "0.bias", "1.weight", "1.bias"}, names(list:named_parameters()))
    end)

    it("says what is wrong with a layer's sizes and options", function()
        for wanted, make in pairs{
            ["Linear: in_features is nil, must be a whole number"] = function() nn.Linear() end,
            ["Linear: out_features is 2.5, must be"] = function() nn.Linear(2, 2.5) end,
            ["Linear: there is no option biass; there are activation, bias, seed"] = function()
                nn.Linear(2, 2, {biass = false})
            end,
            ["Embedding: width is -1, must be"] = function() nn.Embedding(2, -1) end,
            ["Embedding: padding_idx is -1, must be"] = function()
                nn.Embedding(2, 2, {padding_idx = -1})
            end,
            ["LayerNorm: width is 0, must be"] = function() nn.LayerNorm(0) end,
            ["Dropout: p is 2, must be a number from 0 to 1"] = function() nn.Dropout(2) end,
        } do
            local ok, message = pcall(make)
            assert.is_false(ok)
            assert.truthy(message:find("^spec/nn/module_spec.lua:%d+: "), message)
            assert.truthy(message:find(wanted, 1, true), message)
        end
    end)

    it("says what is wrong", function()
        local net = Net()
        assert.error_matches(function() nn.Module:extend() end, "extend: name is a nil")
        assert.error_matches(function() nn.Module:extend("Empty")()(1) end,
            "Empty: the class has no forward")
        assert.error_matches(function() net:to("i64") end,
            "to: i64 is neither a device %(cpu, cuda%) nor a float dtype")
        assert.error_matches(function() net:register_buffer("b", 1) end,
            "register_buffer: b is a number, must be a tensor")
        assert.error_matches(function() net:load_state{["norm.bias"] = 1} end,
            "load_state: norm.bias is a number, must be a tensor")
        assert.error_matches(function() nn.Parameter(1) end,
            "Parameter: value is a number, must be a tensor")
        assert.error_matches(function() nn.Parameter(net.norm.bias * 2) end,
            "Parameter: the tensor was computed from others")
        assert.error_matches(function() nn.Activation("swish") end,
            "Activation: name is swish, must be gelu, relu, tanh or sigmoid")
        assert.error_matches(function() nn.Sequential(1) end,
            "Sequential: element 1 is a number, must be a module")
    end)
end)

describe("initial values", function()
    it("repeat with a seed and have the asked spread", function()
        close(nn.Linear(8, 8, {seed = 3}).weight:detach(),
            nn.Linear(8, 8, {seed = 3}).weight:detach(), 0)
        local bound = nn.Linear(100, 50).weight:detach():abs():max():item()
        assert.is_true(bound <= 0.1 and bound > 0.09)
        local weight = nn.init.normal(yoso.zeros{200, 100}, 0.02, 1)
        assert.is_true(math.abs(weight:square():mean():item() - 4e-4) < 2e-5)
        assert.same({0, 0, 0}, nn.Embedding(3, 3, {padding_idx = 2}).weight:detach()[3]:totable())
    end)
end)
