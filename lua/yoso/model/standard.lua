-- Whether a layer's parts are what the model made. A module or a forward of the user's own in the
-- layer means that it is computed in parts.
local nn = require "yoso.nn"

local M = {}

-- true for an instance of the class itself with the class's own forward.
local function is_plain(module, class)
    return getmetatable(module) == class and rawget(module, "forward") == nil
end

local function is_plain_output(output, class)
    return is_plain(output, class) and is_plain(output.dense, nn.Linear)
        and is_plain(output.LayerNorm, nn.LayerNorm) and is_plain(output.dropout, nn.Dropout)
end

--- true where all are nn.Linear as it is.
function M.are_linear(...)
    for i = 1, select("#", ...) do
        if not is_plain(select(i, ...), nn.Linear) then
            return false
        end
    end
    return true
end

--- true where one call may stand for the layer. classes = {Attention, Self, SelfOutput, Intermediate,
-- Output}.
function M.is_standard(block, classes)
    local attention = block.attention
    local own = attention.self
    return is_plain(attention, classes.Attention) and is_plain(own, classes.Self)
        and M.are_linear(own.query, own.key, own.value, block.intermediate.dense)
        and is_plain_output(attention.output, classes.SelfOutput)
        and is_plain(block.intermediate, classes.Intermediate)
        and is_plain_output(block.output, classes.Output)
        and attention.output.dropout.p == block.output.dropout.p
        and attention.output.LayerNorm.eps == block.output.LayerNorm.eps
end

return M
