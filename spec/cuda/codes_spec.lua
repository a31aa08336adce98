-- Hash codes on the device at the sizes that hurt: the CPU's, but for bits whose projection is
-- within 1e-5 of zero, where the sign is the rounding's.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local ops = require "yoso.ops"
local yoso = require "yoso"

-- Bits of two codes that differ and are not excused by `tie(row, hash, bit)`; and how many were seen.
local function differing(here, there, code_len, tie)
    local a, b, wrong, seen = here:totable()[1], there:totable()[1], 0, 0
    assert.equal(#a, #b)
    for row = 1, #a do
        assert.equal(#a[row], #b[row])
        for hash = 1, #a[row] do
            for bit = 0, code_len - 1 do
                local mine, theirs = a[row][hash], b[row][hash]
                seen = seen + 1
                if math.floor(mine / 2 ^ bit) % 2 ~= math.floor(theirs / 2 ^ bit) % 2
                    and not tie(row, hash, bit) then
                    wrong = wrong + 1
                end
            end
        end
    end
    return wrong, seen
end

describe("codes on the device", function()
    for _, size in ipairs {16, 20, 48, 64, 128} do
        for _, rows in ipairs {1, 37} do
            it(("are the CPU's, %d rows of %d, 33 hashes of 9 bits"):format(rows, size), function()
                local x = yoso.randn({1, rows, size}, {seed = 1})
                local projection = yoso.randn({1, size, 33 * 9}, {seed = 2})
                local value = x:matmul(projection):totable()[1]
                local wrong, seen = differing(ops.lsh_hash(x, projection, 33, 9),
                    ops.lsh_hash(x:to "cuda", projection:to "cuda", 33, 9), 9,
                    function(row, hash, bit)
                        return math.abs(value[row][(hash - 1) * 9 + bit + 1]) <= 1e-5
                    end)
                assert.equal(0, wrong)
                assert.equal(rows * 33 * 9, seen)
            end)

            it(("of the fast hash are the CPU's, %d rows of %d"):format(rows, size), function()
                local width = 2 ^ math.ceil(math.log(size) / math.log(2))
                local each = math.floor(width / 9)
                local groups = math.ceil(33 / each)
                local x = yoso.randn({1, rows, size}, {seed = 3})
                local sign = (yoso.randn({1, 3, groups, width}, {seed = 4}):gt(0)):to("f32") * 2 - 1
                local wrong, seen = differing(ops.fast_hash(x, sign, 33, 9),
                    ops.fast_hash(x:to "cuda", sign:to "cuda", 33, 9), 9,
                    function() return false end) -- these seeds have no ties
                assert.equal(0, wrong)
                assert.equal(rows * 33 * 9, seen)
            end)
        end
    end
end)
