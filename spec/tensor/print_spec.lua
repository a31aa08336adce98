-- The text of tensors: head, columns, excerpts of any size.
local yoso = require "yoso"

describe("the text of a tensor", function()
    it("begins with dtype, shape and device", function()
        assert.equal("f32 [2, 2] cpu\n{{1, 2},\n {3, 4}}", tostring(yoso.tensor{{1, 2}, {3, 4}}))
        assert.equal("i64 [] cpu\n-7", tostring(yoso.tensor(-7, "i64")))
        assert.equal("bool [2] cpu\n{ true, false}", tostring(yoso.tensor({true, false}, "bool")))
        assert.equal("f32 [0, 3] cpu\n{}", tostring(yoso.zeros{0, 3}))
    end)

    it("aligns columns of numbers with a fraction", function()
        assert.equal("f32 [3] cpu\n{ 1.5000, -0.2500, 10.0000}", tostring(yoso.tensor{1.5, -0.25, 10}))
        assert.equal("f32 [2] cpu\n{1.0000e-06, 2.0000e+00}", tostring(yoso.tensor{1e-6, 2}))
        assert.equal("f32 [3] cpu\n{nan,   1, inf}", tostring(yoso.tensor{0 / 0, 1, math.huge}))
        assert.equal("f32 [2] cpu\n{-inf,    0}", tostring(yoso.tensor{-math.huge, 0}))
    end)

    it("separates matrices by empty lines", function()
        assert.equal("f32 [2, 1, 2] cpu\n{{{1, 2}},\n\n {{3, 4}}}", tostring(yoso.tensor{{{1, 2}}, {{3, 4}}}))
    end)

    it("breaks long lines", function()
        for line in tostring(yoso.randn({50}, {seed = 1})):gmatch("[^\n]+") do
            assert.is_true(#line <= 81)
        end
    end)

    it("is an excerpt of a large one, whatever its size and dimensions", function()
        local text = tostring(yoso.arange(1e6):reshape{1000, 1000})
        assert.is_true(#text < 1000)
        assert.is_truthy(text:find("...", 1, true))
        assert.is_truthy(text:find("1000000}}", 1, true))
        assert.is_truthy(text:find("{{      1,       2,       3, ...,", 1, true))
        for _, shape in ipairs{{3, 3, 3, 3, 3, 3, 3, 3}, {2000}, {1, 2000, 1}, {500, 2, 2}, {0, 5000}} do
            assert.is_true(#tostring(yoso.zeros(shape)) < 10000)
        end
        local huge = yoso.ones{1}:expand{2 ^ 20, 2 ^ 20}
        assert.is_true(#tostring(huge) < 1000)
    end)

    it("tells of gradients", function()
        local x = yoso.tensor{1}:requires_grad(true)
        assert.is_truthy(tostring(x):find("requires a gradient", 1, true))
        assert.is_truthy(tostring(x * 2):find("made by mul", 1, true))
    end)

    it("leaves no memory behind", function()
        local x = yoso.zeros{100, 100}
        local before = yoso.memory().live
        tostring(x)
        assert.equal(before, yoso.memory().live)
    end)
end)
