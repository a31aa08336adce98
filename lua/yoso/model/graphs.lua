-- A model's forward passes as captured graphs, one for each packing of lengths that has come
-- before. The first pass over new lengths runs as ever; the second captures; all later ones replay.
local c = require "yoso.c"
local graph = require "yoso.graph"
local same = require "yoso.model.same"
local scope = require "yoso.scope"

local lib = c.lib
local MOST_GRAPHS, MOST_SEEN = 16, 256
local inputs = {"ids", "positions", "types", "embeds", "keep"}

local Graphs = {}
Graphs.__index = Graphs
local M = {}

--- The graphs of one model.
function M.new()
    return setmetatable({entries = {}, seen = {}, seen_count = 0, clock = 0}, Graphs)
end

-- All that shapes the work beside the weights.
local function key_of(pack, runtime)
    local parts = {runtime.attention, runtime.num_hash, tostring(runtime.int8)}
    for _, name in ipairs(inputs) do
        parts[#parts + 1] = pack[name] and name or ""
    end
    for row = 0, pack.rows do
        parts[#parts + 1] = pack.offsets[row]
    end
    return table.concat(parts, " ")
end

-- Where the weights are and what state they are in: a graph holds what was made of them.
local function stamp_of(model)
    local stamp = {}
    for _, parameter in ipairs(model:parameters()) do
        stamp[#stamp + 1] = parameter.handle
        stamp[#stamp + 1] = lib.yoso_tensor_version(parameter.handle)
    end
    return stamp
end

function Graphs:forget_oldest()
    local oldest, count = nil, 0
    for key, entry in pairs(self.entries) do
        count = count + 1
        if not oldest or entry.used < self.entries[oldest].used then
            oldest = key
        end
    end
    if count >= MOST_GRAPHS then
        self.entries[oldest] = nil
    end
end

-- The entry for a packing whose inputs are copied into tensors of its own.
local function make(pack, stamp, compute)
    local own = {}
    for name, value in pairs(pack) do
        own[name] = value
    end
    for _, name in ipairs(inputs) do
        own[name] = pack[name] and scope.keep(pack[name]:clone())
    end
    local captured, message = graph.capture(function() return compute(own) end)
    if not captured then
        return nil, message
    end
    return {graph = captured, pack = own, stamp = stamp}
end

--- The hidden states of a packing, which compute(pack) gives.
function Graphs:run(model, pack, compute)
    local key, stamp = key_of(pack, model.runtime), stamp_of(model)
    local entry = self.entries[key]
    if entry and not same(entry.stamp, stamp) then
        self.entries[key], self.seen[key], entry = nil, nil, nil
    end
    if not entry then
        if not self.seen[key] then
            if self.seen_count >= MOST_SEEN then
                self.seen, self.seen_count = {}, 0
            end
            self.seen[key], self.seen_count = true, self.seen_count + 1
            return compute(pack)
        end
        self:forget_oldest()
        local message
        entry, message = make(pack, stamp, compute)
        if not entry then
            c.raise("graphs: " .. message)
        end
        self.entries[key] = entry
    end
    self.clock = self.clock + 1
    entry.used = self.clock
    for _, name in ipairs(inputs) do
        if pack[name] then
            entry.pack[name]:copy_(pack[name])
        end
    end
    local seeds = entry.graph:seeds()
    for i = 1, #seeds do
        seeds[i] = model.runtime.seed
    end
    return entry.graph:replay(seeds):clone()
end

return M
