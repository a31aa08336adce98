-- Captured graphs: what a function computes on the device cuda, kept once and queued as a whole at
-- every replay. It reads the tensors that it read when it was captured (write them anew before a
-- replay, with copy_) and its results stay where they are (read or copy them before the next).
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local scope = require "yoso.scope"
local tensor = require "yoso.tensor"

local lib = c.lib
local graph_slot = c.typeof("yoso_graph *[1]")
local seed_list = c.typeof("uint64_t[?]")
local MOST_SEEDS, ATTEMPTS = 32, 4

local M = {}
local Graph = {__name = "graph"}
Graph.__index = Graph

-- Tensors in a result, which outlive all scopes.
local function keep(value)
    if tensor.is(value) then
        scope.keep(value)
    elseif type(value) == "table" then
        for _, inner in pairs(value) do
            keep(inner)
        end
    end
    return value
end

local function run(fn)
    return autograd.no_grad(function() return scope.scope(fn) end)
end

-- The graph's handle and the function's result; nil and a message.
local function capture(fn, bytes)
    c.check(lib.yoso_graph_begin(bytes))
    local ok, result = pcall(run, fn)
    local slot = graph_slot()
    local done, message = c.try(lib.yoso_graph_end(ok and slot or nil))
    if not ok then
        return nil, result
    elseif not done then
        return nil, message
    end
    return c.gc(slot[0], lib.yoso_graph_free), keep(result)
end

--- capture(fn): runs fn() once, so that all that is made once is there, and captures a second run.
-- Returns the graph, whose `result` is what fn returned; nil and a message when fn does what
-- cannot be captured, such as reading a value. Nothing is recorded for gradients.
function M.capture(fn)
    if type(fn) ~= "function" then
        c.raise(("graph.capture: the argument is a %s, must be a function"):format(type(fn)))
    end
    lib.yoso_cuda_peak(1)
    scope.scope(function() run(fn) end)
    local bytes = tonumber(lib.yoso_cuda_peak(0)) * 1.25 + 2 ^ 20
    local handle, result
    for _ = 1, ATTEMPTS do -- what blocks of other sizes leave between them may be more than that
        handle, result = capture(fn, bytes)
        if handle or not tostring(result):find("do not suffice", 1, true) then
            break
        end
        bytes = 2 * bytes
    end
    if not handle then
        return nil, tostring(result)
    end
    return setmetatable({handle = handle, result = result}, Graph)
end

--- The seeds that the captured work reads, in the order in which it first did.
function Graph:seeds()
    local list, seeds = c.array(seed_list, MOST_SEEDS), {}
    for i = 1, lib.yoso_graph_seeds(self.handle, list, MOST_SEEDS) do
        seeds[i] = tonumber(list[i - 1])
    end
    return seeds
end

--- Queues the captured work, with other seeds if a list of them is given; returns `result`.
function Graph:replay(seeds)
    local count = seeds and #seeds or 0
    local list = c.array(seed_list, count > 0 and count or 1)
    for i = 1, count do
        list[i - 1] = seeds[i]
    end
    c.check(lib.yoso_graph_replay(self.handle, list, count))
    return self.result
end

return M
