-- Compares gradients with finite differences of fourth order. Everything runs in f32: outputs
-- are compared element by element in double, so a step of 2^-6 leaves about five right digits.
local autograd = require "yoso.autograd"
local c = require "yoso.c"
local random = require "yoso.random"
local tensor = require "yoso.tensor"

local M = {}

local STEP, FULL, DIRECTIONS = 2 ^ -6, 96, 4

local function is_float(value)
    return tensor.is(value) and value:dtype() == "f32"
end

-- The float tensors among what fn returned, as one list; fn may return one list of them.
local function outputs_of(...)
    local list = {}
    for i = 1, select("#", ...) do
        local value = select(i, ...)
        if tensor.is(value) then
            list[#list + 1] = is_float(value) and value or nil
        elseif type(value) == "table" then
            for _, inner in ipairs(value) do
                list[#list + 1] = is_float(inner) and inner or nil
            end
        end
    end
    return list
end

-- sum of weights * outputs, in double.
local function weighted(fn, inputs, count, weights)
    local outputs = outputs_of(autograd.no_grad(fn, unpack(inputs, 1, count)))
    local total = 0
    for i, out in ipairs(outputs) do
        local copy, data = tensor.readable(out, "gradcheck")
        for k = 0, out:numel() - 1 do
            total = total + weights[i][k + 1] * data[k]
        end
        copy:free()
    end
    return total
end

-- The derivative of the weighted sum along `direction` of input number `which`.
local function slope(fn, inputs, count, which, direction, weights)
    local original = inputs[which]
    local function at(distance)
        local moved = {unpack(inputs, 1, count)}
        moved[which] = original + direction * distance
        return weighted(fn, moved, count, weights)
    end
    return autograd.no_grad(function()
        local near = at(STEP) - at(-STEP)
        local far = at(2 * STEP) - at(-2 * STEP)
        return (8 * near - far) / (12 * STEP)
    end)
end

local function dot(a, b)
    return (a * b):sum():item()
end

local function compare(where, expected, got, tolerance)
    local close = math.abs(expected - got) <= tolerance * math.max(1, math.abs(expected))
    if not close then -- NaN is not close
        return false, ("%s: differences say %.6g, the gradient %.6g"):format(where, expected, got)
    end
    return true
end

-- Checks one input: every element of a small one, and some random directions of any.
local function check_input(fn, inputs, count, which, grad, weights, options)
    local x = inputs[which]
    local shape, numel = x:shape(), x:numel()
    local place = ("input %d %s"):format(which, tensor.shape_text(x))
    for i = 1, numel <= FULL and numel or 0 do
        local unit = tensor.zeros({numel})
        unit:narrow(1, i, 1):fill_(1)
        unit = unit:reshape(shape)
        local ok, message = compare(("%s, element %d"):format(place, i),
            slope(fn, inputs, count, which, unit, weights), dot(grad, unit), options.tolerance)
        if not ok then
            return false, message
        end
    end
    for i = 1, DIRECTIONS do
        local direction = random.randn(shape, {seed = random.derive(options.seed, 100 * which + i)})
        direction = direction / math.sqrt(math.max(1, numel))
        local ok, message = compare(("%s, random direction %d"):format(place, i),
            slope(fn, inputs, count, which, direction, weights), dot(grad, direction),
            options.tolerance)
        if not ok then
            return false, message
        end
    end
    return true
end

--- gradcheck(fn, inputs, {tolerance = 2e-3, seed = 1, skip = {[i] = true}}): true, or false and
-- where fn's gradient differs from its finite differences. Every f32 tensor among inputs is
-- checked, but for those in skip; fn(unpack(inputs)) returns tensors or a list of them.
function M.gradcheck(fn, inputs, options)
    if type(fn) ~= "function" then
        c.raise(("gradcheck: fn is a %s, must be a function"):format(type(fn)))
    end
    if type(inputs) ~= "table" or tensor.is(inputs) then
        c.raise("gradcheck: inputs must be a list")
    end
    options = options or {}
    options = {tolerance = options.tolerance or 2e-3, seed = options.seed or 1,
        skip = options.skip or {}}
    local count = table.maxn(inputs)
    local leaves = {}
    for i = 1, count do
        local value = inputs[i]
        leaves[i] = is_float(value) and value:detach():clone():requires_grad(true) or value
    end
    local weights, loss = {}, nil
    for i, out in ipairs(outputs_of(fn(unpack(leaves, 1, count)))) do
        local weight = random.randn(out:shape(), {seed = random.derive(options.seed, i)})
        weights[i] = weight:reshape(-1):totable()
        local part = (out * weight):sum()
        loss = loss and loss + part or part
    end
    if not loss or not autograd.needs_grad(loss) then
        return false, "no float output depends on a float input"
    end
    loss:backward()
    local plain = {}
    for i = 1, count do
        plain[i] = is_float(leaves[i]) and leaves[i]:detach() or leaves[i]
    end
    for i = 1, count do
        if is_float(leaves[i]) and not options.skip[i] then
            local grad = leaves[i].grad or tensor.zeros(leaves[i]:shape())
            local ok, message = check_input(fn, plain, count, i, grad, weights, options)
            if not ok then
                return false, message
            end
        end
    end
    return true
end

return M
