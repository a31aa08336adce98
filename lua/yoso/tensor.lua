-- Tensors: the handle, and what makes and reads them, in one table.
local M = require "yoso.tensor.handle"

for _, room in ipairs{require "yoso.tensor.make", require "yoso.tensor.read"} do
    for name, fn in pairs(room) do
        M[name] = fn
    end
end

return M
