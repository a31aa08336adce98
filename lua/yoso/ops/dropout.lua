-- Dropout. The mask is made from the seed and kept nowhere: the gradient makes it again.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle

local M = {}

local seeded = op.define{
    name = "dropout",
    forward = function(ctx, x, p, seed)
        ctx.p, ctx.seed = p, seed
        return call(lib.yoso_dropout, handle(x, "dropout", "x"), p, seed)
    end,
    backward = function(ctx, grad)
        return call(lib.yoso_dropout, grad.handle, ctx.p, ctx.seed)
    end,
    sample = function(random)
        return {random{4, 5}, 0.3, 7}
    end,
}

--- dropout(x, p, seed): zeroes with probability p, divides the rest by 1 - p. Without a seed, the
-- next one of the global stream.
function M.dropout(x, p, seed)
    if type(p) ~= "number" then
        c.raise(("dropout: p is a %s, must be a number from 0 to 1"):format(type(p)))
    end
    return seeded(x, p, seed or require("yoso.random").next_seed())
end

return M
