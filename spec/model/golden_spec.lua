local json = require "yoso.io.json"
local file = require "yoso.io.file"
local golden = require "spec.model.golden"
local shared = require "spec.support.shared"
local yoso = require "yoso"

describe("models give what the reference gave:", function()
    for _, name in ipairs(golden.cases) do
        shared.golden(it, pending, name, function() golden.check(name, "cpu") end)
    end
    for _, name in ipairs(golden.padded) do
        shared.golden(it, pending, name, function() golden.check_padded(name, "cpu") end)
    end
    for name in pairs(golden.containers) do
        shared.golden(it, pending, name, function() golden.check_container(name, "cpu") end)
    end

    shared.golden(it, pending, "sst2-yoso-mini", function()
        local dir = shared.path("checkpoints/sst2-yoso-mini")
        local model = assert(yoso.load(dir))
        for line in assert(file.lines(dir .. "/golden.jsonl")) do
            local case = json.decode(line)
            local got = model{input_ids = yoso.tensor({case.ids}, "i64")}.logits
            assert.is_true(golden.largest_difference(got, yoso.tensor{case.logits}) <= 2e-5, case.text)
        end
    end)
end)
