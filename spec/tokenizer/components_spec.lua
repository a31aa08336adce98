-- Every row of components.jsonl: one normalizer, pre-tokenizer or decoder at a time. A Unigram
-- model that knows no token but the unknown one shows pieces as they reach the model.
local cjson = require "cjson"
local golden = require "spec.tokenizer.golden"
local shared = require "spec.support.shared"
local yoso = require "yoso"

local unknown_model = {type = "Unigram", unk_id = 0, vocab = {{"\1unk", 0}}}

local function build(parts)
    local tokenizer = require "yoso.tokenizer"
    return assert(tokenizer.from_json(cjson.encode(parts)))
end

-- The charsmap that a row names by its folder.
local charsmaps = {}
local function with_charsmap(component)
    local folder = component.charsmap_from
    if not folder then
        return component
    end
    if not charsmaps[folder] then
        local file = assert(io.open(shared.path("tokenizers/" .. folder .. "/tokenizer.json")))
        charsmaps[folder] = file:read("*a"):match('"precompiled_charsmap":%s*"([^"]*)"')
        file:close()
    end
    return {type = "Precompiled", precompiled_charsmap = charsmaps[folder]}
end

local cache = {}
local function tokenizer_of(row)
    local key = row.kind .. cjson.encode(row.component)
    if not cache[key] then
        local parts = {model = unknown_model}
        parts[row.kind] = with_charsmap(row.component)
        cache[key] = build(parts)
    end
    return cache[key]
end

local function shown(pieces)
    local out = {}
    for i, piece in ipairs(pieces) do
        out[i] = ("%s(%d,%d)"):format(piece[1], piece[2][1], piece[2][2])
    end
    return table.concat(out, " ")
end

local checks = {}

function checks.normalizer(row)
    local e = assert(tokenizer_of(row):encode(row.input))
    return table.concat(e.tokens), row.output
end

function checks.pre_tokenizer(row)
    local e = assert(tokenizer_of(row):encode(row.input, {offset_unit = "codepoint"}))
    local pieces = {}
    for i, token in ipairs(e.tokens) do
        pieces[i] = {token, e.offsets[i]}
    end
    return shown(pieces), shown(row.output)
end

function checks.decoder(row)
    local ids, vocab, count = {}, {}, 0
    for i, token in ipairs(row.input) do
        if not vocab[token] then
            vocab[token] = count
            count = count + 1
        end
        ids[i] = vocab[token]
    end
    vocab["\1"] = count
    local tok = build{decoder = row.component, model = {type = "WordLevel", vocab = vocab,
        unk_token = "\1"}}
    local text = tok:decode(ids)
    -- Where the library panics (Strip on an empty token), there is a text all the same.
    return text, type(row.output) == "table" and text or row.output
end

describe("component rows of kind", function()
    for _, kind in ipairs{"normalizer", "pre_tokenizer", "decoder"} do
        shared.golden(it, pending, kind, function()
            local wrong, count = {}, 0
            for row in golden.rows("components.jsonl") do
                if row.kind == kind then
                    count = count + 1
                    local ok, got, want = pcall(checks[kind], row)
                    if (not ok or got ~= want) and #wrong < 20 then
                        wrong[#wrong + 1] = ("%s %s: %s, not %s"):format(
                            cjson.encode(row.component):sub(1, 100), cjson.encode(row.input), got,
                            tostring(want))
                    end
                end
            end
            assert.are.equal("", table.concat(wrong, "\n"))
            assert.is_true(count > 400)
        end)
    end
end)

describe("NFC", function()
    it("composes Hangul with trailing consonants, of which U+11A7 is none", function()
        local tok = build{normalizer = {type = "NFC"}, model = unknown_model}
        assert.are.equal("쯕", table.concat(tok:encode("쯔\225\134\168").tokens))
        assert.are.equal("쯔\225\134\167", table.concat(tok:encode("쯔\225\134\167").tokens))
    end)
end)

describe("a stream", function()
    it("gives out characters whole", function()
        local vocab, ids = {}, {}
        for byte = 0, 255 do
            vocab[("<0x%02X>"):format(byte)] = byte
        end
        vocab["a"] = 256
        local tok = build{decoder = {type = "Sequence", decoders = {{type = "ByteFallback"},
            {type = "Fuse"}}}, model = {type = "WordLevel", vocab = vocab, unk_token = "a"}}
        for byte in ("aé€😀a"):gmatch(".") do
            ids[#ids + 1] = byte == "a" and 256 or byte:byte()
        end
        local stream, parts = tok:decode_stream(), {}
        for i, id in ipairs(ids) do
            parts[i] = stream:push(id)
        end
        assert.are.same({"a", "", "é", "", "", "€", "", "", "", "😀", "a"}, parts)
        stream:push(0xE2)
        assert.are.equal("\239\191\189", stream:finish())
    end)
end)

assert(yoso)
