-- All that the reference computed, on the device: every small model with its losses and gradients,
-- and the attention's pieces.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local models = require "spec.model.golden"
local pieces = require "spec.attention.golden"
local shared = require "spec.support.shared"

describe("on the device, models give what the reference gave:", function()
    for _, name in ipairs(models.cases) do
        shared.golden(it, pending, name, function() models.check(name, "cuda") end)
    end
    for _, name in ipairs(models.padded) do
        shared.golden(it, pending, name, function() models.check_padded(name, "cuda") end)
    end
    for name in pairs(models.containers) do
        shared.golden(it, pending, name, function() models.check_container(name, "cuda") end)
    end
end)

for _, name in ipairs(pieces.cases) do
    describe("on the device, golden " .. name, function()
        for _, check in ipairs(pieces.checks) do
            shared.golden(it, pending, check[1], function() check[2](pieces.load(name, "cuda")) end)
        end
    end)
end
