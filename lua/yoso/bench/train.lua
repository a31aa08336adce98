-- Whole training steps: forward, backward, clipping and AdamW. Two cases: a base-sized model with
-- masked-LM head over one sequence (`mlm`), and the recipe of the small sentiment model with its
-- batches, tokenizer and log, as `yoso train` runs it (`sst2`).
local arguments = require "yoso.arguments"
local yoso = require "yoso"
local clock = require "yoso.bench.clock"
local device = require "yoso.bench.device"

local M = {summary = "training steps of a base-sized model, or of the small sentiment recipe"}

M.columns = {
    {"case", "case"}, {"form", "form"}, {"dtype", "dtype"}, {"length", "tokens"},
    {"median", "median s"}, {"min", "min s"}, {"max", "max s"}, {"peak_mib", "peak MiB"},
}

function M.configure(command)
    command:option("--case", "mlm or sst2.", "mlm"):choices{"mlm", "sst2"}
    command:option("--length", "Tokens of the sequence (mlm).", "512"):convert(arguments.whole(1))
    command:option("--form", "expectation, sample or softmax.", "expectation")
        :choices(arguments.forms)
    command:option("--dtype", "f32 or bf16.", "f32"):choices{"f32", "bf16"}
    command:option("--layers", "Layers (mlm).", "12"):convert(arguments.whole(1))
    command:option("--steps", "Steps that are one measurement (sst2).", "50"):convert(arguments.whole(1))
    command:option("--data", "Folder of SST-2's files (sst2).")
    command:option("--tokenizer", "Tokenizer (sst2).")
    device.configure(command)
    command:flag("--checkpointing", "Keep the layers' inputs only, and compute them twice.")
    command:flag("--exact", "Multiply f32 in full.")
    command:flag("--on-request",
        "Run one measurement for each line on standard input (to take turns with a peer).")
end

local function base_model(args)
    yoso.manual_seed(1)
    local model = yoso.YosoForMaskedLM(yoso.YosoConfig{num_hidden_layers = args.layers,
        max_position_embeddings = math.max(args.length + 2, 4098)})
    model:train():set_attention{attention = args.form, num_hash = 32, seed = 1}
    model:set_training{checkpointing = args.checkpointing or false, exact = args.exact or false}
    return (args.dtype == "f32" and model or model:to(args.dtype)):to(args.device)
end

-- Ids, and as labels 15 in 100 of them.
local function sequence(length)
    local ids = yoso.randint(5, 50000, {1, length}, {seed = length})
    local draws, labels = yoso.rand({length}, {seed = 1}):totable(), ids:totable()[1]
    for i, draw in ipairs(draws) do
        labels[i] = draw < 0.15 and labels[i] or -100
    end
    return {input_ids = ids, labels = yoso.tensor({labels}, "i64")}
end

-- A function that makes one step.
local function mlm(args)
    local model, batch = base_model(args), sequence(args.length)
    local parameters = model:parameters()
    local optimizer = yoso.optim.AdamW(yoso.optim.groups(model, 0.01), {lr = 1e-4})
    return function()
        yoso.scope(function() model(batch).loss:backward() end)
        yoso.optim.clip_grad_norm(parameters, 1)
        optimizer:step()
        optimizer:zero_grad()
    end
end

-- Trains by the recipe; `measured` gets the seconds of every `steps` steps, until it gives false.
local function sst2(args, measured)
    local out, start = os.tmpname(), nil
    os.remove(out)
    local result, message = yoso.train{task = "sst2", data = args.data, tokenizer = args.tokenizer,
        out = out, epochs = 4, batch_size = 64, lr = 6e-4, weight_decay = 0.05, dropout = 0.2,
        word_dropout = 0.1, max_length = 128, seed = 3, evaluate = false, quiet = true,
        dtype = args.dtype, device = args.device, exact = args.exact, on_step = function(step)
            if step % args.steps == 0 then
                if start and measured(yoso.time() - start) == false then
                    return "stop"
                end
                start = yoso.time()
            end
        end}
    os.execute(("rm -rf '%s'"):format(out))
    return result, message
end

-- One line for each line that comes; false at the end of input.
local function answer(args, seconds)
    io.write(("%.6f %d\n"):format(seconds, device.peak(args.device)))
    io.flush()
    return io.read("*l") ~= nil
end

local function on_request(args)
    if args.case == "sst2" then
        local first = true
        return sst2(args, function(seconds)
            if first then
                first = false
                io.write("ready\n")
                io.flush()
                return io.read("*l") ~= nil
            end
            return answer(args, seconds / args.steps)
        end)
    end
    local step = mlm(args)
    step()
    io.write("ready\n")
    io.flush()
    local more = io.read("*l") ~= nil
    while more do
        more = answer(args, clock.time_of(step, 1, args.device))
    end
end

local function measure_sst2(args)
    local times = {}
    local result, message = sst2(args, function(seconds)
        times[#times + 1] = seconds / args.steps
        return #times < args.repeats
    end)
    if not result then
        return nil, message
    end
    table.sort(times)
    return {min = times[1], median = clock.median(times), max = times[#times]}
end

--- Calls each(row); nil and a message when the data cannot be read.
function M.run(args, each)
    if args.on_request then
        return on_request(args)
    end
    local row, message
    if args.case == "sst2" then
        row, message = measure_sst2(args)
        if not row then
            return nil, message
        end
    else
        local step = mlm(args)
        device.reset_peak(args.device)
        row = clock.measure(step, {repeats = args.repeats, device = args.device})
        row.form, row.length = args.form, args.length
    end
    row.case, row.dtype = args.case, args.dtype
    row.peak_mib = math.floor(device.peak(args.device) / 2 ^ 20)
    each(row)
end

return M
