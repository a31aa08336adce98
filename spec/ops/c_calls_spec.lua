-- The operations called as C does: dimensions from 0, and every refusal a status with a message
-- that leaves the result's pointer alone.
local yoso = require "yoso"
local c = require "yoso.c"
local lib = c.lib

assert(yoso.ops)

local function refused(status, ...)
    assert.equal(lib.YOSO_MISUSE, status)
    local message = c.string(lib.yoso_error_message())
    assert.is_nil(message:find("\n", 1, true))
    for _, wanted in ipairs{...} do
        assert.is_truthy(message:find(wanted, 1, true), ("%q is not in %q"):format(wanted, message))
    end
end

describe("from C", function()
    local out = c.new("yoso_tensor *[1]")
    local x, y = yoso.ones{2, 3}, yoso.ones({2, 3}, "i64")
    local function dims(...)
        return c.new("int32_t[?]", select("#", ...), ...)
    end

    before_each(function()
        out[0] = nil
    end)
    after_each(function()
        assert.is_true(out[0] == nil, "a refusal wrote its result")
    end)

    it("unknown operations are refused", function()
        for _, code in ipairs{-1, 1000} do
            refused(lib.yoso_binary(out, code, x.handle, x.handle), "binary", tostring(code))
            refused(lib.yoso_binary_into(x.handle, code, x.handle, x.handle), "binary")
            refused(lib.yoso_compare(out, code, x.handle, x.handle), "compare")
            refused(lib.yoso_unary(out, code, x.handle), "unary")
            refused(lib.yoso_unary_grad(out, code, x.handle, x.handle), "unary_grad")
            refused(lib.yoso_reduce(out, code, x.handle, 0, nil, 0, 0), "reduce")
            refused(lib.yoso_random(x.handle, code, 1, 0, 1), "random")
        end
    end)

    it("dimensions out of range are refused", function()
        for _, dim in ipairs{-1, 2} do
            refused(lib.yoso_reduce(out, lib.YOSO_SUM, x.handle, 1, dims(dim), 0, 0), "sum", "[2, 3]")
            refused(lib.yoso_cumsum(out, x.handle, dim, 0), "cumsum", "[2, 3]")
            refused(lib.yoso_gather(out, x.handle, dim, y.handle, 0), "gather", "[2, 3]")
            refused(lib.yoso_scatter_into(x.handle, dim, y.handle, x.handle, 0, 0), "scatter")
            refused(lib.yoso_cat(out, 1, c.new("const yoso_tensor *[1]", {x.handle}), dim), "cat")
            refused(lib.yoso_transpose(out, x.handle, dim, 0), "transpose", "[2, 3]")
            refused(lib.yoso_narrow(out, x.handle, dim, 0, 1), "narrow", "[2, 3]")
        end
        refused(lib.yoso_reduce(out, lib.YOSO_MAX, x.handle, 2, dims(1, 1), 0, 0), "twice")
        refused(lib.yoso_narrow(out, x.handle, 0, 1, 2), "narrow", "2 elements from 1")
        refused(lib.yoso_narrow(out, x.handle, 0, 2 ^ 62, 2 ^ 62), "narrow")
    end)

    it("shapes, dtypes and targets that do not fit are refused", function()
        refused(lib.yoso_unary_grad(out, lib.YOSO_EXP, y.handle, x.handle), "i64", "f32")
        refused(lib.yoso_unary_grad(out, lib.YOSO_EXP, yoso.ones{3, 2}.handle, x.handle), "[3, 2]")
        refused(lib.yoso_unary(out, lib.YOSO_EXP, y.handle), "i64", "float")
        refused(lib.yoso_binary_into(y.handle, lib.YOSO_ADD, x.handle, x.handle), "f32", "i64")
        refused(lib.yoso_binary_into(yoso.ones{3}.handle, lib.YOSO_ADD, x.handle, x.handle), "[2, 3]", "[3]")
        refused(lib.yoso_cat(out, 0, nil, 0), "cat", "no tensors")
        refused(lib.yoso_random(x:transpose(1, 2).handle, lib.YOSO_NORMAL, 1, 0, 1), "contiguous")
        refused(lib.yoso_random(x.handle, lib.YOSO_NORMAL, 1, 0, 1 / 0), "finite")
        refused(lib.yoso_random(y.handle, lib.YOSO_INTEGERS, 1, 5, 5), "rising")
        refused(lib.yoso_sequence(out, 99, lib.YOSO_CPU, 3, 0, 1), "dtype 99")
        refused(lib.yoso_sequence(out, lib.YOSO_F32, lib.YOSO_CPU, -3, 0, 1), "negative")
        refused(lib.yoso_sequence(out, lib.YOSO_F32, 7, 3, 0, 1), "device 7")
        refused(lib.yoso_randperm(out, -1, 1, 0), "negative")
    end)

    it("views that leave their storage are refused", function()
        local function sizes(...)
            return c.new("int64_t[?]", select("#", ...), ...)
        end
        refused(lib.yoso_tensor_view(out, x.handle, 1, sizes(7), sizes(1), 0), "view", "[7]")
        refused(lib.yoso_tensor_view(out, x.handle, 1, sizes(2), sizes(6), 0), "view", "[6]")
        refused(lib.yoso_tensor_view(out, x.handle, 1, sizes(2), sizes(1), 5), "view")
        refused(lib.yoso_tensor_view(out, x.handle, 1, sizes(2), sizes(1), -1), "view")
        refused(lib.yoso_tensor_view(out, x.handle, 1, sizes(2), sizes(-1), 3), "view")
        refused(lib.yoso_tensor_view(out, x.handle, 1, sizes(2 ^ 40), sizes(2 ^ 40), 0), "view")
        refused(lib.yoso_tensor_new(out, lib.YOSO_F32, lib.YOSO_CPU, 9, sizes(1, 1, 1, 1, 1, 1, 1, 1, 1)),
            "9 dimensions")
        refused(lib.yoso_tensor_new(out, lib.YOSO_F32, lib.YOSO_CPU, 2, sizes(2 ^ 32, 2 ^ 32)),
            "too many elements")
    end)

    it("positions count from what the caller says", function()
        local index = yoso.tensor({{0, 2}, {1, 1}}, "i64")
        assert.equal(lib.YOSO_OK, lib.yoso_gather(out, x.handle, 1, index.handle, 0))
        lib.yoso_tensor_free(out[0])
        out[0] = nil
        refused(lib.yoso_gather(out, x.handle, 1, index.handle, 1), "gather", "1 to 3")
    end)
end)
