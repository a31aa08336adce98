/* Made by scripts/arccos_polynomial.lua. With s = sqrt((1 - x) / 2):
 *   (1 - arccos(x) / pi)^2 = (1 - s) (1 + s (R0 + R1 s + R2 s^2 + ...)),
 * relative error 2.6e-08, and 6.8e-05 with the short series, so that (1 - arccos(x) / pi)^T is
 * this to the power T / 2. */
#ifndef YO_CORE_ARCCOS_POWER_H
#define YO_CORE_ARCCOS_POWER_H

enum { YO_ARCCOS_TERMS = 8 };
static const float yo_arccos_terms[YO_ARCCOS_TERMS] = {
    -2.732395057e-01f,
    1.320401656e-01f,
    -8.005240749e-02f,
    5.400450312e-02f,
    -3.649361031e-02f,
    2.108027117e-02f,
    -8.352058138e-03f,
    1.582132353e-03f,
};

enum { YO_ARCCOS_SHORT = 4 };
static const float yo_arccos_short[YO_ARCCOS_SHORT] = {
    -2.731444723e-01f,
    1.289321304e-01f,
    -6.263098148e-02f,
    1.746781925e-02f,
};

#endif
