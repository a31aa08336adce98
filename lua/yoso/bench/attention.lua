-- The attention alone: one layer's query, key and value, every form, over lengths and hashes, with
-- its gradient if wanted.
local yoso = require "yoso"
local clock = require "yoso.bench.clock"
local device = require "yoso.bench.device"

local M = {summary = "one layer's attention alone, every form"}

M.columns = {
    {"form", "form"}, {"dtype", "dtype"}, {"length", "tokens"}, {"num_hash", "hashes"},
    {"pass", "pass"}, {"median", "median s"}, {"min", "min s"}, {"max", "max s"}, {"nanoseconds", "ns a token a head"},
}

function M.configure(command)
    command:option("--lengths", "Tokens of the sequence, several with commas.", "512,4096,16384")
    command:option("--forms", "expectation, sample, softmax; several with commas.",
        "expectation,sample,softmax")
    command:option("--heads", "Number of heads.", "12"):convert(tonumber)
    command:option("--head-size", "Width of a head.", "64"):convert(tonumber)
    command:option("--num-hash", "Hashes of the sampled form.", "32"):convert(tonumber)
    command:option("--hash-code-len", "Bits of a hash code.", "9"):convert(tonumber)
    command:option("--dtype", "f32, bf16 or f16.", "f32")
    command:option("--batch", "Sequences of that length.", "1"):convert(tonumber)
    command:flag("--backward", "Time the gradient too, in a pass of both.")
    device.configure(command)
    command:option("--longest-quadratic", "No quadratic form beyond this length.", "16384")
        :convert(tonumber)
end

-- A function that runs one pass of a form over sequences of one length.
local function pass_of(args, form, length)
    local width, rows, input, offsets = args.heads * args.head_size, length * args.batch, {}, {}
    for i = 1, 3 do
        input[i] = yoso.randn({rows, width}, {seed = i}):to(args.dtype):to(args.device)
            :requires_grad(args.backward or false)
    end
    for i = 0, args.batch do
        offsets[i + 1] = i * length
    end
    local options = {heads = args.heads, offset = yoso.tensor(offsets, "i64"), form = form, seed = 1,
        layer = 1, num_hash = args.num_hash, hash_code_len = args.hash_code_len, fast_hash = true}
    local function forward()
        return yoso.ops.attention(input[1], input[2], input[3], options)
    end
    if not args.backward then
        return function() yoso.no_grad(forward) end
    end
    local grad = yoso.randn({rows, width}, {seed = 4}):to(args.dtype):to(args.device)
    return function()
        forward():backward(grad)
        for i = 1, 3 do
            input[i].grad = nil
        end
    end
end

--- Calls each(row) for every measurement, in turn; nil and a message without the device.
function M.run(args, each)
    local ok, message = device.check(args.device)
    if not ok then
        return nil, message
    end
    for form in args.forms:gmatch("[^,]+") do
        for length in args.lengths:gmatch("[^,]+") do
            length = tonumber(length)
            if form == "sample" or length <= args.longest_quadratic then
                local row = clock.measure(pass_of(args, form, length),
                    {repeats = args.repeats, device = args.device})
                row.form, row.dtype, row.length = form, args.dtype, length
                row.pass = args.backward and "both" or "forward"
                row.num_hash = form == "sample" and args.num_hash or nil
                row.nanoseconds = row.median * 1e9 / length / args.batch / args.heads
                each(row)
            end
        end
    end
    return true
end

return M
