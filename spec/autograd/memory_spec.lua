-- Memory: scopes, temporaries of operations and of backward, and the collector's soft limit.
local yoso = require "yoso"
local raises = require "spec.support.misuse"

local function live()
    return yoso.memory().live
end

local function settled()
    collectgarbage()
    collectgarbage()
    return live()
end

describe("scope", function()
    it("frees what was made in it and returns the rest alive", function()
        local before = settled()
        local result, number = yoso.scope(function(n)
            local x = yoso.ones{1000}
            return x * 2 + 1, n
        end, 5)
        assert.equal(5, number)
        assert.equal(3, result[1]:item())
        assert.is_true(live() - before < 2 * 4096 + 256)
    end)

    it("keeps what is inside returned tables and what keep was told of", function()
        local kept
        local list = yoso.scope(function()
            kept = yoso.keep(yoso.ones{3})
            return {a = {yoso.ones{2}}}
        end)
        assert.same({1, 1}, list.a[1]:totable())
        assert.same({1, 1, 1}, kept:totable())
    end)

    it("keeps gradients and the tape of what it returns", function()
        local x = yoso.ones{3}:requires_grad(true)
        local loss = yoso.scope(function() return (x * 2 * x):sum() end)
        loss:backward()
        assert.same({4, 4, 4}, x.grad:totable())
        local y = yoso.ones{3}:requires_grad(true)
        yoso.scope(function() (y * 3):sum():backward() end)
        assert.same({3, 3, 3}, y.grad:totable())
    end)

    it("keeps tapes of any length", function()
        local x = yoso.ones{1}:requires_grad(true)
        local loss = yoso.scope(function()
            local y = x
            for _ = 1, 4000 do
                y = y + 0
            end
            return y:sum()
        end)
        loss:backward()
        assert.equal(1, x.grad:item())
    end)

    it("nests, the inner one handing its result to the outer one", function()
        local inner
        yoso.scope(function()
            inner = yoso.scope(function() return yoso.ones{2} end)
            assert.same({1, 1}, inner:totable())
        end)
        raises(function() inner:totable() end, "totable", "freed")
    end)

    it("frees after an error too, and passes it on", function()
        local made
        local ok, message = pcall(yoso.scope, function()
            made = yoso.ones{4}
            error("stop", 0)
        end)
        assert.is_false(ok)
        assert.equal("stop", message)
        raises(function() made:sum() end, "sum", "freed")
        assert.equal(0, #require("yoso.tensor").scopes)
    end)

    it("wants a function, keep a tensor", function()
        raises(function() yoso.scope(1) end, "scope", "number", "function")
        raises(function() yoso.keep(1) end, "keep", "number", "tensor")
    end)
end)

describe("memory stays flat", function()
    it("over 10,000 small operations in scopes, without the collector", function()
        local x = yoso.ones{256}
        local before = settled()
        collectgarbage("stop")
        for _ = 1, 1000 do
            yoso.scope(function()
                for _ = 1, 10 do
                    x:mul(2):add(x)
                end
            end)
        end
        local after = live()
        collectgarbage("restart")
        assert.equal(before, after)
    end)

    it("over training steps in scopes, without the collector", function()
        local weight = yoso.randn({64, 64}, {seed = 1}):requires_grad(true)
        local function step()
            yoso.scope(function()
                local loss = (weight * weight + weight:transpose(1, 2) * 2):tanh():mean()
                loss:backward()
            end)
        end
        step()
        local before = settled()
        collectgarbage("stop")
        for _ = 1, 20 do
            step()
        end
        local after = live()
        collectgarbage("restart")
        assert.equal(before, after)
    end)

    it("with the collector's help under the soft limit", function()
        local tensor = require "yoso.tensor"
        settled()
        tensor.set_soft_limit(8 * 2 ^ 20)
        local most = 0
        for _ = 1, 60 do
            yoso.ones{2 ^ 18} -- 1 MiB, dropped
            most = math.max(most, live())
        end
        tensor.set_soft_limit(256 * 2 ^ 20)
        assert.is_true(most < 20 * 2 ^ 20, ("%d bytes"):format(most))
    end)
end)

describe("temporaries", function()
    it("of a forward are gone when it returns", function()
        local x = yoso.ones{1000}
        local before = settled()
        collectgarbage("stop")
        local y = x:clamp(-1, 0.5) -- two steps inside
        local after = live()
        collectgarbage("restart")
        assert.equal(0.5, y[1]:item())
        assert.is_true(after - before <= 4096 + 64)
    end)

    it("of backward are gone as soon as their last reader is done", function()
        local n = 2 ^ 16
        local x = yoso.ones{n}:requires_grad(true)
        local y = x
        for _ = 1, 50 do
            y = y * 1.01
        end
        local loss = y:sum()
        local before = settled()
        collectgarbage("stop")
        yoso.reset_peak()
        loss:backward()
        local peak, after = yoso.memory().peak, live()
        collectgarbage("restart")
        assert.is_true(after - before <= 4 * n + 4096, "only .grad stays")
        assert.is_true(peak - before <= 4 * 4 * n, ("%d more at the peak"):format(peak - before))
    end)
end)
