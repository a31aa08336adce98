-- Depth-wise convolution along packed sequences.
local c = require "yoso.c"
local op = require "yoso.op"
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle
local slot = c.typeof("yoso_tensor *[1]")

local M = {}

--- depthwise_conv(value, weight, heads, offset, keep): value [tokens, heads * size], weight
-- [heads, 1, window, 1] with an odd window, offset i64 [sequences + 1], keep u8 or bool [tokens]
-- or nil (what is 0 there is read as zeros).
M.depthwise_conv = op.define{
    name = "depthwise_conv",
    forward = function(ctx, value, weight, heads, offset, keep)
        local out = call(lib.yoso_depthwise_conv, handle(value, "depthwise_conv", "value"),
            handle(weight, "depthwise_conv", "weight"), heads,
            handle(offset, "depthwise_conv", "offset"),
            keep and handle(keep, "depthwise_conv", "keep"))
        ctx:save(value, weight, offset, keep)
        ctx.heads = heads
        return out
    end,
    backward = function(ctx, grad)
        local saved = ctx.saved
        local of_value, of_weight = slot(), slot()
        c.check(lib.yoso_depthwise_conv_grad(of_value, of_weight, grad.handle, saved[1].handle,
            saved[2].handle, ctx.heads, saved[3].handle, saved[4] and saved[4].handle))
        return tensor.adopt(of_value[0]), tensor.adopt(of_weight[0])
    end,
    sample = function(random)
        return {random{7, 6}, random{2, 1, 3, 1}, 2, tensor.tensor({0, 4, 7}, "i64"),
            tensor.tensor({1, 1, 0, 1, 1, 1, 1}, "u8")}
    end,
}

return M
