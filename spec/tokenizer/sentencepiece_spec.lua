-- What SentencePiece itself says of its .model files: ids, pieces, places, decoded text.
local golden = require "spec.tokenizer.golden"
local shared = require "spec.support.shared"
local yoso = require "yoso"

local function shown(ids, pieces, places)
    local out = {}
    for i, id in ipairs(ids) do
        out[i] = ("%d %s %d-%d"):format(id, pieces[i], places[i][1], places[i][2])
    end
    return table.concat(out, ", ")
end

describe("SentencePiece's golden cases of", function()
    for _, folder in ipairs{"albert-de-30k", "unigram-bytefallback-mini"} do
        shared.golden(it, pending, folder, function()
            local tok = assert(yoso.tokenizer(shared.path("tokenizers/" .. folder .. "/spiece.model")))
            local wrong, count = {}, 0
            for row in golden.rows(folder .. "/golden_sentencepiece.jsonl") do
                count = count + 1
                local e = assert(tok:encode(row.text))
                local got = shown(e.ids, e.tokens, e.offsets)
                local want = shown(row.ids, row.pieces, row.begin_end)
                if got ~= want and #wrong < 10 then
                    wrong[#wrong + 1] = ("%q:\n  %s\n  %s"):format(row.text, got, want)
                end
                local text = tok:decode(row.ids)
                if text ~= row.decoded and #wrong < 10 then
                    wrong[#wrong + 1] = ("decoded %q, not %q"):format(text, row.decoded)
                end
            end
            assert.are.equal("", table.concat(wrong, "\n"))
            assert.is_true(count > 150)
        end)
    end
end)
