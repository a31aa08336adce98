-- Long Range Arena: the generator of ListOps, the tokenizers of the tasks, and AAN's pairs.
local data = require "yoso.data"
local file = require "yoso.io.file"
local program = require "spec.support.program"
local symbols = require "yoso.tasks.symbols"
local tiny = require "spec.model.tiny"

-- The value of an expression's symbols from `at` on, and where it ends.
local function value_of(list, at, depth)
    local symbol = list[at]
    if not symbol:find("^%[") then
        return tonumber(symbol), at + 1, depth
    end
    local values, deepest = {}, depth
    at = at + 1
    while list[at] ~= "]" do
        local reached
        values[#values + 1], at, reached = value_of(list, at, depth + 1)
        deepest = math.max(deepest, reached)
    end
    assert(#values >= 2 and #values <= 10)
    table.sort(values)
    local sum, half = 0, #values / 2
    for _, value in ipairs(values) do
        sum = sum + value
    end
    local result = symbol == "[MIN" and values[1] or symbol == "[MAX" and values[#values]
        or symbol == "[SM" and sum % 10
        or math.floor((values[math.ceil(half)] + values[math.floor(half) + 1]) / 2)
    return result, at + 1, deepest
end

local function split(text)
    local list = {}
    for symbol in text:gmatch("%S+") do
        list[#list + 1] = symbol
    end
    return list
end

describe("the generator of ListOps", function()
    local folder = tiny.folder()
    local function make(name, seed)
        local out = folder .. "/" .. name
        local result = program.run{"scripts/lra/make_listops.lua", out, seed, "40", "5", "5"}
        assert.equal(0, result.status, result.err)
        return out
    end
    local first = make("first", "7")

    it("keeps to the specification, and its values are right", function()
        local seen = {}
        for part, count in pairs{train = 40, val = 5, test = 5} do
            local found = 0
            for example in data.listops(("%s/basic_%s.tsv"):format(first, part)) do
                local list = split(example.text)
                assert.is_true(#list > 500 and #list < 2000)
                local value, stop, depth = value_of(list, 1, 1)
                assert.equal(example.label, value)
                assert.equal(#list + 1, stop)
                assert.is_true(depth <= 10)
                assert.is_nil(seen[example.text])
                seen[example.text], found = true, found + 1
            end
            assert.equal(count, found)
        end
    end)

    it("gives the same for the same seed only", function()
        local function train(out)
            return assert(file.read(out .. "/basic_train.tsv"))
        end
        assert.is_true(train(make("again", "7")) == train(first))
        assert.is_false(train(make("other", "8")) == train(first))
    end)
end)

describe("the tokenizer of", function()
    it("ListOps passes over parentheses", function()
        local tokenizer = symbols.listops()
        local e = tokenizer:encode("( ( ( [MAX 2 ) 9 ) ] )")
        assert.same({"[MAX", "2", "9", "]"}, e.tokens)
        assert.equal(17, tokenizer:vocab_size())
        assert.equal(0, tokenizer.pad_id)
    end)

    it("pictures has a token for each grey", function()
        local tokenizer = symbols.greys()
        assert.equal(258, tokenizer:vocab_size())
        assert.same({tokenizer:token_to_id("0"), tokenizer:token_to_id("255")},
            tokenizer:encode("0 255").ids)
    end)

    it("bytes has one for each, and nothing is lost", function()
        local tokenizer = symbols.bytes()
        local text = "naïve <br /> 日本"
        local ids = tokenizer:encode(text).ids
        assert.equal(#text + 2, #ids)
        assert.equal(text, tokenizer:decode(ids, {skip_special_tokens = true}))
    end)
end)

describe("AAN's pairs", function()
    local path = tiny.folder() .. "/new_aan_pairs.train.tsv"

    it("are label, ids and two texts", function()
        assert(file.write(path, "1.0\tP1\tP2\tb'one'\tb'two'\n0.0\tP3\tP4\tthree\tfour \"4\"\n"))
        local examples = assert(data.retrieval(path))
        assert.same({text = "b'one'", pair = "b'two'", label = 1, line = 1}, examples())
        assert.same({text = "three", pair = 'four "4"', label = 0, line = 2}, examples())
        assert.is_nil(examples())
    end)

    it("with another label are refused with their line", function()
        assert(file.write(path, "1\ta\tb\tc\td\nyes\ta\tb\tc\td\n"))
        local examples = assert(data.retrieval(path))
        examples()
        local none, message = examples()
        assert.is_nil(none)
        assert.equal(path .. ':2: label "yes", wanted 0 or 1', message)
    end)
end)
