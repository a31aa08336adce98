-- Tokenizers over a text, by line: megabytes a second with ids alone and with the full record, and
-- the time to load.
local arguments = require "yoso.arguments"
local c = require "yoso.c"
local clock = require "yoso.bench.clock"
local file = require "yoso.io.file"
local models = require "yoso.models"
local options = require "yoso.tokenizer.options"
local texts_of = require "yoso.tokenizer.texts"
local yoso = require "yoso"

local lib = c.lib
local M = {summary = "a tokenizer over a text, by line"}

M.columns = {
    {"what", "what"}, {"median", "median s"}, {"min", "min s"}, {"max", "max s"},
    {"megabytes", "MB/s"},
}

function M.configure(command)
    command:option("--tokenizer", "Folder or file of the tokenizer (the shipped model's).")
    command:option("--text", "File of text, UTF-8, one document a line."):count(1)
    command:option("--limit", "Read at most so many megabytes.", "10"):convert(arguments.whole(1))
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

-- A function that encodes all texts, which the caller keeps, in one call of the C library.
local function encoding(tokenizer, list, fields)
    local count = #list
    local pointers, lengths = texts_of.pointers(list, count, "bench", "text")
    local native = options.native(tokenizer, {fields = fields, overflow = false}, "encode")
    local slot = c.new("yoso_encoding *[1]")
    return function()
        c.check(lib.yoso_encode(slot, tokenizer.handle, native, count, pointers, lengths, nil, nil))
        lib.yoso_encoding_free(slot[0])
    end
end

--- Calls each(row) for every measurement, in turn.
function M.run(args, each)
    local path = args.tokenizer or models.path("sentiment")
    local texts, bytes = read(args.text, args.limit)
    if not texts then
        return nil, bytes
    end
    local tokenizer, failure = yoso.tokenizer(path)
    if not tokenizer then
        return nil, failure
    end
    local function measure(what, work, megabytes)
        local row = clock.measure(work, {repeats = args.repeats})
        row.what, row.megabytes = what, megabytes and megabytes / row.median
        each(row)
    end
    measure("load", function() assert(yoso.tokenizer(path)) end)
    local threads = yoso.threads()
    for _, count in ipairs(threads > 1 and {1, threads} or {1}) do
        yoso.set_threads(count)
        for _, fields in ipairs{"ids", "all"} do
            measure(("%s, %d thread%s"):format(fields == "ids" and "ids" or "full record", count,
                count > 1 and "s" or ""), encoding(tokenizer, texts, fields), bytes / 1e6)
        end
    end
    yoso.set_threads(threads)
    measure("full record in Lua, one text a call", function()
        for i = 1, #texts do
            tokenizer:encode(texts[i])
        end
    end, bytes / 1e6)
    return true
end

return M
