-- Times the three forms of attention on one sequence of 12 heads of 64, and prints what a token
-- of one head costs, the rate of the matrix products, and the ratio to softmax.
--   yoso scripts/bench/attention.lua [--dtype bf16] [--threads 2] [--hashes 32] LENGTH...
local yoso = require "yoso"

local options, lengths = {dtype = "f32", hashes = "32"}, {}
local at = 1
while arg[at] do
    local name = arg[at]:match("^%-%-(%a+)$")
    if name then
        options[name], at = arg[at + 1], at + 2
    else
        lengths[#lengths + 1], at = assert(tonumber(arg[at]), "a length must be a number"), at + 1
    end
end
if #lengths == 0 then
    lengths = {128, 512, 2048}
end
yoso.set_threads(tonumber(options.threads or 0))

local HEADS, SIZE, SECONDS = 12, 64, 0.5
local forms = {
    {"softmax", {form = "softmax"}},
    {"expectation", {form = "expectation"}},
    {"sample", {form = "sample"}},
    {"sample, spread", {form = "sample", fast_hash = "spread"}},
    {"sample, dense", {form = "sample", fast_hash = false}},
}

-- The median of as many runs as fit in SECONDS, at least three.
local function median(fn)
    local times, start = {}, yoso.time()
    fn()
    repeat
        local before = yoso.time()
        fn()
        times[#times + 1] = yoso.time() - before
    until #times >= 3 and yoso.time() - start > SECONDS
    table.sort(times)
    return times[math.floor((#times + 1) / 2)]
end

for _, n in ipairs(lengths) do
    local width = HEADS * SIZE
    local fused = yoso.randn({n, 3 * width}, {seed = 1}):to(options.dtype)
    local softmax
    for _, form in ipairs(forms) do
        local given = {heads = HEADS, offset = yoso.tensor({0, n}, "i64"), hash_code_len = 9,
            num_hash = tonumber(options.hashes)}
        for name, value in pairs(form[2]) do
            given[name] = value
        end
        local seconds = median(function()
            yoso.ops.attention(fused:narrow(2, 1, width), fused:narrow(2, width + 1, width),
                fused:narrow(2, 2 * width + 1, width), given):free()
        end)
        softmax = softmax or seconds
        local rate = form[2].form ~= "sample" and ("%6.0f GFLOP/s"):format(4 * n * n * width / seconds / 1e9)
        print(("%6d tokens  %-15s %9.2f ms  %7.0f ns a token and head  %5.2fx softmax  %s"):format(n,
            form[1], 1e3 * seconds, 1e9 * seconds / (n * HEADS), softmax / seconds, rate or ""))
    end
end
