-- The tokenizer as a script meets it: loading, options, errors, batches, damaged text.
local yoso = require "yoso"
local from_json = require("yoso.tokenizer").from_json

local words = [[{"added_tokens":[{"id":3,"content":"<pad>","special":true,"normalized":false},
{"id":4,"content":"<s>","special":true,"normalized":false}],
"pre_tokenizer":{"type":"WhitespaceSplit"},"post_processor":{"type":"TemplateProcessing",
"single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
"pair":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
{"Sequence":{"id":"B","type_id":1}}],
"special_tokens":{"<s>":{"id":"<s>","ids":[4],"tokens":["<s>"]}}},
"model":{"type":"WordLevel","vocab":{"?":0,"a":1,"b":2,"<pad>":3,"<s>":4},"unk_token":"?"}}]]

local function problem_of(json)
    local tok, message = from_json(json)
    assert.is_nil(tok)
    assert.is_nil(message:find("\n"))
    return message
end

describe("a tokenizer", function()
    local tok = assert(from_json(words))

    it("encodes and decodes", function()
        local e = tok:encode("a  b c")
        assert.are.same({4, 1, 2, 0}, e.ids)
        assert.are.same({{0, 0}, {0, 1}, {3, 4}, {5, 6}}, e.offsets)
        assert.are.same({false, 0, 1, 2}, e.word_ids)
        assert.are.equal("<s> a b ?", tok:decode(e.ids))
        assert.are.equal("a b ?", tok:decode(e.ids, {skip_special_tokens = true}))
        assert.are.same({"a", "b"}, tok:decode_batch{{1}, {2}})
    end)

    it("knows its tokens", function()
        assert.are.equal(3, tok.pad_id)
        assert.are.equal(4, tok.bos_id)
        assert.is_nil(tok.mask_id)
        assert.are.equal("b", tok:id_to_token(2))
        assert.is_nil(tok:id_to_token(99))
        assert.is_nil(tok:token_to_id("zzz"))
        assert.are.equal(5, tok:vocab_size())
        assert.is_true(tok:is_special(4))
        assert.is_false(tok:is_special(1))
    end)

    it("takes words, pairs and windows", function()
        assert.are.same({false, 0, 0, 1}, tok:encode({"a b", "a"}).word_ids)
        assert.are.same({0, 0, 1}, tok:encode("a", {pair = "b"}).type_ids)
        local e = tok:encode("a b a b a", {max_length = 3, stride = 1})
        assert.are.same({4, 1, 2}, e.ids)
        assert.are.equal(4 - 1, #e.overflowing)
        assert.are.same({4, 2, 1}, e.overflowing[1].ids)
        assert.are.same({}, tok:encode("a b a", {max_length = 2, overflow = false}).overflowing)
    end)

    it("drops what truncation cuts off without looking at it all", function()
        local long = ("a b "):rep(1000)
        for _, max_length in ipairs{0, 1, 2, 7, 2001, 3000} do
            local whole = tok:encode(long, {max_length = max_length})
            local brief = tok:encode(long, {max_length = max_length, overflow = false})
            assert.are.same(whole.ids, brief.ids)
            assert.are.same(whole.offsets, brief.offsets)
        end
    end)

    it("makes batches of tensors", function()
        local batch = tok:encode_batch({"a b a", {"a", "b"}, "b"}, {padding = "longest"})
        assert.are.same({3, 4}, batch.input_ids:shape())
        assert.are.same({{4, 1, 2, 1}, {4, 1, 2, 3}, {4, 2, 3, 3}}, batch.input_ids:totable())
        assert.are.same({{1, 1, 1, 1}, {1, 1, 1, 0}, {1, 1, 0, 0}}, batch.attention_mask:totable())
        assert.are.same({{0, 0, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}}, batch.token_type_ids:totable())
        assert.are.same({4, 1, 2, 3}, batch.encodings[2].ids)
        local ids = tok:encode_batch({"a b", "b"}, {padding = "max_length", max_length = 5,
            pad_direction = "left", fields = "ids"})
        assert.are.same({{3, 3, 4, 1, 2}, {3, 3, 3, 4, 2}}, ids.input_ids:totable())
        assert.are.same({3, 3, 3, 4, 2}, ids.encodings[2].ids)
        assert.is_nil(tok:encode_batch({"a b", "b"}).input_ids)
        assert.has_error(function() tok:encode_batch({"a b", "b"}, {tensors = true}) end)
    end)

    it("moves all places after a character that BPE drops, as the library does", function()
        local joined = assert(from_json([[{"normalizer":{"type":"Sequence","normalizers":[
            {"type":"Prepend","prepend":"▁"},
            {"type":"Replace","pattern":{"String":" "},"content":"▁"}]},
            "model":{"type":"BPE","vocab":{"▁":0,"a":1,"b":2},"merges":[]}}]]))
        local e = joined:encode("\195\169a b", {offset_unit = "codepoint"})
        assert.are.same({"▁", "a", "▁", "b"}, e.tokens)
        assert.are.same({{0, 1}, {0, 1}, {0, 3}, {2, 3}}, e.offsets)
    end)

    it("gives windows the offsets that the whole text has, with bytes that are no UTF-8", function()
        local text = ("caf\195\169 \255\226\130 na\195\175ve, \240\159 b "):rep(9)
        for _, unit in ipairs{"byte", "codepoint"} do
            local whole = tok:encode(text, {offset_unit = unit, add_special_tokens = false})
            for _, direction in ipairs{"right", "left"} do
                local first = tok:encode(text, {offset_unit = unit, add_special_tokens = false,
                    max_length = 7, stride = 3, direction = direction})
                local windows = {first, unpack(first.overflowing)}
                assert.is_true(#windows > 5)
                for n, window in ipairs(windows) do
                    local skipped = direction == "right" and (n - 1) * 4
                        or math.max(0, #whole.ids - 7 - (n - 1) * 4)
                    for k, offset in ipairs(window.offsets) do
                        assert.are.same(whole.offsets[skipped + k], offset)
                    end
                end
            end
        end
    end)

    it("counts bytes that are no UTF-8 as U+FFFD, and places in the text given", function()
        local e = tok:encode("a \255\226\130 b")
        assert.are.same({4, 1, 0, 2}, e.ids)
        assert.are.same({{0, 0}, {0, 1}, {2, 5}, {6, 7}}, e.offsets)
        assert.are.equal(2, e.repairs)
        assert.are.equal(0, tok:encode("a").repairs)
    end)

    it("gives the same in many threads", function()
        local texts, before = {}, yoso.threads()
        for i = 1, 200 do
            texts[i] = ("a b "):rep(i % 7)
        end
        yoso.set_threads(1)
        local one = tok:encode_batch(texts, {padding = "longest"}).input_ids:totable()
        yoso.set_threads(4)
        local four = tok:encode_batch(texts, {padding = "longest"}).input_ids:totable()
        yoso.set_threads(before)
        assert.are.same(one, four)
    end)

    it("raises a caller's mistakes at the caller's line", function()
        local mistakes = {
            function() tok:encode(1) end,
            function() tok:encode("a", {pair = {}}) end,
            function() tok:encode({"a", 1}) end,
            function() tok:encode("a", {max_lenght = 1}) end,
            function() tok:encode("a", {max_length = 1.5}) end,
            function() tok:encode("a", {truncation = "both"}) end,
            function() tok:encode("a b a", {max_length = 2, truncation = "only_second"}) end,
            function() tok:encode("a b a", {max_length = 2, stride = 1}) end,
            function() tok:encode("a", {padding = "max_length"}) end,
            function() tok:encode_batch("a") end,
            function() tok:encode_batch({{"a"}}) end,
            function() tok:decode("a") end,
            function() tok:decode({"a"}) end,
            function() tok:token_to_id(1) end,
            function() tok:id_to_token("a") end,
            function() yoso.tokenizer(1) end,
        }
        for i, mistake in ipairs(mistakes) do
            local ok, message = pcall(mistake)
            assert.is_false(ok, "mistake " .. i)
            assert.is_truthy(message:find("api_spec.lua", 1, true), message)
        end
    end)
end)

describe("loading", function()
    it("tells what a file lacks", function()
        local tok, message = yoso.tokenizer("/nonexistent/folder")
        assert.is_nil(tok)
        assert.is_truthy(message:find("/nonexistent/folder", 1, true))
        assert.is_truthy(problem_of('{"model":'):find("line 1, column 10", 1, true))
        assert.is_truthy(problem_of("{}"):find("model is missing", 1, true))
        assert.is_truthy(problem_of("[]"):find("must be an object", 1, true))
        assert.is_truthy(problem_of('{"a":"\255"}'):find("UTF%-8"))
        assert.is_truthy(problem_of('{"a":1e999}'):find("out of range", 1, true))
        assert.is_truthy(problem_of('{"a":"\\ud800"}'):find("surrogate", 1, true))
        assert.is_truthy(problem_of('{"a":01}'):find("not a number", 1, true))
        assert.is_truthy(problem_of('{"a":1} x'):find("after the value", 1, true))
    end)

    it("names components that it does not know", function()
        local model = '"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"}}'
        for _, part in ipairs{"normalizer", "pre_tokenizer", "post_processor", "decoder"} do
            local message = problem_of(('{"%s":{"type":"Magic"},'):format(part) .. model)
            assert.is_truthy(message:find(part, 1, true))
            assert.is_truthy(message:find("Magic", 1, true))
        end
        assert.is_truthy(problem_of('{"model":{"type":"Magic"}}'):find("Magic", 1, true))
        assert.is_truthy(problem_of([[{"pre_tokenizer":{"type":"Split","behavior":"Odd",
            "pattern":{"String":"x"}},]] .. model):find("Odd", 1, true))
        assert.is_truthy(problem_of([[{"pre_tokenizer":{"type":"Split","behavior":"Removed",
            "pattern":{"Regex":"(x"}},]] .. model):find("(x", 1, true))
        assert.is_truthy(problem_of([[{"normalizer":{"type":"Precompiled",
            "precompiled_charsmap":"AAAA"},]] .. model):find("Precompiled", 1, true))
    end)

    it("tells which merge or entry of a model is wrong", function()
        local function bpe(merges)
            return ('{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":%s}}'):format(merges)
        end
        assert.is_truthy(from_json(bpe('[["a","b"]]')))
        assert.is_truthy(from_json(bpe('["a b"]')))
        assert.is_truthy(problem_of(bpe('["ab"]')):find("merge 1", 1, true))
        assert.is_truthy(problem_of(bpe('["a b","a c"]')):find('merge 2: "c"', 1, true))
        assert.is_truthy(problem_of(bpe('["b a"]')):find('makes "ba"', 1, true))
        assert.is_truthy(problem_of('{"model":{"type":"WordLevel","vocab":{"a":-1}}}'):find('"a"'))
        assert.is_truthy(problem_of('{"model":{"type":"Unigram","unk_id":5,"vocab":[["a",0]]}}')
            :find("unk_id", 1, true))
    end)

    it("reads scores as the library does, so that ties fall as they fall there", function()
        -- 0.3 and 0.1 + 0.2 differ in doubles; "aaa" is "a" + "aa" or "aa" + "a" or itself.
        local function pieces(whole)
            local tok = assert(from_json(([=[{"model":{"type":"Unigram","unk_id":0,"vocab":
                [["?",0],["a",-0.1],["aa",-0.2],["aaa",%s]]}}]=]):format(whole)))
            return #tok:encode("aaa").ids
        end
        assert.are.equal(1, pieces("-0.3"))
        assert.are.equal(1, pieces("-0.30000000000000000"))
        assert.are.equal(1, pieces("-3e-1"))
        assert.are.equal(1, pieces("-0.00000000000000000000000000000000003e34"))
        assert.are.equal(2, pieces("-0.4"))
    end)

    it("writes scores that read back the same", function()
        local json = [=[{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-13.483249664306641],
            ["b",-6.992509841918945],["c",-7.00425910949707],["d",1e-300],["e",-0.1]]}}]=]
        local function saved(tok)
            local path = os.tmpname()
            assert(tok:save(path))
            local file = assert(io.open(path))
            local text = file:read("*a")
            file:close()
            os.remove(path)
            return text
        end
        local once = saved(assert(from_json(json)))
        assert.are.equal(once, saved(assert(from_json(once))))
        assert.is_truthy(once:find('["b",-6.992509841918945]', 1, true))
    end)

    it("says when a word has no token and there is no unknown one", function()
        local tok = assert(from_json('{"model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"?"}}'))
        local e, message = tok:encode("b")
        assert.is_nil(e)
        assert.is_truthy(message:find('"?"', 1, true))
    end)
end)
