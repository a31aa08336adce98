-- Numbers for specs: reproducible inputs, and comparison of tensors with expected values.
local yoso = require "yoso"

local M = {}

--- A tensor with sin(0.7 i + shift) at element i = 0, 1, ..: the same in any language.
function M.wave(shape, shift, dtype)
    local n = 1
    for _, size in ipairs(shape) do
        n = n * size
    end
    local values = {}
    for i = 1, n do
        values[i] = math.sin(0.7 * (i - 1) + shift)
    end
    local tensor = yoso.tensor(values):reshape(shape)
    return dtype and tensor:to(dtype) or tensor
end

--- The largest absolute difference between a tensor's elements and a list (or a tensor).
function M.distance(tensor, expected)
    local got = tensor:to("f32"):reshape(-1):totable()
    if yoso.is_tensor(expected) then
        expected = expected:to("f32"):reshape(-1):totable()
    end
    assert(#got == #expected, ("%d elements, %d expected"):format(#got, #expected))
    local most = 0
    for i = 1, #got do
        local difference = math.abs(got[i] - expected[i])
        if difference ~= difference then
            return 0 / 0
        end
        most = math.max(most, difference)
    end
    return most
end

--- Raises unless all elements are within tolerance (default 1e-6) of expected.
function M.close(tensor, expected, tolerance)
    local distance = M.distance(tensor, expected)
    local is_close = distance <= (tolerance or 1e-6) -- NaN is not
    if not is_close then
        error(("differs by %g from what is expected"):format(distance), 2)
    end
end

return M
