-- Every operation of the registry on its own sample, the CPU against the device cuda: results
-- and gradients, with blocks and threads run in order and backwards.
if not os.getenv "YOSO_CUDA_MODULE" then
    return -- the cuda folder is not there
end
local autograd = require "yoso.autograd"
local op = require "yoso.op"
local tensor = require "yoso.tensor"
local yoso = require "yoso"
local ffi = require "ffi"
require "yoso.ops"

ffi.cdef "int setenv(const char *name, const char *value, int overwrite);"

-- Deterministic inputs for a sample, as the gradient check makes them.
local function source()
    local seed = 0
    return function(shape)
        seed = seed + 1
        return yoso.randn(shape, {seed = seed})
    end
end

-- The inputs on a device, but for those that operations want on the CPU: the offsets of packed
-- sequences, by their name among options or their place among the inputs.
local on_cpu = {offset = true, k_offset = true}
local offset_place = {depthwise_conv = 4}
local function on(device, value, key)
    if tensor.is(value) then
        return on_cpu[key] and value or value:to(device)
    end
    if type(value) ~= "table" then
        return value
    end
    local copy = {}
    for name, inner in pairs(value) do
        copy[name] = on(device, inner, name)
    end
    return copy
end

local function tensors_in(value, list)
    list = list or {}
    if tensor.is(value) then
        list[#list + 1] = value
    elseif type(value) == "table" then
        for i = 1, #value do
            tensors_in(value[i], list)
        end
    end
    return list
end

-- Results and gradients of a run on a device, all on the CPU.
local function run(definition, device)
    yoso.manual_seed(7)
    local inputs = definition.sample(source())
    for place, input in pairs(inputs) do
        inputs[place] = place == offset_place[definition.name] and input or on(device, input)
    end
    local count = table.maxn(inputs)
    local leaves = {}
    if definition.backward then
        for _, input in ipairs(tensors_in({unpack(inputs, 1, count)})) do
            if input:dtype() == "f32" then
                leaves[#leaves + 1] = input:requires_grad(true)
            end
        end
    end
    local outputs = tensors_in({definition.run(unpack(inputs, 1, count))})
    local seen = {}
    for i, out in ipairs(outputs) do
        seen[i] = out:to "cpu"
    end
    if #leaves > 0 then
        local loss
        for i, out in ipairs(outputs) do
            if out:dtype() == "f32" then
                local weight = yoso.randn(out:shape(), {seed = 100 + i}):to(out:device())
                local part = (out * weight):sum():to(device)
                loss = loss and loss + part or part
            end
        end
        if loss and autograd.needs_grad(loss) then
            loss:backward()
            for _, leaf in ipairs(leaves) do
                seen[#seen + 1] = leaf.grad and leaf.grad:to "cpu" or false
            end
        end
    end
    return seen
end

local function flat(t)
    return (t:dtype() == "bool" and t:to "u8" or t):reshape{-1}:totable()
end

local function assert_close(name, expected, got)
    assert.equal(#expected, #got, name .. ": number of results and gradients")
    for i, want in ipairs(expected) do
        local have = got[i]
        assert.equal(tensor.is(want), tensor.is(have), name)
        if tensor.is(want) then
            assert.same(want:shape(), have:shape())
            assert.equal(want:dtype(), have:dtype())
            local a, b = flat(want), flat(have)
            for k = 1, #a do
                local difference = math.abs(a[k] - b[k])
                local near = a[k] == b[k] or (a[k] ~= a[k] and b[k] ~= b[k])
                    or difference <= 2e-5 + 2e-5 * math.abs(a[k])
                assert(near, ("%s: result %d, element %d is %.9g on the CPU, %.9g on the device")
                    :format(name, i, k, a[k], b[k]))
            end
        end
    end
end

describe("on the device, operation", function()
    for _, definition in ipairs(op.list) do
        if definition.sample then
            it(definition.name .. " gives what the CPU gives", function()
                local expected = run(definition, "cpu")
                for _, order in ipairs {"forward", "reverse"} do
                    ffi.C.setenv("YOSO_EMULATE_ORDER", order, 1)
                    local ok, got = pcall(run, definition, "cuda")
                    ffi.C.setenv("YOSO_EMULATE_ORDER", "forward", 1)
                    assert(ok, got)
                    assert_close(definition.name, expected, got)
                end
            end)
        end
    end
end)
