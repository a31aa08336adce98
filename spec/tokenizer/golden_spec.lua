-- Every golden case of every tokenizer, in full: ids, tokens, offsets in both units, type ids,
-- masks, word and sequence ids, overflow windows, decoded text.
local golden = require "spec.tokenizer.golden"
local shared = require "spec.support.shared"
local yoso = require "yoso"

local folders = {"roberta-base", "gpt2", "bert-uncased", "albert-base-v2", "albert-de-30k",
    "pegasus-96k", "bert-cased-mini", "llama2-style-mini", "llama3-style-mini", "clip-style-mini",
    "wordlevel-mini", "unigram-bytefallback-mini"}

describe("golden cases of", function()
    for _, folder in ipairs(folders) do
        shared.golden(it, pending, folder, function()
            local path = shared.path("tokenizers/" .. folder)
            local tok = assert(yoso.tokenizer(path))
            local wrong, count = {}, 0
            for row in golden.rows(folder .. "/golden.jsonl") do
                count = count + 1
                local problem = golden.check(tok, row)
                if problem and #wrong < 10 then
                    wrong[#wrong + 1] = row.id .. " (" .. row.cat .. "): " .. problem
                end
            end
            assert.are.equal("", table.concat(wrong, "\n"))
            assert.is_true(count > 300)
        end)
    end
end)
