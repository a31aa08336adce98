-- All operations in one table, `yoso.ops`; loading it gives tensors their methods.
local M = {}

for _, room in ipairs{
    "view", "elementwise",

    -- reductions, gathering, sorting
    "reduce", "unary", "compare", "create", "gather", "join",

    -- matrix products, layers, losses
    "matmul", "linear", "softmax", "norm", "embedding", "conv", "dropout", "loss",

    -- attention
    "attention", "lsh", "block", "layer",

    -- functions
    "checkpoint",

} do
    for name, fn in pairs(require("yoso.ops." .. room)) do
        M[name] = fn
    end
end

return M
