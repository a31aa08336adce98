-- The attention's kernels on the device against the CPU's, at the sizes that hurt: lengths that
-- no tile divides, one token, empty sequences, head sizes 16, 48 and 128, 33 hashes, all codes
-- equal, masks, narrow dtypes; and the same bits whether blocks and threads run in order or backwards.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local ffi = require "ffi"
local ops = require "yoso.ops"
local yoso = require "yoso"

ffi.cdef "int setenv(const char *name, const char *value, int overwrite);"

local function values(t)
    return t:to("cpu"):to("f32"):reshape{-1}:totable()
end

-- Largest difference over the largest value.
local function relative(expected, got)
    local a, b = values(expected), values(got)
    assert.equal(#a, #b)
    local difference, largest = 0, 0.1 -- below that, rounding is all there is
    for i = 1, #a do
        assert(b[i] == b[i], "not a number")
        difference = math.max(difference, math.abs(a[i] - b[i]))
        largest = math.max(largest, math.abs(a[i]))
    end
    return difference / largest
end

-- Results and gradients of one attention on a device, inputs drawn from the case's seed.
local function run(case, device)
    local rows, heads = case.offset[#case.offset], case.heads or 2
    local width, value_width = heads * case.head, heads * (case.value or case.head)
    local dtype = case.dtype or "f32"
    local function draw(columns, seed)
        local x = yoso.randn({rows, columns}, {seed = seed})
        if case.equal then
            x = x * 0 + 1
        end
        return x:to(dtype):to(device):requires_grad(true)
    end
    local query, key, value = draw(width, 1), draw(width, 2),
        yoso.randn({rows, value_width}, {seed = 3}):to(dtype):to(device):requires_grad(true)
    local options = {heads = heads, offset = yoso.tensor(case.offset, "i64"), seed = 5, layer = 1}
    for name, setting in pairs(case.options) do
        options[name] = setting
    end
    if case.masked then
        local keep = {}
        for i = 1, rows do
            keep[i] = i % 3 ~= 0
        end
        options.keep = yoso.tensor(keep, "bool"):to(device)
    end
    local out = ops.attention(query, key, value, options)
    local weight = yoso.randn(out:shape(), {seed = 9}):to(dtype):to(device)
    ;(out * weight):sum():backward()
    return {out = out, query = query.grad, key = key.grad, value = value.grad}
end

-- The sanitizers look at what is touched, not at sums: they need not see it twice.
local sanitized = (os.getenv "YOSO_SANITIZE" or "") ~= ""

local function backwards(case)
    ffi.C.setenv("YOSO_EMULATE_ORDER", "reverse", 1)
    local ok, result = pcall(run, case, "cuda")
    ffi.C.setenv("YOSO_EMULATE_ORDER", "forward", 1)
    return assert(ok and result, result)
end

local function check(case, tolerance)
    local expected, got = run(case, "cpu"), run(case, "cuda")
    local other = not sanitized and backwards(case) or got
    for name, want in pairs(expected) do
        assert.same(values(got[name]), values(other[name]))
        local error_of = relative(want, got[name])
        assert(error_of <= tolerance, ("%s differs by %.2g of its largest, at most %.2g")
            :format(name, error_of, tolerance))
    end
end

local forms = {
    expectation = {form = "expectation"},
    ["expectation of 16 bits"] = {form = "expectation", hash_code_len = 16},
    softmax = {form = "softmax"},
    ["sample, dense hash"] = {form = "sample", num_hash = 5, hash_code_len = 3, fast_hash = false},
    ["sample, fast hash"] = {form = "sample", num_hash = 33, hash_code_len = 4},
    ["sample, spread hash"] = {form = "sample", num_hash = 7, hash_code_len = 5,
        fast_hash = "spread"},
    ["sample, dense gradient"] = {form = "sample", num_hash = 9, hash_code_len = 1,
        lsh_backward = false},
    ["sample, 11 bits"] = {form = "sample", num_hash = 2, hash_code_len = 11},
}

for name, options in pairs(forms) do
    describe("attention on the device, " .. name, function()
        local function of(case)
            case.options = options
            return case
        end

        it("takes lengths that no tile divides, and empty sequences", function()
            check(of {offset = {0, 1, 1, 34, 105}, head = 16}, 5e-5)
        end)
        it("takes head sizes 48 and 20", function()
            check(of {offset = {0, 37}, head = 48, value = 20}, 5e-5)
            check(of {offset = {0, 37}, head = 20, value = 48, heads = 1}, 5e-5)
        end)
        it("takes head size 128", function()
            check(of {offset = {0, 9}, head = 128, heads = 1}, 5e-5)
        end)
        it("takes one token", function()
            check(of {offset = {0, 1}, head = 16, heads = 3}, 5e-5)
        end)
        it("leaves out what is masked", function()
            check(of {offset = {0, 40, 50}, head = 16, masked = true}, 5e-5)
        end)
        it("takes queries and keys that are all equal", function()
            check(of {offset = {0, 70}, head = 16, equal = true}, 2e-4)
        end)
        it("computes bf16 and f16 on tensor cores", function()
            check(of {offset = {0, 45}, head = 32, dtype = "bf16"}, 3e-2)
            check(of {offset = {0, 45}, head = 32, dtype = "f16"}, 5e-3)
        end)
    end)
end

describe("sampled attention on the device", function()
    it("takes codes of 16 bits", function()
        check({offset = {0, 20}, head = 8, heads = 1,
            options = {form = "sample", num_hash = 1, hash_code_len = 16}}, 5e-5)
    end)

    it("keeps many queries' sums in registers, or in memory", function()
        for _, length in ipairs {300, 1100} do
            check({offset = {0, length}, head = 8, heads = 1,
                options = {form = "sample", num_hash = 9, hash_code_len = 6}}, 5e-5)
        end
    end)

    it("meets buckets that most rows share by their matrix", function()
        for _, dtype in ipairs {"f32", "bf16", "f16"} do
            check({offset = {0, 3, 300}, head = 16, heads = 2, dtype = dtype, equal = true,
                options = {form = "sample", num_hash = 3, hash_code_len = 3}},
                dtype == "f32" and 2e-4 or 3e-2)
            check({offset = {0, 250}, head = 16, value = 24, heads = 1, dtype = dtype, masked = true,
                options = {form = "sample", num_hash = 3, hash_code_len = 1}},
                dtype == "f32" and 1e-4 or 3e-2)
        end
        check({offset = {0, 200}, head = 72, heads = 1, options = {form = "sample", num_hash = 2,
            hash_code_len = 1}}, 1e-4)
    end)
end)
