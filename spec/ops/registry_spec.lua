-- Walks the registry of operations: each has a sample, a gradient that its finite differences
-- confirm, and the same results, within rounding, from f16 and bf16.
local yoso = require "yoso"
local op = require "yoso.op"
local gradcheck = require "yoso.gradcheck".gradcheck
local tensor = require "yoso.tensor"

assert(yoso.ops)

local function sample_of(operation)
    local number = 0
    return operation.sample(function(shape, options)
        number = number + 1
        options = options or {}
        options.seed = options.seed or number
        return yoso.randn(shape, options)
    end)
end

local function as_list(value)
    return tensor.is(value) and {value} or value
end

local function is_float(value)
    return tensor.is(value) and value:dtype() == "f32"
end

-- The inputs with every float tensor rounded to dtype, and kept so or widened again.
local function rounded(inputs, dtype, widen)
    local result = {}
    for i = 1, table.maxn(inputs) do
        local value = inputs[i]
        if is_float(value) then
            value = value:to(dtype)
            value = widen and value:to("f32") or value
        end
        result[i] = value
    end
    return result
end

describe("every operation", function()
    for _, operation in ipairs(op.list) do
        it(operation.name .. " has a sample that runs", function()
            assert.is_function(operation.sample, "no sample")
            local inputs = sample_of(operation)
            local out = operation.run(unpack(inputs, 1, table.maxn(inputs)))
            assert.is_true(tensor.is(out) or (type(out) == "table" and tensor.is(out[1])))
        end)

        if operation.backward and not operation.surrogate then
            it(operation.name .. " has the gradient of its finite differences", function()
                assert(gradcheck(operation.run, sample_of(operation),
                    {tolerance = operation.tolerance}))
            end)
        end

        for dtype, epsilon in pairs{f16 = 2 ^ -10, bf16 = 2 ^ -7} do
            if operation.dtypes == nil then
                it(("%s rounds only its result in %s"):format(operation.name, dtype), function()
                    local inputs = sample_of(operation)
                    local count = table.maxn(inputs)
                    local wide = as_list(operation.run(unpack(rounded(inputs, dtype, true), 1, count)))
                    local narrow = as_list(operation.run(unpack(rounded(inputs, dtype), 1, count)))
                    assert.equal(#wide, #narrow)
                    for i = 1, #wide do
                        local a, b = wide[i]:to("f32"), narrow[i]:to("f32")
                        assert.same(a:shape(), b:shape())
                        if a:numel() > 0 and is_float(wide[i]) then
                            local scale = a:abs():max():item()
                            assert.is_true((a - b):abs():max():item() <= epsilon * scale,
                                ("%s and %s"):format(tostring(a), tostring(b)))
                        elseif a:numel() > 0 then
                            assert.is_true(a:equal(b))
                        end
                    end
                end)
            end
        end
    end
end)

describe("the registry", function()
    it("refuses a second operation of one name", function()
        assert.has_error(function()
            op.define{name = "add", forward = function() end}
        end)
    end)

    it("refuses what is no operation", function()
        assert.has_error(function() op.define{name = "nothing"} end)
    end)
end)
