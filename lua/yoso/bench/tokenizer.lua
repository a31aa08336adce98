-- Tokenizers over a text, by line: megabytes a second with ids alone and with the full record, and
-- the time to load.
local file = require "yoso.io.file"
local yoso = require "yoso"
local clock = require "yoso.bench.clock"

local M = {summary = "a tokenizer over a text, by line"}

M.columns = {
    {"what", "what"}, {"median", "median s"}, {"min", "min s"}, {"max", "max s"},
    {"megabytes", "MB/s"},
}

function M.configure(command)
    command:option("--tokenizer", "Folder or file of the tokenizer (the shipped model's).")
    command:option("--text", "File of text, UTF-8, one document a line."):count(1)
    command:option("--limit", "Read at most so many megabytes.", "10"):convert(tonumber)
end

local function read(path, limit)
    local texts, bytes = {}, 0
    local lines, failure = file.lines(path)
    if not lines then
        return nil, failure
    end
    for line in lines do
        texts[#texts + 1], bytes = line, bytes + #line + 1
        if bytes >= limit * 1e6 then
            break
        end
    end
    return texts, bytes
end

--- Calls each(row) for every measurement, in turn.
function M.run(args, each)
    local tokenizers = require "yoso.tokenizer"
    local path = args.tokenizer or require("yoso.models").path("sentiment")
    local texts, bytes = read(args.text, args.limit)
    if not texts then
        return nil, bytes
    end
    local tokenizer, failure = tokenizers.load(path)
    if not tokenizer then
        return nil, failure
    end
    local threads = yoso.threads()
    local function measure(what, work, megabytes)
        local row = clock.measure(work, {repeats = args.repeats})
        row.what, row.megabytes = what, megabytes and megabytes / row.median
        each(row)
    end
    measure("load", function() tokenizers.load(path) end)
    yoso.set_threads(1)
    measure("ids, one text a call", function()
        for i = 1, #texts do
            tokenizer:encode_ids(texts[i])
        end
    end, bytes / 1e6)
    measure("full record, one text a call", function()
        for i = 1, #texts do
            tokenizer:encode(texts[i])
        end
    end, bytes / 1e6)
    for count = 1, math.min(threads, 2) do
        yoso.set_threads(count)
        measure(("ids, batch, %d thread%s"):format(count, count > 1 and "s" or ""), function()
            tokenizer:encode_batch_ids(texts)
        end, bytes / 1e6)
    end
    yoso.set_threads(threads)
    return true
end

return M
