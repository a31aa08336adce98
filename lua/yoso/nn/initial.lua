-- Initial values, written in place. Each takes its seed from the global stream unless given one.
local c = require "yoso.c"
local tensor = require "yoso.tensor"
local random = require "yoso.random"

local lib = c.lib
local M = {}

local function assign(target, values)
    c.check(lib.yoso_copy_into(tensor.handle(target, "initial"), values.handle))
    values:free()
    return target
end

--- Normal deviates with mean 0 and standard deviation std.
function M.normal(target, std, seed)
    local values = random.randn(target:shape(), {seed = seed})
    local scaled = values * (std or 1)
    values:free()
    return assign(target, scaled)
end

--- Uniform in [-bound, bound).
function M.uniform(target, bound, seed)
    local values = random.rand(target:shape(), {seed = seed})
    local scaled = values * (2 * bound) + -bound
    values:free()
    return assign(target, scaled)
end

function M.constant(target, value)
    c.check(lib.yoso_fill(tensor.handle(target, "initial"), value))
    return target
end

return M
