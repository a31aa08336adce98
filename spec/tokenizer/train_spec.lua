-- Trainers: merges on a text small enough to follow by hand, determinism, and what the trained
-- tokenizers do.
local shared = require "spec.support.shared"
local train = require("yoso.tokenizer.train").train
local yoso = require "yoso"

local function each(list)
    local at = 0
    return function()
        at = at + 1
        return list[at]
    end
end

local function saved(tok)
    local path = os.tmpname()
    assert(tok:save(path))
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    os.remove(path)
    return text
end

local texts = {"low low low low low", "lower lower", "newest newest newest newest newest newest",
    "widest widest widest"}

describe("training", function()
    it("learns the most frequent pair first, of equal ones that of the smallest ids", function()
        -- Pairs at first: es and st 9, we 8, lo and ow 7 ...; "es" has the smaller ids of the two.
        local tok = assert(train("bpe", each(texts), {vocab_size = 265, min_count = 2}))
        assert.are.equal(265, tok:vocab_size())
        local merges = saved(tok):match('"merges":(%b[])')
        assert.are.equal('[["e","s"],["es","t"],["l","o"],["lo","w"]]', merges)
    end)

    it("does not merge pairs below min_count", function()
        local tok = assert(train("bpe", each{"ab ab cd"}, {vocab_size = 1000, min_count = 2}))
        assert.are.equal('[["a","b"]]', saved(tok):match('"merges":(%b[])'))
    end)

    it("gives one result whatever the order of the texts", function()
        for _, kind in ipairs{"bpe", "wordpiece", "unigram"} do
            local a = assert(train(kind, each(texts), {vocab_size = 300}))
            local b = assert(train(kind, each{texts[4], texts[2], texts[1], texts[3]},
                {vocab_size = 300}))
            assert.are.equal(saved(a), saved(b))
        end
    end)

    it("writes tokenizers that read their own texts back", function()
        for _, kind in ipairs{"bpe", "wordpiece", "unigram"} do
            local tok = assert(train(kind, each(texts), {vocab_size = 300}))
            local again = assert(require("yoso.tokenizer").from_json(saved(tok)))
            local e = assert(again:encode("newest low widest"))
            assert.are.same(tok:encode("newest low widest").ids, e.ids)
            assert.are.equal("newest low widest", again:decode(e.ids, {skip_special_tokens = true}))
            assert.is_true(#e.ids < 3 + #"newest low widest")
        end
    end)

    it("keeps a Unigram vocabulary within its size, with every character in it", function()
        local tok = assert(train("unigram", each(texts), {vocab_size = 20}))
        assert.is_true(tok:vocab_size() <= 20)
        local e = tok:encode("wide low", {add_special_tokens = false})
        for _, id in ipairs(e.ids) do
            assert.are_not.equal(tok.unk_id, id)
        end
    end)

    it("tells what is wrong with its arguments", function()
        assert.has_error(function() train("magic", each{}) end)
        assert.has_error(function() train("bpe", each{1}) end)
        assert.has_error(function() train("bpe", each{}, {vocab_size = 0}) end)
        assert.has_error(function() train("bpe", each{}, {lowercase = true}) end)
    end)
end)

describe("saving", function()
    shared.golden(it, pending, "keeps what a tokenizer does", function()
        for _, name in ipairs{"clip-style-mini", "llama2-style-mini", "wordlevel-mini",
            "unigram-bytefallback-mini", "bert-cased-mini", "gpt2",
            "unigram-bytefallback-mini/spiece.model"} do
            local tok = assert(yoso.tokenizer(shared.path("tokenizers/" .. name)))
            local again = assert(require("yoso.tokenizer").from_json(saved(tok)))
            local text = "Héllo <s> wörld, it's 2026 … [MASK] ﬁne"
            assert.are.same(tok:encode(text), again:encode(text))
            assert.are.equal(saved(tok), saved(again))
        end
    end)
end)
