-- Basic kernels at sizes that one block, one chunk or one warp does not fit: the CPU's results
-- are the yardstick.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local yoso = require "yoso"

local function same(expected, got, tolerance, message)
    local a = expected:to("f32"):reshape{-1}:totable()
    local b = got:to("cpu"):to("f32"):reshape{-1}:totable()
    assert.equal(#a, #b)
    for i = 1, #a do
        if not (a[i] == b[i] or (a[i] ~= a[i] and b[i] ~= b[i])
                or math.abs(a[i] - b[i]) <= tolerance * (1 + math.abs(a[i]))) then
            error(("%s: element %d is %.9g, should be %.9g"):format(message, i, b[i], a[i]))
        end
    end
end

describe("reductions on the device", function()
    local names = {"sum", "mean", "max", "min", "argmax", "argmin", "var", "logsumexp", "norm"}
    for _, shape in ipairs {{1, 1}, {3, 33}, {37, 5}, {2, 9001}, {520, 2}} do
        it(("agree over %d x %d, rows and columns"):format(shape[1], shape[2]), function()
            local x = yoso.randn(shape, {seed = 3})
            local there = x:to "cuda"
            for _, name in ipairs(names) do
                for dim = 1, 2 do
                    if not (name == "var" and shape[dim] == 1) then
                        same(x[name](x, dim), there[name](there, dim), 2e-6, name)
                    end
                end
                same(x[name](x), there[name](there), 2e-6, name)
            end
        end)
    end

    it("give the first of equal elements and let a NaN win", function()
        local x = yoso.zeros {2, 100}
        assert.same({1, 1}, x:to("cuda"):argmax(2):totable())
        local y = yoso.tensor {1, 0 / 0, 3, 0 / 0}:to "cuda"
        assert.equal(2, y:argmax():item())
        assert.equal(2, y:argmin():item())
    end)

    it("sum integers and empty dimensions", function()
        local x = yoso.randint(-5, 6, {3, 70}, {seed = 2})
        assert.same(x:sum(1):totable(), x:to("cuda"):sum(1):totable())
        assert.same({0, 0}, yoso.zeros({2, 0}):to("cuda"):sum(2):totable())
    end)
end)

describe("random numbers on the device", function()
    it("are the CPU's to the bit", function()
        for _, dtype in ipairs {"f32", "f16", "bf16"} do
            for _, make in ipairs {"randn", "rand"} do
                local here = yoso[make]({1027}, {seed = 5, dtype = dtype})
                local there = yoso[make]({1027}, {seed = 5, dtype = dtype, device = "cuda"})
                assert.equal("cuda", there:device())
                assert.same(here:totable(), there:totable())
            end
        end
    end)
end)

describe("dropout on the device", function()
    it("leaves out what the CPU leaves out, to the bit", function()
        for _, dtype in ipairs {"f32", "f16", "bf16"} do
            local x = yoso.randn({31, 67}, {seed = 6}):to(dtype)
            local here, there = yoso.ops.dropout(x, 0.3, 11), yoso.ops.dropout(x:to "cuda", 0.3, 11)
            assert.same(here:totable(), there:totable())
            local other = yoso.ops.dropout(x:to "cuda", 0.3, 12)
            assert.is_false(pcall(assert.same, other:totable(), there:totable()))
        end
    end)
end)

describe("elementwise kernels on the device", function()
    it("cover every element of broadcast and strided operands", function()
        local a = yoso.randn({7, 1, 300}, {seed = 1})
        local b = yoso.randn({5, 300}, {seed = 2})
        same(a + b, a:to "cuda" + b:to "cuda", 0, "add")
        local t = a:reshape{7, 300}:transpose(1, 2)
        same(t * t, t:to("cuda") * t:to("cuda"), 0, "mul")
    end)

    it("round as the CPU does in every conversion", function()
        local x = yoso.randn({500}, {seed = 4}) * 100
        for _, from in ipairs {"f32", "f16", "bf16", "i32", "i64", "u8"} do
            for _, to in ipairs {"f32", "f16", "bf16", "i32", "i64", "u8", "bool"} do
                local here = x:to(from)
                assert.same(here:to(to):totable(), here:to("cuda"):to(to):totable())
            end
        end
    end)
end)
