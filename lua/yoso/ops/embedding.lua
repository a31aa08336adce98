-- embedding: rows of a table by id.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

--- embedding(ids, table, padding): ids [..] (i64 or i32, from 0), table [rows, width] ->
-- [.., width]. The row of id `padding`, if given, gets no gradient.
M.embedding = op.define{
    name = "embedding",
    forward = function(ctx, ids, rows, padding)
        local out = call(lib.yoso_embedding, handle(ids, "embedding", "ids"),
            handle(rows, "embedding", "table"))
        ctx:save(ids)
        ctx.rows, ctx.padding = rows:size(1), padding or -1
        return out
    end,
    -- Few rows change: a gradient that is there already takes them where it lies.
    backward = function(ctx, grad)
        local sum, ids = ctx:sum(2), ctx.saved[1]
        if sum then
            c.check(lib.yoso_embedding_grad_into(sum.handle, grad.handle, ids.handle, ctx.padding))
            return nil, sum
        end
        return nil, call(lib.yoso_embedding_grad, grad.handle, ids.handle, ctx.rows, ctx.padding)
    end,
    sample = function(random)
        return {tensor.tensor({{0, 2}, {2, 4}}, "i64"), random{5, 3}}
    end,
}

return M
