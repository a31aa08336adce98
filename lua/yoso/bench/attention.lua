-- The attention alone: one layer's query, key and value, every form, over lengths and hashes; and
-- for the sampled form where the time goes.
local c = require "yoso.c"
local clock = require "yoso.bench.clock"
local tensor = require "yoso.tensor"
local yoso = require "yoso"

local lib = c.lib
local parts_slot = c.typeof("double[?]")

local M = {summary = "one layer's attention alone, every form"}

M.columns = {
    {"form", "form"}, {"dtype", "dtype"}, {"length", "tokens"}, {"num_hash", "hashes"},
    {"median", "median s"}, {"min", "min s"}, {"max", "max s"}, {"nanoseconds", "ns a token a head"},
    {"hash", "hash ns"}, {"hash_share", "of the time"}, {"add", "add ns a hash"}, {"add_ratio", "x walk"},
    {"read", "read ns a hash"}, {"read_ratio", "x walk"},
}

function M.configure(command)
    command:option("--lengths", "Tokens of the sequence, several with commas.", "512,4096,16384")
    command:option("--forms", "expectation, sample, softmax; several with commas.",
        "expectation,sample,softmax")
    command:option("--heads", "Number of heads.", "12"):convert(tonumber)
    command:option("--head-size", "Width of a head.", "64"):convert(tonumber)
    command:option("--num-hash", "Hashes of the sampled form, several with commas.", "32")
    command:option("--hash-code-len", "Bits of a hash code.", "9"):convert(tonumber)
    command:option("--fast-hash", "How the sampled form hashes.", "true"):choices{"true", "spread", "false"}
    command:option("--dtype", "f32 or bf16.", "f32")
    command:option("--longest-quadratic", "No quadratic form beyond this length.", "16384")
        :convert(tonumber)
end

-- The sampled form's parts in one thread: nanoseconds, the hash's share of a token's time, and the
-- speed of adding and reading against plain walks over the same bytes.
local function add_parts(row, input, options, threads)
    local parts = parts_slot(lib.YOSO_PARTS)
    c.check(lib.yoso_attention_parts(parts, input[1].handle, input[2].handle, input[3].handle,
        options.offset.handle, yoso.ops.attention_options(options, "bench")))
    row.hash = parts[lib.YOSO_PART_HASH]
    row.hash_share = row.hash / (row.nanoseconds * threads)
    row.add, row.read = parts[lib.YOSO_PART_ADD], parts[lib.YOSO_PART_READ]
    row.add_ratio = parts[lib.YOSO_PART_WALK_ADD] / row.add
    row.read_ratio = parts[lib.YOSO_PART_WALK_READ] / row.read
end

local function measure(args, form, length, num_hash)
    local width = args.heads * args.head_size
    -- Views of one tensor, as a model's product of all three gives them.
    local joined = yoso.randn({length, 3 * width}, {seed = 1}):to(args.dtype)
    local input = {}
    for i = 1, 3 do
        input[i] = joined:narrow(2, (i - 1) * width + 1, width)
    end
    local fast = ({["true"] = true, spread = "spread", ["false"] = false})[args.fast_hash]
    local options = {heads = args.heads, offset = tensor.tensor({0, length}, "i64"), form = form, seed = 1,
        layer = 1, num_hash = num_hash, hash_code_len = args.hash_code_len, fast_hash = fast}
    local row = clock.measure(function()
        yoso.ops.attention(input[1], input[2], input[3], options)
    end, {repeats = args.repeats})
    row.form, row.dtype, row.length = form, args.dtype, length
    row.num_hash = form == "sample" and num_hash or nil
    row.nanoseconds = row.median * 1e9 / length / args.heads
    if form == "sample" then
        add_parts(row, input, options, math.min(yoso.threads(), args.heads))
    end
    return row
end

--- Calls each(row) for every measurement, in turn.
function M.run(args, each)
    for form in args.forms:gmatch("[^,]+") do
        for length in args.lengths:gmatch("[^,]+") do
            length = tonumber(length)
            for num_hash in (form == "sample" and tostring(args.num_hash) or "0"):gmatch("[^,]+") do
                if form == "sample" or length <= args.longest_quadratic then
                    each(yoso.no_grad(function()
                        return measure(args, form, length, form == "sample" and tonumber(num_hash) or 32)
                    end))
                end
            end
        end
    end
end

return M
