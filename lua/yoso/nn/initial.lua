-- Initial values, written in place. Each takes its seed from the global stream unless given one.
local c = require "yoso.c"
local random = require "yoso.random"
local tensor = require "yoso.tensor"

local lib = c.lib
local M = {}

local skipping = false

local function finish(previous, ok, ...)
    skipping = previous
    if not ok then
        error((...), 0)
    end
    return ...
end

--- Runs fn(...) without giving any initial value: for modules whose parameters are loaded next.
function M.skip(fn, ...)
    local previous = skipping
    skipping = true
    return finish(previous, pcall(fn, ...))
end

local function fill(target, kind, a, b, seed)
    if skipping then
        return target
    end
    c.check(lib.yoso_random(tensor.handle(target, "nn.init", "the tensor"), kind,
        seed or random.next_seed(), a, b))
    return target
end

--- Normal deviates with mean 0 and standard deviation std (default 1).
function M.normal(target, std, seed)
    return fill(target, lib.YOSO_NORMAL, 0, std or 1, seed)
end

--- Uniform in [-bound, bound).
function M.uniform(target, bound, seed)
    return fill(target, lib.YOSO_UNIFORM, -bound, bound, seed)
end

function M.constant(target, value)
    if skipping then
        return target
    end
    c.check(lib.yoso_fill(tensor.handle(target, "nn.init", "the tensor"), value))
    return target
end

return M
