local json = require "yoso.io.json"

describe("JSON", function()
    it("keeps values, empty arrays, empty objects and null apart", function()
        local text = '{"a":[],"b":{},"c":null,"d":[[],{"e":[ ]}],"f":"[]","g":"\\"[]\\\\","h":[1]}'
        assert.equal((text:gsub("%[ %]", "[]")), json.encode(json.decode(text)))
    end)

    it("writes keys in order and numbers so that they read back", function()
        assert.equal('{"a":1,"b":0.1,"c":1e-12,"d":-9007199254740991,"e":0.30000000000000004}',
            json.encode{e = 0.1 + 0.2, d = -9007199254740991, c = 1e-12, b = 0.1, a = 1})
    end)

    it("escapes what strings may not hold", function()
        local text = 'quote " slash \\ newline \n zero \0 delete \127 höhe'
        assert.equal(text, json.decode(json.encode(text)))
        assert.equal('"\\u0001\\n"', json.encode("\1\n"))
    end)

    it("indents on request", function()
        assert.equal('{\n  "a": [\n    1,\n    2\n  ],\n  "b": {}\n}', json.encode({a = {1, 2}, b = {}}, "  "))
    end)

    it("that is broken gives nil and a message with its name", function()
        for _, text in ipairs{"", "{", "[1,", '{"a":}', "[1]]", "NaN", '"abc', "[[", '["a]',
            ("["):rep(100000)} do
            local value, message = json.decode(text, "config.json")
            assert.is_nil(value)
            assert.matches("^config.json: not JSON: ", message)
        end
    end)

    it("refuses what has no JSON form", function()
        assert.error_matches(function() json.encode(0 / 0) end, "has no JSON form")
        assert.error_matches(function() json.encode(math.huge) end, "has no JSON form")
        assert.error_matches(function() json.encode{a = print} end, "a function has no JSON form")
        assert.error_matches(function() json.encode{1, 2, x = 3} end, "a list has the key x")
        assert.error_matches(function() json.encode{[true] = 3} end, "key true is a boolean")
        local loop = {}
        loop.loop = loop
        assert.error_matches(function() json.encode(loop) end, "200 deep")
    end)
end)
