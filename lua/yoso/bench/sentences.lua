-- Many short texts of different lengths: sentences a second of a whole encoder with random weights.
local arguments = require "yoso.arguments"
local clock = require "yoso.bench.clock"
local device = require "yoso.bench.device"
local model = require "yoso.bench.model"
local yoso = require "yoso"

local M = {summary = "sentences a second, of a file of token ids"}

M.columns = {
    {"form", "form"}, {"dtype", "dtype"}, {"sentences", "sentences"}, {"tokens", "tokens"},
    {"batch", "batch"}, {"median", "median s"}, {"min", "min s"}, {"max", "max s"},
    {"rate", "sentences/s"}, {"peak_mib", "peak MiB"},
}

function M.configure(command)
    command:option("--ids", "Token ids, those of one text on one line, as yoso tokenize --ids prints them.")
        :count(1)
    command:option("--batch", "Sentences a batch, those of like length together.", "128")
        :convert(arguments.whole(1))
    model.configure_encoder(command, "expectation")
end

local function read(path)
    local file, message = io.open(path)
    if not file then
        return nil, message
    end
    local texts, tokens = {}, 0
    for line in file:lines() do
        local ids = {}
        for id in line:gmatch("%d+") do
            ids[#ids + 1] = tonumber(id)
        end
        texts[#texts + 1] = #ids > 0 and ids or nil
        tokens = tokens + #ids
    end
    file:close()
    if #texts == 0 then
        return nil, path .. ": has no token ids"
    end
    table.sort(texts, function(a, b) return #a < #b end)
    return texts, tokens
end

-- Some texts as the model takes them: padded, with a mask.
local function batch_of(texts, first, count)
    local last = math.min(first + count - 1, #texts)
    local width, ids, mask = #texts[last], {}, {}
    for i = first, last do
        local row, kept = {}, {}
        for j = 1, width do
            row[j], kept[j] = texts[i][j] or 1, texts[i][j] and 1 or 0
        end
        ids[#ids + 1], mask[#mask + 1] = row, kept
    end
    return {input_ids = yoso.tensor(ids, "i64"), attention_mask = yoso.tensor(mask, "i64")}
end

--- Calls each(row) once; with --on-request see bench/model.lua.
function M.run(args, each)
    local texts, tokens = read(args.ids)
    if not texts then
        return nil, tokens
    end
    local encoder, batches = model.encoder(args, #texts[#texts]), {}
    for first = 1, #texts, args.batch do
        batches[#batches + 1] = batch_of(texts, first, args.batch)
    end
    local function pass()
        for _, batch in ipairs(batches) do
            yoso.scope(function()
                yoso.no_grad(function() encoder(batch) end)
            end)
        end
    end
    if args.on_request then
        return model.on_request(pass, args.device)
    end
    device.reset_peak(args.device)
    local row = clock.measure(pass, {repeats = args.repeats, device = args.device})
    row.form, row.dtype, row.batch = args.form, args.dtype, args.batch
    row.sentences, row.tokens, row.rate = #texts, tokens, #texts / row.median
    row.peak_mib = math.floor(device.peak(args.device) / 2 ^ 20)
    each(row)
    return true
end

return M
