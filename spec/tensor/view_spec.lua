-- Views: which elements they show, that they share memory, and what is refused.
local yoso = require "yoso"
local raises = require "spec.support.misuse"

local x = yoso.arange(24):reshape{2, 3, 4}

local function shares(a, b)
    local lib = require "yoso.c".lib
    return lib.yoso_tensor_same_storage(a.handle, b.handle) ~= 0
end

describe("a view", function()
    it("shows the elements of its whole in another order", function()
        assert.equal(x[2][3][1]:item(), x:transpose(1, 3)[1][3][2]:item())
        assert.equal(x[1][2][4]:item(), x:permute(2, 3, 1)[2][4][1]:item())
        assert.same({4, 3, 2}, x:permute{3, 2, 1}:shape())
        assert.same({{6, 7}, {10, 11}}, x[1]:narrow(1, 2, 2):narrow(2, 2, 2):totable())
        assert.same({2, 3, 4}, x:narrow(-1, -3, 3)[1][1]:totable())
        assert.same({13, 17, 21}, x:select(3, 1)[2]:totable())
        assert.same({2, 1, 3, 4}, x:unsqueeze(2):shape())
        assert.same({2, 3, 4, 1}, x:unsqueeze(-1):shape())
        assert.same({2, 3, 4}, x:unsqueeze(1):unsqueeze(-1):squeeze():shape())
        assert.same({1, 2, 3, 4}, x:unsqueeze(1):unsqueeze(-1):squeeze(-1):shape())
        assert.same({2, 3, 4}, x:squeeze(1):shape())
        assert.same({6, 4}, x:flatten(1, 2):shape())
        assert.same({24}, x:flatten():shape())
        assert.same({1}, yoso.tensor(3):flatten():shape())
        assert.same({{1, 1, 1}, {2, 2, 2}}, yoso.tensor{{1}, {2}}:expand{2, 3}:totable())
        assert.same({5, 2, 3, 4}, x:expand(5, -1, -1, -1):shape())
    end)

    it("shares the memory of its whole", function()
        local whole = yoso.zeros{2, 3}
        for _, view in ipairs{whole:transpose(1, 2), whole[1], whole:reshape{3, 2}, whole:unsqueeze(1),
            whole:narrow(2, 1, 2), whole:expand{4, 2, 3}, whole:detach(), whole:permute(2, 1),
            whole:contiguous(), whole:view(6)} do
            assert.is_true(shares(whole, view))
        end
        assert.is_false(shares(whole, whole:clone()))
        assert.is_false(shares(whole, whole:transpose(1, 2):contiguous()))
        assert.is_false(shares(whole, whole:transpose(1, 2):reshape(6)))
    end)

    it("of nothing is nothing", function()
        local empty = yoso.zeros{2, 0, 3}
        assert.same({0, 6}, empty:reshape{0, 6}:shape())
        assert.same({3, 0, 2}, empty:transpose(1, 3):shape())
        assert.same({2, 0, 0}, empty:narrow(3, 1, 0):shape())
        assert.same({2, 0, 0}, empty:narrow(3, 4, 0):shape())
        assert.same({0, 3}, empty[1]:shape())
    end)

    it("is reshaped with one size left open", function()
        assert.same({4, 6}, x:reshape(4, -1):shape())
        assert.same({24}, x:reshape{-1}:shape())
        assert.same({1, 24, 1}, x:reshape(1, -1, 1):shape())
        assert.same(x:transpose(1, 2):contiguous():reshape(-1):totable(),
            x:transpose(1, 2):reshape(-1):totable())
    end)
end)

describe("a view that cannot be", function()
    it("is refused at the caller's line", function()
        raises(function() x:reshape{5, 5} end, "reshape", "[2, 3, 4]", "[5, 5]")
        raises(function() x:reshape{-1, -1} end, "reshape", "-1")
        raises(function() x:reshape{-1, 5} end, "reshape", "[2, 3, 4]")
        raises(function() x:reshape() end, "reshape", "shape is missing")
        raises(function() x:reshape("a") end, "reshape", "a")
        raises(function() x:transpose(1, 4) end, "transpose", "dimension 4", "3")
        raises(function() x:transpose(1) end, "transpose", "nil")
        raises(function() x:permute(1, 2) end, "permute", "2 dimensions", "3")
        raises(function() x:permute(1, 2, 2) end, "permute", "dimension 2 comes twice")
        raises(function() x:narrow(1, 2, 2) end, "narrow", "2 elements from 2", "[2, 3, 4]")
        raises(function() x:narrow(1, 0, 1) end, "narrow", "from 0")
        raises(function() x:narrow(1, 1, -1) end, "narrow", "-1 elements")
        raises(function() x:narrow(1, 1.5, 1) end, "narrow", "start", "1.5")
        raises(function() x:narrow(1) end, "narrow", "start", "nil")
        raises(function() x:select(1, 3) end, "select", "index 3", "1 to 2")
        raises(function() local _ = x[0] end, "select", "index 0")
        raises(function() local _ = yoso.tensor(1)[1] end, "select", "dimension 1")
        raises(function() x:squeeze(4) end, "squeeze", "dimension 4")
        raises(function() x:unsqueeze(5) end, "unsqueeze", "dimension 5")
        raises(function() x:unsqueeze() end, "unsqueeze", "nil")
        raises(function() x:expand{2, 3, 5} end, "expand", "[2, 3, 4]", "[2, 3, 5]")
        raises(function() x:expand{3, 4} end, "expand", "[3, 4]")
        raises(function() x:expand{-1, 2, 3, 4} end, "expand", "-1")
        raises(function() x:flatten(3, 1) end, "flatten", "3", "1")
        raises(function() yoso.ops.reshape(3, {1}) end, "reshape", "number", "tensor")
    end)
end)
