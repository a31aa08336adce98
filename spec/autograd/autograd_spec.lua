-- The tape: accumulation, leaves, hooks, no_grad, retained and used tapes, changes in place, and
-- a user's own operation.
local yoso = require "yoso"
local raises = require "spec.support.misuse"
local op = require "yoso.op"

local function leaf(value)
    return yoso.tensor(value):requires_grad(true)
end

describe("backward", function()
    it("adds up what arrives at a leaf by several ways", function()
        local x = leaf{1, 2, 3}
        local loss = (x * x + x * 3 + x):sum()
        loss:backward()
        assert.same({6, 8, 10}, x.grad:totable())
    end)

    it("adds to a gradient that is there", function()
        local x = leaf{1, 2}
        x:sum():backward()
        ;(x * 2):sum():backward()
        assert.same({3, 3}, x.grad:totable())
    end)

    it("sums over what broadcasting repeated", function()
        local a, b = leaf{{1, 2, 3}, {4, 5, 6}}, leaf{10, 20, 30}
        ;(a * b):sum():backward()
        assert.same({5, 7, 9}, b.grad:totable())
        assert.same({{10, 20, 30}, {10, 20, 30}}, a.grad:totable())
    end)

    it("takes the gradient of a result with many elements", function()
        local x = leaf{1, 2, 3}
        local y = x * x
        y:backward(yoso.tensor{1, 10, 100})
        assert.same({2, 40, 600}, x.grad:totable())
    end)

    it("gives a leaf that is itself the root its gradient", function()
        local x = leaf(3)
        x:backward()
        assert.equal(1, x.grad:item())
    end)

    it("goes through long chains without recursion", function()
        local x = leaf{1}
        local y = x
        for _ = 1, 5000 do
            y = y + 0
        end
        y:sum():backward()
        assert.same({1}, x.grad:totable())
    end)

    it("visits a shared node once, after all its users", function()
        local x = leaf{2}
        local square = x * x
        local calls = 0
        square:register_hook(function() calls = calls + 1 end)
        ;(square * square + square):sum():backward() -- x^4 + x^2
        assert.same({36}, x.grad:totable())
        assert.equal(1, calls)
    end)

    it("keeps dtypes: a bf16 leaf has a bf16 gradient", function()
        local x = yoso.tensor({1, 2}, "bf16"):requires_grad(true)
        x:to("f32"):square():sum():backward()
        assert.equal("bf16", x.grad:dtype())
        assert.same({2, 4}, x.grad:totable())
    end)

    it("gives two leaves gradients that share no memory", function()
        local a, b = leaf{1, 2}, leaf{3, 4}
        ;(a + b):sum():backward()
        a.grad:mul_(10)
        assert.same({1, 1}, b.grad:totable())
        local c, d = leaf{1, 2}, leaf{{3}, {4}}
        ;(c:reshape{2, 1} + d):sum():backward()
        c.grad:mul_(10)
        assert.same({{1}, {1}}, d.grad:totable())
    end)

    it("leaves the caller's gradient alone", function()
        local x = leaf{1, 2}
        local grad = yoso.tensor{1, 1}
        local y = x + 0
        y:backward(grad, {retain = true})
        y:backward(grad)
        assert.same({1, 1}, grad:totable())
        assert.same({2, 2}, x.grad:totable())
    end)
end)

describe("a tape", function()
    it("is used once", function()
        local x = leaf{1, 2}
        local loss = x:square():sum()
        loss:backward()
        raises(function() loss:backward() end, "backward", "used already", "retain")
    end)

    it("is kept with retain", function()
        local x = leaf{1, 2}
        local loss = x:square():sum()
        loss:backward{retain = true}
        loss:backward()
        assert.same({4, 8}, x.grad:totable())
    end)

    it("notices a change in place", function()
        local x = leaf{1, 2}
        local factor = yoso.tensor{3, 4}
        local loss = (x * factor):sum()
        factor:mul_(2)
        raises(function() loss:backward() end, "backward", "mul", "changed in place")
    end)

    it("notices a change through a view", function()
        local x = leaf{1, 2}
        local factor = yoso.tensor{3, 4}
        local loss = (x * factor):sum()
        factor[1]:fill_(0)
        raises(function() loss:backward() end, "changed in place")
    end)

    it("notices a freed tensor", function()
        local x = leaf{1, 2}
        local factor = yoso.tensor{3, 4}
        local loss = (x * factor):sum()
        factor:free()
        raises(function() loss:backward() end, "backward", "mul", "freed")
    end)

    it("still records after a failure inside backward", function()
        local x = leaf{1, 2}
        local y = x * 2
        y:register_hook(function() error("stop") end)
        assert.is_false(pcall(function() y:sum():backward() end))
        local loss = (x * 3):sum()
        loss:backward()
        assert.same({3, 3}, x.grad:totable())
    end)
end)

