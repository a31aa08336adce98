-- Random tensors. The numbers have addresses instead of a state: the same seed and shape give
-- the same numbers for any number of threads and on every device. Without a seed one is taken
-- from the global stream, which manual_seed starts anew.
local c = require "yoso.c"
local tensor = require "yoso.tensor"

local lib = c.lib
local M = {}

local stream_seed, stream_position = nil, 0

local function check_seed(seed, where)
    if type(seed) ~= "number" or seed ~= math.floor(seed) or seed < 0 or seed >= 2 ^ 53 then
        c.raise(("%s: seed is %s, must be a whole number from 0 to below 2^53")
            :format(where, tostring(seed)))
    end
    return seed
end

--- Starts the global stream of seeds anew.
function M.manual_seed(seed)
    stream_seed, stream_position = check_seed(seed, "manual_seed"), 0
end

--- A fresh seed (a whole number below 2^53) from the global stream; before manual_seed it starts
-- at a place that differs from run to run.
function M.next_seed()
    if not stream_seed then
        stream_seed = math.floor(lib.yoso_time() * 1e9) % 2 ^ 53
        stream_seed = (stream_seed + os.time() * 2 ^ 20) % 2 ^ 53
    end
    stream_position = stream_position + 1
    return tonumber(lib.yoso_derive_seed(stream_seed, stream_position) % 2ULL ^ 53)
end

--- Where the global stream stands, for set_state.
function M.state()
    if not stream_seed then
        M.next_seed()
    end
    return {seed = stream_seed, position = stream_position}
end

--- Goes back to a place that state() gave.
function M.set_state(state)
    stream_seed, stream_position = state.seed, state.position
end

--- A seed made from a seed and a number (a step, a worker, an epoch).
function M.derive(seed, number)
    check_seed(seed, "derive")
    return tonumber(lib.yoso_derive_seed(seed, number) % 2ULL ^ 53)
end

local function fill(t, kind, a, b, seed, where)
    seed = seed == nil and M.next_seed() or check_seed(seed, where)
    c.check(lib.yoso_random(t.handle, kind, seed, a, b))
    return t
end

local function checked(options, where)
    if options == nil then
        return {}
    end
    if type(options) ~= "table" or tensor.is(options) then
        c.raise(("%s: the options are a %s, must be a table {seed, dtype, device, ...}")
            :format(where, tensor.is(options) and "tensor" or type(options)))
    end
    return options
end

local function make(where, shape, options, kind, a, b, dtype)
    if type(shape) == "number" then
        shape = {shape}
    end
    tensor.check_shape(shape, where)
    if type(a) ~= "number" or type(b) ~= "number" then
        c.raise(("%s: parameters %s and %s, must be numbers"):format(where, tostring(a), tostring(b)))
    end
    return fill(tensor.empty(shape, options.dtype or dtype, options.device), kind, a, b,
        options.seed, where)
end

--- randn(shape, {seed, dtype, device, mean = 0, std = 1}): normal deviates.
function M.randn(shape, options)
    options = checked(options, "randn")
    return make("randn", shape, options, lib.YOSO_NORMAL, options.mean or 0, options.std or 1,
        "f32")
end

--- rand(shape, {seed, dtype, device, low = 0, high = 1}): uniform, low <= x < high.
function M.rand(shape, options)
    options = checked(options, "rand")
    return make("rand", shape, options, lib.YOSO_UNIFORM, options.low or 0, options.high or 1,
        "f32")
end

--- trunc_normal(shape, {seed, mean = 0, std = 1}): normal, within two deviations of the mean.
function M.trunc_normal(shape, options)
    options = checked(options, "trunc_normal")
    return make("trunc_normal", shape, options, lib.YOSO_TRUNCATED_NORMAL, options.mean or 0,
        options.std or 1, "f32")
end

--- randint(low, high, shape, {seed, dtype = "i64"}): whole numbers, low <= x < high.
function M.randint(low, high, shape, options)
    if type(low) ~= "number" or type(high) ~= "number" then
        c.raise("randint: wants randint(low, high, shape, options) with low and high numbers")
    end
    return make("randint", shape, checked(options, "randint"), lib.YOSO_INTEGERS, low, high, "i64")
end

--- randperm(n, {seed}): 1 .. n in random order, i64.
function M.randperm(n, options)
    if type(n) ~= "number" or n < 0 or n ~= math.floor(n) then
        c.raise(("randperm: n is %s, must be a whole number >= 0"):format(tostring(n)))
    end
    local seed = checked(options, "randperm").seed
    seed = seed == nil and M.next_seed() or check_seed(seed, "randperm")
    return tensor.call(lib.yoso_randperm, n, seed, 1)
end

return M
