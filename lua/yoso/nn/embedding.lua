-- Embedding: rows of a table by id, ids from 0.
local Module = require "yoso.nn.module"
local Parameter = require "yoso.nn.parameter"
local initial = require "yoso.nn.initial"
local embedding = require "yoso.ops.embedding".embedding
local ranges = require "yoso.ranges"
local tensor = require "yoso.tensor"

local Embedding = Module:extend("Embedding")

local size = ranges.whole(0)
local known = {padding_idx = ranges.whole(0), seed = true}

--- Embedding(rows, width, {padding_idx = nil, seed = nil}); the row of padding_idx starts as 0
-- and gets no gradient.
function Embedding:init(rows, width, options)
    options = options or {}
    ranges.number("Embedding", "rows", rows, size)
    ranges.number("Embedding", "width", width, size)
    ranges.check("Embedding", options, known)
    self.padding_idx = options.padding_idx
    self.weight = Parameter(initial.normal(tensor.empty{rows, width}, 1, options.seed))
    if self.padding_idx then
        -- The view is freed at once: it would keep the storage when a checkpoint's takes its place.
        local row = self.weight:narrow(1, self.padding_idx + 1, 1)
        initial.constant(row, 0)
        row:free()
    end
end

function Embedding:forward(ids)
    return embedding(ids, self.weight, self.padding_idx)
end

function Embedding:describe()
    return ("%d, %d"):format(self.weight:size(1), self.weight:size(2))
end

return Embedding