describe("recording", function()
    it("stops in no_grad, which returns what its function returns", function()
        local x = leaf{1, 2}
        local a, b = yoso.no_grad(function(n) return x * 2, n end, 7)
        assert.is_false(a:requires_grad())
        assert.equal(7, b)
        assert.is_true((x * 2):requires_grad())
    end)

    it("goes on after an error in no_grad", function()
        local x = leaf{1}
        assert.is_false(pcall(yoso.no_grad, function() error("stop") end))
        assert.is_true((x * 2):requires_grad())
    end)

    it("stops at detach", function()
        local x = leaf{2}
        ;(x * x:detach()):sum():backward()
        assert.same({2}, x.grad:totable())
    end)

    it("leaves out positions and masks", function()
        local x = leaf{3, 1, 2}
        local values, places = x:sort()
        assert.is_true(values:requires_grad())
        assert.is_false(places:requires_grad())
        assert.is_false(x:gt(1):requires_grad())
    end)

    it("is asked for and ended by requires_grad", function()
        local x = yoso.tensor{1}
        assert.is_false(x:requires_grad())
        assert.is_true(x:requires_grad(true):requires_grad())
        assert.is_false(x:requires_grad(false):requires_grad())
    end)
end)

describe("hooks", function()
    it("see the whole gradient of a leaf, and may replace it", function()
        local x, seen = leaf{1, 2}, nil
        x:register_hook(function(grad)
            seen = grad:totable()
            return grad * 10
        end)
        ;(x + x):sum():backward()
        assert.same({2, 2}, seen)
        assert.same({20, 20}, x.grad:totable())
    end)

    it("see and replace gradients on the way", function()
        local x = leaf{1, 2}
        local y = x * 3
        y:register_hook(function(grad) return grad * 2 end)
        y:sum():backward()
        assert.same({6, 6}, x.grad:totable())
    end)

    it("may keep the gradient they were given", function()
        local x, kept = leaf{1, 2}, nil
        local y = x * 3
        y:register_hook(function(grad) kept = grad end)
        ;(y * 5):sum():backward()
        assert.same({5, 5}, kept:totable())
    end)

    it("can be removed", function()
        local x, calls = leaf{1}, 0
        local remove = x:register_hook(function() calls = calls + 1 end)
        x:sum():backward()
        remove()
        x:sum():backward()
        assert.equal(1, calls)
    end)

    it("keep .grad of a tensor that is no leaf", function()
        local x = leaf{1, 2}
        local y = (x * 3):retain_grad()
        y:square():sum():backward()
        assert.same({6, 12}, y.grad:totable())
    end)
end)

describe("a user's own operation", function()
    local cube = op.define{
        name = "spec_cube",
        forward = function(ctx, x)
            ctx:save(x)
            return x * x * x
        end,
        backward = function(ctx, grad)
            local x = ctx.saved[1]
            return grad * x * x * 3
        end,
        sample = function(random) return {random{3}} end,
    }

    it("needs ten lines", function()
        local x = leaf{2, 3}
        cube(x):sum():backward()
        assert.same({12, 27}, x.grad:totable())
        assert.is_true(yoso.gradcheck(cube, {yoso.randn({2, 3}, {seed = 1})}))
    end)

    it("hears what is wrong with its gradient", function()
        local function broken(name, result)
            return op.define{name = name, forward = function(_, x) return x * 1 end,
                backward = function() return result end}
        end
        local x = leaf{1, 2}
        local cases = {
            {broken("spec_shape", yoso.tensor{1, 2, 3}), "shape [3]", "shape [2]"},
            {broken("spec_dtype", yoso.tensor({1, 2}, "f16")), "f16", "f32"},
            {broken("spec_number", 3), "number", "must be a tensor"},
        }
        for _, case in ipairs(cases) do
            local loss = case[1](x):sum()
            raises(function() loss:backward() end, "backward: spec_", case[2], case[3])
        end
    end)

    it("may return its input", function()
        local identity = op.define{name = "spec_identity", forward = function(_, x) return x end,
            backward = function(_, grad) return grad end}
        local x = leaf{1, 2}
        local y = identity(x)
        assert.is_false(rawequal(x, y))
        y:sum():backward()
        assert.same({1, 1}, x.grad:totable())
    end)
end)

describe("misuse", function()
    it("is told at the caller's line", function()
        local x = leaf{1, 2}
        raises(function() yoso.tensor{1}:backward() end, "backward", "requires a gradient")
        raises(function() (x * 2):backward() end, "backward", "shape [2]", "give its gradient")
        raises(function() (x * 2):backward(yoso.tensor{1, 2, 3}) end, "[3]", "[2]")
        raises(function() (x * 2):backward(yoso.tensor({1, 2}, "f16")) end, "f16", "f32")
        raises(function() (x * 2):backward("one") end, "backward", "string", "tensor")
        raises(function() yoso.tensor({1}, "i64"):requires_grad(true) end, "requires_grad", "i64")
        raises(function() x:requires_grad("yes") end, "requires_grad", "string", "boolean")
        raises(function() (x * 2):requires_grad(false) end, "requires_grad", "detach")
        raises(function() yoso.tensor{1}:register_hook(print) end, "register_hook", "no gradient")
        raises(function() x:register_hook(1) end, "register_hook", "number", "function")
        raises(function() yoso.no_grad(3) end, "no_grad", "number", "function")
        raises(function() x:add_(1) end, "add_", "no_grad")
        raises(function() x:fill_(1) end, "fill_", "no_grad")
        raises(function() x:copy_(x) end, "copy_", "no_grad")
    end)
end)
