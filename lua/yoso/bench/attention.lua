-- The attention alone: one layer's query, key and value, every form, over lengths and hashes, with
-- its gradient if wanted; and for the sampled form on the CPU where the time goes.
local arguments = require "yoso.arguments"
local c = require "yoso.c"
local clock = require "yoso.bench.clock"
local device = require "yoso.bench.device"
local tensor = require "yoso.tensor"
local yoso = require "yoso"

local lib = c.lib
local parts_slot = c.typeof("double[?]")

local M = {summary = "one layer's attention alone, every form"}

M.columns = {
    {"form", "form"}, {"dtype", "dtype"}, {"length", "tokens"}, {"num_hash", "hashes"},
    {"pass", "pass"}, {"median", "median s"}, {"min", "min s"}, {"max", "max s"},
    {"nanoseconds", "ns a token a head"}, {"peak_mib", "peak MiB"},
    {"hash", "hash ns"}, {"hash_share", "of the time"}, {"add", "add ns a hash"}, {"add_ratio", "x walk"},
    {"read", "read ns a hash"}, {"read_ratio", "x walk"},
}

function M.configure(command)
    command:option("--lengths", "Tokens of the sequence, several with commas.", "512,4096,16384")
        :convert(arguments.list(arguments.whole(1)))
    command:option("--forms", "expectation, sample, softmax, several with commas.",
        "expectation,sample,softmax"):convert(arguments.list(arguments.one_of(arguments.forms)))
    command:option("--heads", "Number of heads.", "12"):convert(arguments.whole(1))
    command:option("--head-size", "Width of a head.", "64"):convert(arguments.whole(1))
    command:option("--num-hash", "Hashes of the sampled form, several with commas.", "32")
        :convert(arguments.list(arguments.whole(1)))
    command:option("--hash-code-len", "Bits of a hash code.", "9"):convert(arguments.whole(1))
    command:option("--fast-hash", "How the sampled form hashes.", "true"):choices{"true", "spread", "false"}
    command:option("--dtype", "f32, bf16 or f16.", "f32"):choices{"f32", "bf16", "f16"}
    command:option("--batch", "Sequences of that length.", "1"):convert(arguments.whole(1))
    command:flag("--backward", "Time the gradient too, in a pass of both.")
    device.configure(command)
    command:option("--longest-quadratic", "No quadratic form beyond this length.", "16384")
        :convert(arguments.whole(0))
end

-- Queries, keys and values of `rows` tokens: views of one tensor, as a model's product of all three
-- gives them, or leaves of their own where their gradients are wanted.
local function inputs(args, rows)
    local width, input = args.heads * args.head_size, {}
    local joined = yoso.randn({rows, 3 * width}, {seed = 1}):to(args.dtype):to(args.device)
    for i = 1, 3 do
        input[i] = joined:narrow(2, (i - 1) * width + 1, width)
        if args.backward then
            input[i] = input[i]:contiguous():detach():requires_grad(true)
        end
    end
    return input
end

local function options_of(args, form, length, num_hash)
    local offsets = {}
    for i = 0, args.batch do
        offsets[i + 1] = i * length
    end
    local fast = ({["true"] = true, spread = "spread", ["false"] = false})[args.fast_hash]
    return {heads = args.heads, offset = tensor.tensor(offsets, "i64"), form = form, seed = 1,
        layer = 1, num_hash = num_hash, hash_code_len = args.hash_code_len, fast_hash = fast}
end

-- A function that runs one pass, of the gradient too if wanted.
local function pass_of(args, input, options)
    local function forward()
        return yoso.ops.attention(input[1], input[2], input[3], options)
    end
    if not args.backward then
        return function() yoso.no_grad(forward) end
    end
    local grad = yoso.randn(input[1]:shape(), {seed = 4}):to(args.dtype):to(args.device)
    return function()
        forward():backward(grad)
        for i = 1, 3 do
            input[i].grad:free() -- else it waits for the collector, beside the next pass's
            input[i].grad = nil
        end
    end
end

-- The sampled form's parts in one thread: nanoseconds, the hash's share of a token's time, and the
-- speed of adding and reading against plain walks over the same bytes.
local function add_parts(row, input, options, threads)
    local parts = c.array(parts_slot, lib.YOSO_PARTS)
    c.check(lib.yoso_attention_parts(parts, input[1].handle, input[2].handle, input[3].handle,
        options.offset.handle, yoso.ops.attention_options(options, "bench")))
    row.hash = parts[lib.YOSO_PART_HASH]
    row.hash_share = row.hash / (row.nanoseconds * threads)
    row.add, row.read = parts[lib.YOSO_PART_ADD], parts[lib.YOSO_PART_READ]
    row.add_ratio = parts[lib.YOSO_PART_WALK_ADD] / row.add
    row.read_ratio = parts[lib.YOSO_PART_WALK_READ] / row.read
end

-- Times passes; peak_mib is what one has alive at most beside its inputs, the kernels' own room included.
local function time(args, pass)
    collectgarbage()
    collectgarbage()
    local before = yoso.memory().live
    yoso.reset_peak()
    local row = clock.measure(pass, {repeats = args.repeats, device = args.device})
    row.peak_mib = args.device == "cpu" and (yoso.memory().peak - before) / 2 ^ 20 or nil
    return row
end

local function measure(args, form, length, num_hash)
    local input = inputs(args, length * args.batch)
    local options = options_of(args, form, length, num_hash)
    local row = time(args, pass_of(args, input, options))
    row.form, row.dtype, row.length = form, args.dtype, length
    row.pass = args.backward and "both" or "forward"
    row.num_hash = form == "sample" and num_hash or nil
    row.nanoseconds = row.median * 1e9 / length / args.batch / args.heads
    if form == "sample" and args.device == "cpu" and not args.backward then
        add_parts(row, input, options, math.min(yoso.threads(), args.heads * args.batch))
    end
    return row
end

--- Calls each(row) for every measurement, in turn.
function M.run(args, each)
    for _, form in ipairs(args.forms) do
        for _, length in ipairs(args.lengths) do
            for _, num_hash in ipairs(form == "sample" and args.num_hash or {1}) do
                if form == "sample" or length <= args.longest_quadratic then
                    each(measure(args, form, length, num_hash))
                end
            end
        end
    end
end

return M
