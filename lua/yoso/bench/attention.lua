-- The attention alone: one layer's query, key and value, every form, over lengths and hashes.
local yoso = require "yoso"
local clock = require "yoso.bench.clock"

local M = {summary = "one layer's attention alone, every form"}

M.columns = {
    {"form", "form"}, {"dtype", "dtype"}, {"length", "tokens"}, {"num_hash", "hashes"},
    {"median", "median s"}, {"min", "min s"}, {"max", "max s"}, {"nanoseconds", "ns a token a head"},
}

function M.configure(command)
    command:option("--lengths", "Tokens of the sequence, several with commas.", "512,4096,16384")
    command:option("--forms", "expectation, sample, softmax; several with commas.",
        "expectation,sample,softmax")
    command:option("--heads", "Number of heads.", "12"):convert(tonumber)
    command:option("--head-size", "Width of a head.", "64"):convert(tonumber)
    command:option("--num-hash", "Hashes of the sampled form.", "32"):convert(tonumber)
    command:option("--hash-code-len", "Bits of a hash code.", "9"):convert(tonumber)
    command:option("--dtype", "f32 or bf16.", "f32")
    command:option("--longest-quadratic", "No quadratic form beyond this length.", "16384")
        :convert(tonumber)
end

--- Calls each(row) for every measurement, in turn.
function M.run(args, each)
    local width = args.heads * args.head_size
    for form in args.forms:gmatch("[^,]+") do
        for length in args.lengths:gmatch("[^,]+") do
            length = tonumber(length)
            if form == "sample" or length <= args.longest_quadratic then
                local input = {}
                for i = 1, 3 do
                    input[i] = yoso.randn({length, width}, {seed = i}):to(args.dtype)
                end
                local offset = yoso.tensor({0, length}, "i64")
                local options = {heads = args.heads, offset = offset, form = form, seed = 1, layer = 1,
                    num_hash = args.num_hash, hash_code_len = args.hash_code_len, fast_hash = true}
                local row = yoso.no_grad(function()
                    return clock.measure(function()
                        yoso.ops.attention(input[1], input[2], input[3], options)
                    end, {repeats = args.repeats})
                end)
                row.form, row.dtype, row.length = form, args.dtype, length
                row.num_hash = form == "sample" and args.num_hash or nil
                row.nanoseconds = row.median * 1e9 / length / args.heads
                each(row)
            end
        end
    end
end

return M
