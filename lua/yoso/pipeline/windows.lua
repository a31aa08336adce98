-- Long texts as overlapping windows: a record of the tokenizer and those that overflowed it.
local M = {}

--- All windows of an encoding in the text's order.
function M.of(record)
    local windows = {record}
    for _, more in ipairs(record.overflowing or {}) do
        windows[#windows + 1] = more
    end
    return windows
end

--- How much a window knows about the token at place i: the tokens to its nearer end.
function M.context(window, i)
    return math.min(i - 1, #window.ids - i)
end

return M
