-- Comparisons that the attention's specs share, and running under one variant of the kernels.
local luassert = require "luassert"
local c = require "yoso.c"
local yoso = require "yoso"

local M = {}

--- The variants that this machine can run.
M.variants = {}
M.usual = c.string(c.lib.yoso_isa())
for _, name in ipairs{"plain", "avx2", "avx512", "avx512fp16", "amx"} do
    if c.lib.yoso_set_isa(name) == c.lib.YOSO_OK then
        M.variants[#M.variants + 1] = name
    end
end
assert(c.lib.yoso_set_isa(M.usual) == c.lib.YOSO_OK)

--- Calls fn under one variant, and goes back to the usual one whatever happens.
function M.with_isa(name, fn)
    c.check(c.lib.yoso_set_isa(name))
    local ok, message = pcall(fn)
    c.check(c.lib.yoso_set_isa(M.usual))
    if not ok then
        error(message, 0)
    end
end

function M.largest(x)
    return x:abs():max():item()
end

--- The largest difference is at most `tolerance` of the largest wanted value (or of 1e-30).
function M.to_largest(got, want, tolerance)
    luassert.same(want:shape(), got:shape())
    local scale = math.max(M.largest(want), 1e-30)
    local difference = M.largest(got - want)
    if difference > tolerance * scale or difference ~= difference then
        error(("differs by %g of the largest, %g is allowed"):format(difference / scale, tolerance), 2)
    end
end

--- Rows of unit length, seeded.
function M.unit(shape, seed)
    local x = yoso.randn(shape, {seed = seed})
    return x / (x * x):sum(-1, true):sqrt()
end

return M
