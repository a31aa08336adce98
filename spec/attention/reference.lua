-- YOSO's formulas in plain Lua doubles, on lists of rows: what the kernels must compute.
local M = {}

function M.dot(a, b)
    local sum = 0
    for i = 1, #a do
        sum = sum + a[i] * b[i]
    end
    return sum
end
local dot = M.dot

function M.unit(row)
    local length = math.max(math.sqrt(dot(row, row)), 1e-12)
    local result = {}
    for i = 1, #row do
        result[i] = row[i] / length
    end
    return result, length
end

local function units(rows)
    local result, lengths = {}, {}
    for i, row in ipairs(rows) do
        result[i], lengths[i] = M.unit(row)
    end
    return result, lengths
end

--- (1 - arccos(a . b) / pi)^T.
function M.weight(a, b, code_len)
    local x = math.max(-1, math.min(1, dot(a, b)))
    return (1 - math.acos(x) / math.pi) ^ code_len
end

local function zeros(rows, size)
    local result = {}
    for i = 1, rows do
        result[i] = {}
        for e = 1, size do
            result[i][e] = 0
        end
    end
    return result
end

local function add(row, factor, other)
    for e = 1, #row do
        row[e] = row[e] + factor * other[e]
    end
end

--- The expectation of normalised queries and keys, its result normalised too; and the surrogate
-- gradients of q, k and v for the result's gradient `grad`.
function M.attention(q, k, v, code_len, grad)
    local qn, q_length = units(q)
    local kn, k_length = units(k)
    local raw = zeros(#q, #v[1])
    for i = 1, #q do
        for j = 1, #k do
            add(raw[i], M.weight(qn[i], kn[j], code_len), v[j])
        end
    end
    local out, out_length = units(raw)
    if not grad then
        return out
    end
    local function before_unit(g, unit, length)
        local along, result = dot(g, unit), {}
        for e = 1, #g do
            result[e] = (g[e] - along * unit[e]) / length
        end
        return result
    end
    local dq, dk, dv = zeros(#q, #q[1]), zeros(#k, #q[1]), zeros(#k, #v[1])
    for i = 1, #q do
        local g = before_unit(grad[i], out[i], out_length[i])
        for j = 1, #k do
            local weight = M.weight(qn[i], kn[j], code_len)
            local surrogate = code_len / 2 * weight * dot(g, v[j])
            add(dq[i], surrogate, kn[j])
            add(dk[j], surrogate, qn[i])
            add(dv[j], weight, g)
        end
    end
    for i = 1, #q do
        dq[i] = before_unit(dq[i], qn[i], q_length[i])
    end
    for j = 1, #k do
        dk[j] = before_unit(dk[j], kn[j], k_length[j])
    end
    return out, dq, dk, dv
end

--- Softmax attention of one head.
function M.softmax(q, k, v)
    local out = zeros(#q, #v[1])
    for i = 1, #q do
        local total, weights, largest = 0, {}, -math.huge
        for j = 1, #k do
            weights[j] = dot(q[i], k[j]) / math.sqrt(#q[i])
            largest = math.max(largest, weights[j])
        end
        for j = 1, #k do
            weights[j] = math.exp(weights[j] - largest)
            total = total + weights[j]
        end
        for j = 1, #k do
            add(out[i], weights[j] / total, v[j])
        end
    end
    return out
end

--- fast_hash of one row in double: sign is [3][P][D2]; returns num_hash codes, and the smallest
-- magnitude whose sign was read.
function M.fast_hash(row, sign, num_hash, code_len)
    local size = #sign[1][1]
    local group, codes, smallest = math.floor(size / code_len), {}, math.huge
    for p = 1, #sign[1] do
        local x = {}
        for d = 1, size do
            x[d] = row[d] or 0
        end
        for round = 1, 3 do
            local y = {}
            for i = 1, size do
                y[i] = 0
                for d = 1, size do
                    local bits, odd = bit.band(i - 1, d - 1), 0
                    while bits > 0 do
                        odd, bits = odd + bits % 2, math.floor(bits / 2)
                    end
                    y[i] = y[i] + (odd % 2 == 0 and 1 or -1) * sign[round][p][d] * x[d]
                end
            end
            x = y
        end
        for c = 0, group - 1 do
            if #codes < num_hash then
                local code = 0
                for t = 0, code_len - 1 do
                    local value = x[c * code_len + t + 1]
                    smallest = math.min(smallest, math.abs(value))
                    code = code + (value > 0 and 2 ^ t or 0)
                end
                codes[#codes + 1] = code
            end
        end
    end
    return codes, smallest
end

return M
