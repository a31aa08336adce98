-- Speed of tokenizers: loading, ids alone, full records, one thread and two.
-- usage: luajit scripts/bench/tokenizer.lua TEXT_FILE TOKENIZER...
-- The text is encoded line by line in one call; the quickest of five rounds counts. For one
-- thread processor time is told, which other work on the machine disturbs least.
local c = require "yoso.c"
local options = require "yoso.tokenizer.options"
local yoso = require "yoso"

local lib = c.lib
local rounds = 5

local function read_lines(path)
    local lines, bytes = {}, 0
    for line in assert(io.open(path)):lines() do
        lines[#lines + 1] = line
        bytes = bytes + #line + 1
    end
    return lines, bytes
end

-- Megabytes a second of encoding all lines.
local function speed(tok, texts, lengths, n, bytes, fields, threads)
    local clock = threads == 1 and os.clock or yoso.time
    local slot, best = c.new("yoso_encoding *[1]"), math.huge
    local native = options.native(tok, {fields = fields, overflow = false}, "encode")
    yoso.set_threads(threads)
    for _ = 1, rounds do
        local start = clock()
        c.check(lib.yoso_encode(slot, tok.handle, native, n, texts, lengths, nil, nil))
        best = math.min(best, clock() - start)
        lib.yoso_encoding_free(slot[0])
    end
    return bytes / 1e6 / best
end

local function main(path, ...)
    if not path or select("#", ...) == 0 then
        io.stderr:write("usage: luajit scripts/bench/tokenizer.lua TEXT_FILE TOKENIZER...\n")
        os.exit(2)
    end
    local lines, bytes = read_lines(path)
    local n = #lines
    local texts, lengths = c.array("const char *[?]", n + 1), c.array("int64_t[?]", n + 1)
    for i = 1, n do
        texts[i - 1], lengths[i - 1] = lines[i], #lines[i]
    end
    print(("%d lines, %.1f MB"):format(n, bytes / 1e6))
    print("tokenizer                 load ms   ids MB/s  full MB/s  ids, 2 threads")
    for _, folder in ipairs{...} do
        local load, tok = math.huge, nil
        for _ = 1, rounds do
            local start = os.clock()
            tok = assert(yoso.tokenizer(folder))
            load = math.min(load, os.clock() - start)
        end
        print(("%-24s %8.1f %10.1f %10.1f %15.1f"):format(folder:match("[^/]+$"), load * 1e3,
            speed(tok, texts, lengths, n, bytes, "ids", 1),
            speed(tok, texts, lengths, n, bytes, "all", 1),
            speed(tok, texts, lengths, n, bytes, "ids", 2)))
    end
end

main(...)
