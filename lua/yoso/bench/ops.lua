-- Single operations at the sizes of a base model: seconds a call, and the rate in units of what
-- bounds it (floating-point operations, or bytes).
local arguments = require "yoso.arguments"
local yoso = require "yoso"
local clock = require "yoso.bench.clock"
local device = require "yoso.bench.device"

local M = {summary = "single operations at a base model's sizes"}

M.columns = {
    {"op", "operation"}, {"shape", "shape"}, {"dtype", "dtype"}, {"median", "median s"},
    {"min", "min s"}, {"gflops", "GF/s"}, {"gbytes", "GB/s"},
}

-- place: {dtype =, device =}
local function random(shape, seed, place)
    return yoso.randn(shape, {seed = seed}):to(place.dtype):to(place.device)
end

-- name -> function(tokens, place) -> what to run, its shape in words, operations, bytes.
local cases = {
    {"linear", function(tokens, place)
        local x, w = random({tokens, 768}, 1, place), random({768, 768}, 2, place)
        local bias = random({768}, 3, place)
        return function() return yoso.ops.linear(x, w, bias) end,
            tokens .. "x768 by 768", 2 * tokens * 768 * 768
    end},
    {"linear-gelu", function(tokens, place)
        local x, w = random({tokens, 768}, 1, place), random({3072, 768}, 2, place)
        local bias = random({3072}, 3, place)
        return function() return yoso.ops.linear(x, w, bias, "gelu") end,
            tokens .. "x768 by 3072", 2 * tokens * 768 * 3072
    end},
    {"matmul", function(tokens, place)
        local a, b = random({tokens, 768}, 1, place), random({768, 768}, 2, place)
        return function() return a:matmul(b) end,
            tokens .. "x768 by 768", 2 * tokens * 768 * 768
    end},
    {"layer-norm", function(tokens, place)
        local x, w = random({tokens, 768}, 1, place), random({768}, 2, place)
        return function() return yoso.ops.layer_norm(x, w, w, 1e-12) end, tokens .. "x768",
            nil, 2 * tokens * 768
    end},
    {"softmax", function(tokens, place)
        local x = random({tokens, 2048}, 1, place)
        return function() return x:softmax(-1) end, tokens .. "x2048", nil, 2 * tokens * 2048
    end},
    {"add", function(tokens, place)
        local a, b = random({tokens, 3072}, 1, place), random({tokens, 3072}, 2, place)
        return function() return a + b end, tokens .. "x3072", nil, 3 * tokens * 3072
    end},
    {"gelu", function(tokens, place)
        local x = random({tokens, 3072}, 1, place)
        return function() return x:gelu() end, tokens .. "x3072", nil, 2 * tokens * 3072
    end},
    {"sum", function(tokens, place)
        local x = random({tokens, 3072}, 1, place)
        return function() return x:sum() end, tokens .. "x3072", nil, tokens * 3072
    end},
}

local names = {}
for i, case in ipairs(cases) do
    names[i] = case[1]
end

function M.configure(command)
    command:option("--tokens", "Rows of the operands.", "2048"):convert(arguments.whole(1))
    command:option("--dtype", "f32 or bf16.", "f32"):choices{"f32", "bf16"}
    device.configure(command)
    command:option("--only", "Names of operations, several with commas.")
        :convert(arguments.list(arguments.one_of(names)))
end

local function wanted(only, name)
    for _, one in ipairs(only or {name}) do
        if one == name then
            return true
        end
    end
end

--- Calls each(row) for every operation, in turn.
function M.run(args, each)
    local element = args.dtype == "f32" and 4 or 2
    local place = {dtype = args.dtype, device = args.device}
    for _, case in ipairs(cases) do
        if wanted(args.only, case[1]) then
            yoso.no_grad(function()
                local work, shape, operations, elements = case[2](args.tokens, place)
                local row = clock.measure(work, {repeats = args.repeats, seconds = 0.2,
                    device = args.device})
                row.op, row.shape, row.dtype = case[1], shape, args.dtype
                row.gflops = operations and operations / row.median / 1e9
                row.gbytes = elements and elements * element / row.median / 1e9
                each(row)
            end)
        end
    end
    return true
end

return M
