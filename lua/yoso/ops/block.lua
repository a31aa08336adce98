-- One encoder layer, and what comes before the first, as one call each, for inference: no dropout, no
-- gradient.
local c = require "yoso.c"
local attention_options = require "yoso.ops.attention".attention_options
local activation_code = require "yoso.ops.linear".activation_code
local tensor = require "yoso.tensor"

local lib = c.lib
local call, handle = tensor.call, tensor.handle
local new_weights = c.typeof("yoso_block_weights")

local M = {}

-- The tensors of yoso_block_weights; conv_weight may be missing.
local names = {"qkv_weight", "qkv_bias", "conv_weight", "projection_weight", "projection_bias",
    "attention_norm_weight", "attention_norm_bias", "inner_weight", "inner_bias", "outer_weight",
    "outer_bias", "output_norm_weight", "output_norm_bias"}

--- block_weights{qkv_weight =, qkv_bias =, ..., eps = 1e-12, activation = "gelu", int8 = false}: a
-- layer's parameters in the form that yoso_block takes; they are held alive by it. It is to be
-- made anew when a parameter moved to another storage (to(), load_state with assign).
function M.block_weights(parts)
    if type(parts) ~= "table" then
        c.raise(("block_weights: the argument is a %s, must be a table"):format(type(parts)))
    end
    local weights = new_weights()
    local kept = {}
    for _, name in ipairs(names) do
        if parts[name] ~= nil then
            weights[name] = handle(parts[name], "block_weights", name)
            kept[name] = parts[name]
        elseif name ~= "conv_weight" then
            c.raise(("block_weights: %s is missing"):format(name))
        end
    end
    weights.eps = parts.eps or 1e-12
    weights.activation = activation_code(parts.activation, "block_weights")
    weights.int8 = parts.int8 and 1 or 0
    return {weights = weights, kept = kept}
end

--- yoso_block(hidden, weights, {heads, offset, keep, form, ..}): hidden [tokens, width] through
-- the layer; weights as block_weights gives them, the rest as attention takes it.
function M.yoso_block(hidden, weights, given)
    local options = attention_options(given, "yoso_block")
    return call(lib.yoso_block, handle(hidden, "yoso_block", "hidden"), weights.weights,
        handle(given.offset, "yoso_block", "offset"),
        given.keep and handle(given.keep, "yoso_block", "keep"), options)
end

local tables_type = c.typeof("const yoso_tensor *[3]")

-- Three tensors, of which the one of types may be missing, in the order of C's enum.
local function three(given, where)
    local list = tables_type()
    list[lib.YOSO_WORDS] = handle(given.words, "embeddings", where .. ".words")
    list[lib.YOSO_POSITIONS] = handle(given.positions, "embeddings", where .. ".positions")
    list[lib.YOSO_TYPES] = given.types and handle(given.types, "embeddings", where .. ".types") or nil
    return list
end

--- embeddings(ids, tables, weight, bias, eps): the rows of the three tables by their ids, summed and
-- normalised, [tokens, width]. ids and tables are {words =, types =, positions =}; without ids.types
-- all have row 0 of that table.
function M.embeddings(ids, tables, weight, bias, eps)
    return call(lib.yoso_embeddings, three(ids, "ids"), three(tables, "tables"),
        handle(weight, "embeddings", "weight"), handle(bias, "embeddings", "bias"), eps)
end

return M
