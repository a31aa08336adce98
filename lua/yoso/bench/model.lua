-- A whole encoder with random weights, base-sized unless told otherwise: seconds a pass and the
-- most memory resident, over lengths, forms and dtypes.
local arguments = require "yoso.arguments"
local c = require "yoso.c"
local yoso = require "yoso"
local clock = require "yoso.bench.clock"
local device = require "yoso.bench.device"

local M = {summary = "a whole encoder with random weights"}

M.columns = {
    {"form", "form"}, {"dtype", "dtype"}, {"length", "tokens"}, {"num_hash", "hashes"},
    {"median", "median s"}, {"min", "min s"}, {"max", "max s"},
    {"tokens_a_second", "tokens/s"}, {"peak_mib", "peak MiB"},
}

--- Options of what is measured, for every room that measures a whole encoder.
function M.configure_encoder(command, form)
    command:option("--form", "expectation, sample or softmax.", form)
        :choices(arguments.forms)
    command:option("--dtype", "f32, bf16 or int8.", "f32"):choices{"f32", "bf16", "int8"}
    command:option("--num-hash", "Hashes of the sampled form.", "32"):convert(arguments.whole(1))
    command:option("--layers", "Layers.", "12"):convert(arguments.whole(1))
    command:option("--hidden", "Width.", "768"):convert(arguments.whole(1))
    command:option("--heads", "Heads.", "12"):convert(arguments.whole(1))
    command:option("--intermediate", "Width of the feed-forward part.", "3072"):convert(arguments.whole(1))
    device.configure(command)
    command:flag("--graphs", "Replay captured passes (cuda).")
    command:flag("--on-request",
        "Run one timed pass for each line on standard input (to take turns with a peer).")
end

function M.configure(command)
    command:option("--lengths", "Tokens of the sequence, several with commas.", "512,4096")
        :convert(arguments.list(arguments.whole(1)))
    M.configure_encoder(command, "sample")
end

--- A fresh encoder for the options, able to take `longest` tokens.
function M.encoder(args, longest)
    local model = yoso.YosoModel(yoso.YosoConfig{
        hidden_size = args.hidden, num_hidden_layers = args.layers,
        num_attention_heads = args.heads, intermediate_size = args.intermediate,
        max_position_embeddings = longest + 2,
    })
    model:eval():set_attention{attention = args.form, num_hash = args.num_hash, seed = 1}
    model:to(args.dtype)
    model:to(args.device)
    c.lib.yoso_memory_trim() -- what making it took
    return model:use_graphs(args.graphs == true)
end

--- A function that runs one pass over `length` random tokens.
function M.pass(model, length)
    local ids = yoso.randint(5, 50000, {1, length}, {seed = length})
    return function()
        return yoso.no_grad(function() return model{input_ids = ids} end)
    end
end

--- Says "ready", then runs one pass for each line that comes and answers with its seconds and the
-- most MiB ever resident.
function M.on_request(pass, name)
    for _ = 1, name == "cpu" and 1 or 3 do -- the second pass captures a graph, the third replays it
        clock.once(pass)
    end
    io.write("ready\n")
    io.flush()
    for _ in io.lines() do
        local seconds = clock.time_of(pass, 1, name)
        io.write(("%.6f %d\n"):format(seconds, device.peak(name) / 2 ^ 20))
        io.flush()
    end
    return true
end

--- Calls each(row) for every length, in turn.
function M.run(args, each)
    local lengths = args.lengths
    local model = M.encoder(args, math.max(unpack(lengths)))
    if args.on_request then
        return M.on_request(M.pass(model, lengths[1]), args.device)
    end
    for _, length in ipairs(lengths) do
        device.reset_peak(args.device)
        local row = clock.measure(M.pass(model, length),
            {repeats = args.repeats, device = args.device})
        row.form, row.dtype, row.length = args.form, args.dtype, length
        row.num_hash = args.form == "sample" and args.num_hash or nil
        row.tokens_a_second = math.floor(length / row.median)
        row.peak_mib = math.floor(device.peak(args.device) / 2 ^ 20)
        each(row)
    end
end

return M
