-- The attention's pieces against the reference's values: codes, sums, expectations, gradients.
local close = require "spec.attention.close"
local golden = require "spec.attention.golden"
local shared = require "spec.support.shared"

for _, name in ipairs(golden.cases) do
    describe("golden " .. name, function()
        for _, isa in ipairs(close.variants) do
            for _, check in ipairs(golden.checks) do
                shared.golden(it, pending, check[1] .. " (" .. isa .. ")", function()
                    close.with_isa(isa, function() check[2](golden.load(name, "cpu")) end)
                end)
            end
        end
    end)
end
