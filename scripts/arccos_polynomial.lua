-- Prints src/core/arccos_power.h: the polynomial that replaces arccos and power in YOSO's
-- expectation. With s = sqrt((1 - x) / 2), 1 - arccos(x) / pi = (2 / pi) arccos(s); its square is
-- h(s) = (1 - s) (1 + s r(s)) with r smooth on [0, 1], so that one r serves every hash_code_len.
--   luajit scripts/arccos_polynomial.lua > src/core/arccos_power.h
local degree = 7

local function wanted(s)
    return ((2 / math.pi * math.acos(s)) ^ 2 / (1 - s) - 1) / s
end

-- Interpolation at the Chebyshev nodes of [0, 1], solved in the monomial basis.
local count, rows = degree + 1, {}
for i = 1, count do
    local s = (1 + math.cos((i - 0.5) * math.pi / count)) / 2
    local row = {}
    for j = 1, count do
        row[j] = s ^ (j - 1)
    end
    row[count + 1] = wanted(s)
    rows[i] = row
end
for i = 1, count do
    for k = 1, count do
        if k ~= i then
            local factor = rows[k][i] / rows[i][i]
            for j = i, count + 1 do
                rows[k][j] = rows[k][j] - factor * rows[i][j]
            end
        end
    end
end
local r, worst = {}, 0
for i = 1, count do
    r[i] = rows[i][count + 1] / rows[i][i]
end
for i = 1, 99999 do
    local s, p = i / 1e5, 0
    for j = count, 1, -1 do
        p = p * s + r[j]
    end
    worst = math.max(worst, math.abs((1 + s * p) / (1 + s * wanted(s)) - 1))
end

print("/* Made by scripts/arccos_polynomial.lua. With s = sqrt((1 - x) / 2):")
print(" *   (1 - arccos(x) / pi)^2 = (1 - s) (1 + s (R0 + R1 s + R2 s^2 + ...)),")
print((" * relative error %.1e, so that (1 - arccos(x) / pi)^T is this to the power T / 2. */")
    :format(worst))
print("#ifndef YO_CORE_ARCCOS_POWER_H\n#define YO_CORE_ARCCOS_POWER_H\n")
print(("enum { YO_ARCCOS_TERMS = %d };"):format(count))
print("static const float yo_arccos_terms[YO_ARCCOS_TERMS] = {")
for i = 1, count do
    print(("    %.9ef,"):format(r[i]))
end
print("};\n\n#endif")
