-- A tiny model and batch for specs.
local yoso = require "yoso"

local M = {}

--- A configuration of two small layers, with some fields changed.
function M.config(changes)
    local fields = {vocab_size = 40, hidden_size = 16, num_hidden_layers = 2, num_attention_heads = 2,
        intermediate_size = 24, max_position_embeddings = 12, type_vocab_size = 2, num_hash = 4,
        hash_code_len = 4, initializer_range = 0.3, hidden_dropout_prob = 0}
    for name, value in pairs(changes or {}) do
        fields[name] = value
    end
    return yoso.YosoConfig(fields)
end

--- A model of the class with the same weights each time, in eval mode.
function M.model(class, changes)
    yoso.manual_seed(7)
    return yoso[class or "YosoModel"](M.config(changes)):eval()
end

--- i64 [rows, length], ids from 2 on.
function M.ids(rows, length)
    local list = {}
    for i = 1, rows do
        list[i] = {}
        for j = 1, length do
            list[i][j] = 2 + (i * 17 + j * 5) % 37
        end
    end
    return yoso.tensor(list, "i64")
end

--- The largest difference of two tensors.
function M.difference(a, b)
    return (a - b):abs():max():item()
end

--- A new empty folder; the caller removes it.
function M.folder()
    local path = os.tmpname()
    os.remove(path)
    assert(require("yoso.io.file").mkdir(path))
    return path
end

return M
