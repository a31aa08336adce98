-- Prints src/core/arccos_power.h: the polynomials that replace arccos and power in YOSO's
-- expectation. With s = sqrt((1 - x) / 2), 1 - arccos(x) / pi = (2 / pi) arccos(s); its square is
-- h(s) = (1 - s) (1 + s r(s)) with r smooth on [0, 1], so that one r serves every hash_code_len.
--   luajit scripts/arccos_polynomial.lua > src/core/arccos_power.h
local function wanted(s)
    return ((2 / math.pi * math.acos(s)) ^ 2 / (1 - s) - 1) / s
end

-- Interpolation at the Chebyshev nodes of [0, 1], solved in the monomial basis.
local function coefficients(count)
    local rows, r = {}, {}
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
    for i = 1, count do
        r[i] = rows[i][count + 1] / rows[i][i]
    end
    return r
end

local function error_of(r)
    local worst = 0
    for i = 1, 99999 do
        local s, p = i / 1e5, 0
        for j = #r, 1, -1 do
            p = p * s + r[j]
        end
        worst = math.max(worst, math.abs((1 + s * p) / (1 + s * wanted(s)) - 1))
    end
    return worst
end

local function print_terms(constant, name, r)
    print(("enum { %s = %d };"):format(constant, #r))
    print(("static const float %s[%s] = {"):format(name, constant))
    for i = 1, #r do
        print(("    %.9ef,"):format(r[i]))
    end
    print("};\n")
end

local long, short = coefficients(8), coefficients(4)
print("/* Made by scripts/arccos_polynomial.lua. With s = sqrt((1 - x) / 2):")
print(" *   (1 - arccos(x) / pi)^2 = (1 - s) (1 + s (R0 + R1 s + R2 s^2 + ...)),")
print((" * relative error %.1e, and %.1e with the short series, so that (1 - arccos(x) / pi)^T is")
    :format(error_of(long), error_of(short)))
print(" * this to the power T / 2. */")
print("#ifndef YO_CORE_ARCCOS_POWER_H\n#define YO_CORE_ARCCOS_POWER_H\n")
print_terms("YO_ARCCOS_TERMS", "yo_arccos_terms", long)
print_terms("YO_ARCCOS_SHORT", "yo_arccos_short", short)
print("#endif")
