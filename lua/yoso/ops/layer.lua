-- One encoder layer with its gradient, as one operation: what training runs. Its parts, and what
-- the gradient keeps, are in src/ops/train_layer.c.
local c = require "yoso.c"
local attention = require "yoso.ops.attention"
local op = require "yoso.op"
local tensor = require "yoso.tensor"
local unary = require "yoso.ops.unary"

local lib = c.lib
local call, handle = tensor.call, tensor.handle
local new_weights = c.typeof("yoso_layer_weights")
local new_options = c.typeof("yoso_layer_options")
local saved_slots = c.typeof("yoso_tensor *[" .. lib.YOSO_LAYER_SAVED .. "]")
local weight_slots = c.typeof("yoso_tensor *[" .. lib.YOSO_LAYER_WEIGHTS .. "]")

local M = {}

--- The names of a layer's parameters, in the order in which layer takes them; the last, conv_weight,
-- may be missing.
local names = {"query_weight", "query_bias", "key_weight", "key_bias", "value_weight",
    "value_bias", "projection_weight", "projection_bias", "attention_norm_weight",
    "attention_norm_bias", "inner_weight", "inner_bias", "outer_weight", "outer_bias",
    "output_norm_weight", "output_norm_bias", "conv_weight"}

local function weights_of(list)
    local weights = new_weights()
    for i, name in ipairs(names) do
        if list[i] ~= nil then
            weights[name] = handle(list[i], "yoso_layer", name)
        elseif name ~= "conv_weight" then
            c.raise(("yoso_layer: %s is missing"):format(name))
        end
    end
    return weights
end

local run = op.define{
    name = "yoso_layer",
    forward = function(ctx, hidden, packing, attending, options, ...)
        local weights, saved = {...}, ctx.recording and saved_slots() or nil
        local out = call(lib.yoso_layer, saved, handle(hidden, "yoso_layer", "hidden"),
            weights_of(weights), handle(packing.offset, "yoso_layer", "offset"),
            packing.keep and handle(packing.keep, "yoso_layer", "keep"), attending, options)
        if saved then
            ctx:save(hidden, unpack(weights, 1, #names))
            ctx.held, ctx.packing = {}, packing
            ctx.attending, ctx.options = attending, options
            for i = 1, lib.YOSO_LAYER_SAVED do
                ctx.held[i] = tensor.adopt(saved[i - 1])
            end
        end
        return out
    end,
    backward = function(ctx, grad)
        local hidden, saved, gradients = ctx.saved[1], saved_slots(), weight_slots()
        for i, held in ipairs(ctx.held) do
            saved[i - 1] = held.handle
        end
        local packing = ctx.packing
        local grad_hidden = call(lib.yoso_layer_grad, gradients, grad.handle, saved, hidden.handle,
            weights_of{unpack(ctx.saved, 2, #names + 1)}, packing.offset.handle,
            packing.keep and packing.keep.handle, ctx.attending, ctx.options)
        local results = {}
        for i = 1, #names do
            if gradients[i - 1] ~= nil then
                results[i] = tensor.adopt(gradients[i - 1])
            end
        end
        return grad_hidden, nil, nil, nil, unpack(results, 1, #names)
    end,
    -- Softmax, whose gradient is the derivative; YOSO's surrogates have their own spec.
    sample = function(random)
        local attending = attention.attention_options({heads = 2, form = "softmax"}, "yoso_layer")
        local options = new_options()
        options.eps, options.activation = 1e-5, unary.activation_code("gelu")
        options.dropout, options.seed[0], options.seed[1] = 0.2, 7, 8
        local function scaled(shape)
            return random(shape) * 0.5
        end
        local w, i = 4, 6
        return {random{5, w}, {offset = tensor.tensor({0, 2, 5}, "i64")}, attending, options,
            scaled{w, w}, random{w}, scaled{w, w}, random{w}, scaled{w, w}, random{w}, scaled{w, w},
            random{w}, random{w}, random{w}, scaled{i, w}, random{i}, scaled{w, i}, random{w},
            random{w}, random{w}, random{2, 1, 3, 1}}
    end,
}

--- yoso_layer(hidden [tokens, width], weights, {offset, keep, heads, form, .., eps, activation,
-- dropout, seeds, split}): one encoder layer. weights has its parameters by name; dropout (0)
-- follows the projection and the outer product, each with one of the two seeds. activation is a
-- name, or a code. split lets products of f32 keep 16 bits where that is faster.
function M.yoso_layer(hidden, weights, given)
    local attending = attention.attention_options(given, "yoso_layer")
    local options = new_options()
    options.eps, options.dropout = given.eps or 1e-12, given.dropout or 0
    options.split = given.split and 1 or 0
    options.activation = type(given.activation) == "number" and given.activation
        or unary.activation_code(given.activation or "gelu")
    local seeds = given.seeds or {0, 0}
    options.seed[0], options.seed[1] = seeds[1], seeds[2]
    local list = {}
    for i, name in ipairs(names) do
        list[i] = weights[name]
    end
    return run(hidden, {offset = given.offset, keep = given.keep}, attending, options,
        unpack(list, 1, #names))
end

return M
