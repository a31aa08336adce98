-- The gradient check: it accepts what is right and says where something is wrong.
local yoso = require "yoso"
local raises = require "spec.support.misuse"
local gradcheck = yoso.gradcheck

local x = yoso.randn({3, 4}, {seed = 1})

-- x * x with a gradient that is wrong by the given function.
local function square(name, wrong)
    return yoso.op.define{
        name = name,
        forward = function(ctx, a)
            ctx:save(a)
            return a * a
        end,
        backward = function(ctx, grad)
            return wrong(grad * ctx.saved[1] * 2)
        end,
    }
end

describe("gradcheck", function()
    it("accepts right gradients of one or several inputs and outputs", function()
        assert.is_true(gradcheck(square("spec_right", function(g) return g end), {x}))
        assert.is_true(gradcheck(function(a, b) return a * b, a + b end, {x, x[1]}))
        assert.is_true(gradcheck(function(a, n) return {a ^ n, a:sum()} end, {x, 3}))
    end)

    it("refuses wrong ones and says where", function()
        for name, wrong in pairs{
            spec_sign = function(g) return -g end,
            spec_scale = function(g) return g * 1.01 end,
            spec_zero = function(g) return g * 0 end,
            spec_one_element = function(g)
                g = g:clone()
                g[2][3] = 5
                return g
            end,
        } do
            local ok, message = gradcheck(square(name, wrong), {x})
            assert.is_false(ok)
            assert.is_truthy(message:find("input 1 [3, 4]", 1, true), message)
        end
        local _, message = gradcheck(square("spec_place", function(g)
            g = g:clone()
            g[1][2] = 5
            return g
        end), {x})
        assert.is_truthy(message:find("element 2", 1, true), message)
    end)

    it("refuses a gradient that is missing or not a number", function()
        assert.is_false((gradcheck(function(a) return a:detach() * a end, {x})))
        assert.is_false((gradcheck(square("spec_nan", function(g) return g / 0 * 0 end), {x})))
        local ok, message = gradcheck(function(a) return a:detach() end, {x})
        assert.is_false(ok)
        assert.is_truthy(message:find("no float output", 1, true))
    end)

    it("checks large inputs along random directions", function()
        local large = yoso.randn({40, 50}, {seed = 2})
        assert.is_true(gradcheck(function(a) return a:tanh() end, {large}))
        assert.is_false((gradcheck(square("spec_large", function(g) return g * 1.1 end), {large})))
    end)

    it("leaves its inputs alone", function()
        local before = x:totable()
        gradcheck(function(a) return a * 2 end, {x})
        assert.same(before, x:totable())
        assert.is_nil(x.grad)
        assert.is_false(x:requires_grad())
    end)

    it("is misused", function()
        raises(function() gradcheck(1, {x}) end, "gradcheck", "number", "function")
        raises(function() gradcheck(print, x) end, "gradcheck", "list")
    end)
end)
