-- Whether the special tokens around a text leave room for it.
local c = require "yoso.c"

local M = {}

--- An error at the caller's line where max_length tokens hold no more than the special ones of an input.
function M.check(where, tokenizer, max_length)
    local special = #tokenizer:encode("", {fields = "ids"}).ids
    if max_length <= special then
        c.raise(("%s: max_length is %d, must be above the %d special tokens of an input"):format(where,
            max_length, special))
    end
end

return M
