-- Prints cuda/collision_terms.cuh: for every hash_code_len T a short polynomial g with
-- (1 - arccos(x) / pi)^T = g(s)^(2^k), s = sqrt((1 - x) / 2), for results of 16 bits. Weights of
-- unrelated vectors, 2^-T, decide as much as those of similar ones, so the error is relative, for
-- weights down to a tenth of that. For odd and small T there is none: the function's slope at
-- x = -1 is not that of a polynomial's power.
--   luajit scripts/collision_polynomial.lua > cuda/collision_terms.cuh
local TERMS, POINTS, ROUNDS, BOUND, FLOOR = 4, 1000, 300, 2e-3, 0.1

local function wanted(s, bits)
    return (2 / math.pi * math.acos(s)) ^ bits
end

-- Solves a x = b by elimination.
local function solve(a, b)
    local n = #b
    for i = 1, n do
        local best = i
        for k = i + 1, n do
            best = math.abs(a[k][i]) > math.abs(a[best][i]) and k or best
        end
        a[i], a[best], b[i], b[best] = a[best], a[i], b[best], b[i]
        for k = 1, n do
            if k ~= i then
                local factor = a[k][i] / a[i][i]
                for j = i, n do
                    a[k][j] = a[k][j] - factor * a[i][j]
                end
                b[k] = b[k] - factor * b[i]
            end
        end
    end
    for i = 1, n do
        b[i] = b[i] / a[i][i]
    end
    return b
end

-- Least squares whose weights grow where the error is largest (Lawson, 1961).
local function fit(bits, squarings)
    local power = 2 ^ squarings
    local points, best = {}, {worst = math.huge}
    for i = 1, POINTS do
        local s = (1 + math.cos((i - 0.5) * math.pi / POINTS)) / 2
        local g = wanted(s, bits) ^ (1 / power)
        local size = g ^ power + FLOOR * 2 ^ -bits
        points[i] = {s = s, g = g, size = size, weight = 1,
            slope = power * g ^ (power - 1) / size + 1e-6}
    end
    for _ = 1, ROUNDS do
        local a, b = {}, {}
        for i = 1, TERMS do
            a[i], b[i] = {}, 0
            for j = 1, TERMS do
                a[i][j] = 0
            end
        end
        for _, p in ipairs(points) do
            local w = p.weight * p.slope ^ 2
            for i = 1, TERMS do
                for j = 1, TERMS do
                    a[i][j] = a[i][j] + w * p.s ^ (i + j)
                end
                b[i] = b[i] + w * p.s ^ i * (p.g - 1)
            end
        end
        local terms, worst, total = solve(a, b), 0, 0
        for _, p in ipairs(points) do
            local value = 0
            for i = TERMS, 1, -1 do
                value = (value + terms[i]) * p.s
            end
            local off = math.abs((1 + value) ^ power - p.g ^ power) / p.size
            worst = math.max(worst, off)
            p.weight = p.weight * (off + 1e-12)
            total = total + p.weight
        end
        for _, p in ipairs(points) do
            p.weight = p.weight * POINTS / total
        end
        if worst < best.worst then
            best = {worst = worst, terms = terms, squarings = squarings}
        end
    end
    return best
end

print("/* Made by scripts/collision_polynomial.lua. With s = sqrt((1 - x) / 2):")
print(" *   (1 - arccos(x) / pi)^T = (1 + s (C0 + C1 s + C2 s^2 + C3 s^3))^(2^k)")
print((" * to %.0e of the weight; k of -1 where that cannot be had. */"):format(BOUND))
print("#ifndef YO_CUDA_COLLISION_TERMS_CUH\n#define YO_CUDA_COLLISION_TERMS_CUH\n")
print(("enum { YO_QUICK_TERMS = %d };"):format(TERMS))
print("static const struct {\n    int k;\n    float c[YO_QUICK_TERMS];\n} yo_quick_terms[16] = {")
for bits = 1, 16 do
    local best = {worst = math.huge}
    for squarings = 0, 3 do
        local candidate = fit(bits, squarings)
        best = candidate.worst < best.worst and candidate or best
    end
    if best.worst > BOUND then
        best = {squarings = -1, terms = {0, 0, 0, 0}}
    end
    print(("    {%d, {%.9ef, %.9ef, %.9ef, %.9ef}}, /* %s */"):format(best.squarings,
        best.terms[1], best.terms[2], best.terms[3], best.terms[4],
        best.worst and ("%.1e"):format(best.worst) or "none"))
end
print("};\n\n#endif")
