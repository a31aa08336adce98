-- yoso tokenize: how a text falls into tokens.
local c = require "yoso.c"
local support = require "yoso.cli.support"

local M = {summary = "show how texts fall into tokens"}

M.examples = {'yoso tokenize "unbelievable!"', "yoso tokenize --model DIR --ids < lines.txt"}

function M.configure(parser)
    parser:option("--model", "Folder or file of the tokenizer, or the name of a shipped model.")
        :argname("DIR")
    parser:flag("--json", "Print one JSON object for each input, one a line.")
    parser:flag("--ids", "Print the ids alone, those of one input on one line.")
    parser:flag("--tokens", "Print the tokens alone, those of one input on one line.")
    parser:flag("--no-special", "Add no special tokens.")
    parser:option("--unit", "Unit of the offsets (default byte)."):choices{"byte", "codepoint"}
    parser:argument("text", "The texts; without any, the lines of standard input."):args("*")
end

-- The text with the tokens in it on coloured grounds, neighbours in different ones.
local grounds = {"\27[48;5;24m", "\27[48;5;58m", "\27[48;5;53m", "\27[48;5;22m"}

local function coloured(text, e)
    local parts, done, count = {}, 0, 0
    for i, place in ipairs(e.offsets) do
        local start, stop = math.max(place[1], done), place[2]
        if e.special_tokens_mask[i] == 0 and stop > start then
            count = count + 1
            parts[#parts + 1] = text:sub(done + 1, start)
            parts[#parts + 1] = grounds[count % #grounds + 1] .. text:sub(start + 1, stop) .. "\27[0m"
            done = stop
        end
    end
    parts[#parts + 1] = text:sub(done + 1)
    return table.concat(parts)
end

local function show(text, e, args, in_bytes)
    if args.ids then
        print(table.concat(e.ids, " "))
    elseif args.tokens then
        print(table.concat(e.tokens, " "))
    else
        if in_bytes then
            print(coloured(text, in_bytes))
        end
        for i, id in ipairs(e.ids) do
            print(("%d\t%s\t%d\t%d"):format(id, e.tokens[i], e.offsets[i][1], e.offsets[i][2]))
        end
        print()
    end
end

function M.run(args)
    local folder, problem = support.model_folder(args)
    if not folder then
        return support.fail(problem)
    end
    local tok, message = require("yoso.tokenizer").load(folder)
    if not tok then
        return support.fail(message)
    end
    local opts = {add_special_tokens = not args.no_special, offset_unit = args.unit or "byte"}
    local colour = not args.json and c.lib.yoso_is_terminal(1) ~= 0
    for text in support.inputs(args) do
        local e
        e, message = tok:encode(text, opts)
        if not e then
            return support.fail(message)
        end
        if e.repairs > 0 then
            support.warn(("tokenize: %d stretches of bytes are not UTF-8 and count as U+FFFD")
                :format(e.repairs))
        end
        if args.json then
            support.emit({text = text, ids = e.ids, tokens = e.tokens, offsets = e.offsets,
                type_ids = e.type_ids, special_tokens_mask = e.special_tokens_mask,
                repairs = e.repairs}, true)
        else
            local in_bytes = colour and tok:encode(text,
                {add_special_tokens = opts.add_special_tokens})
            show(text, e, args, in_bytes)
        end
    end
    return support.DONE
end

return M
