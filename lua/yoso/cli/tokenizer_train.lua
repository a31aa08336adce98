-- yoso tokenizer-train: a tokenizer.json from texts.
local arguments = require "yoso.arguments"
local support = require "yoso.cli.support"

local M = {summary = "learn a tokenizer from texts"}

M.examples = {"yoso tokenizer-train --kind bpe --vocab-size 8000 --out tokenizer.json corpus.txt"}

function M.configure(parser)
    parser:option("--kind", "What to learn (default bpe, on bytes).")
        :choices{"bpe", "wordpiece", "unigram"}
    parser:option("--vocab-size", "Tokens in all (default 30000)."):convert(arguments.whole(1)):argname("N")
    parser:option("--min-count", "Pairs seen less often are not merged (default 2).")
        :convert(arguments.whole(1)):argname("N")
    parser:flag("--lowercase", "Lower the case first (wordpiece and unigram).")
    parser:option("--out", "The file to write."):argname("FILE"):count(1)
    parser:argument("file", "Files of text, a text a line (also FILE.gz); without any, standard input.")
        :args("*")
end

-- Iterates the lines of all files. What goes wrong is left in failure.message.
local function lines_of(files, failure)
    if #files == 0 then
        return io.lines()
    end
    local at, lines = 0, nil
    return function()
        while true do
            local line = lines and lines()
            if line then
                return line
            end
            at = at + 1
            if not files[at] then
                return nil
            end
            lines, failure.message = require("yoso.io.file").lines(files[at])
            if not lines then
                return nil
            end
        end
    end
end

function M.run(args)
    local kind, failure = args.kind or "bpe", {}
    if kind == "bpe" and args.lowercase then
        return support.usage("tokenizer-train: byte-level BPE keeps the case")
    end
    for _, name in ipairs{"vocab_size", "min_count"} do
        local value = args[name]
        if value and (value ~= math.floor(value) or value < 1 or value > 2 ^ 31 - 1) then
            return support.usage(("tokenizer-train: %s must be a whole number above 0")
                :format((name:gsub("_", "-"))))
        end
    end
    local tok, message = require("yoso.tokenizer.train").train(kind, lines_of(args.file, failure),
        {vocab_size = args.vocab_size, min_count = args.min_count, lowercase = args.lowercase})
    if failure.message or not tok then
        return support.fail(failure.message or message)
    end
    local ok
    ok, message = tok:save(args.out)
    if not ok then
        return support.fail(message)
    end
    print(("%s: %d tokens"):format(args.out, tok:vocab_size()))
    return support.DONE
end

return M
