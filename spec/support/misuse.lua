-- The rule for a caller's mistakes: one line, raised where the caller stands, saying what.
local assert = require "luassert"

--- fn must raise a message that names the spec's own line and holds each of the given texts.
return function(fn, ...)
    local ok, message = pcall(fn)
    assert.is_false(ok, "nothing was raised")
    assert.is_string(message)
    local place, text = message:match("^(.-_spec%.lua:%d+): (.*)$")
    assert.is_truthy(place, "not at the caller's line: " .. message)
    assert.is_nil(text:find("\n", 1, true), "more than one line: " .. message)
    for _, wanted in ipairs{...} do
        assert.is_truthy(text:find(wanted, 1, true),
            ("%q is not in %q"):format(wanted, text))
    end
end
