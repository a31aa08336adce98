/* Elementary functions in f32, branch-free, so that a loop over an array becomes vector code in
 * every variant. Polynomials are minimax fits; errors are against the exact function:
 * exp, expm1, log, log1p, tanh, sigmoid, erf to 3 units in the last place, the normal
 * distribution's tails to 3e-5 relative. NaN gives NaN; infinities and zeros give their limits. */
#ifndef YO_CPU_VMATH_H
#define YO_CPU_VMATH_H

#include <math.h>

#include "core/dtype.h"

#ifdef __FMA__
#define YO_FMA(a, b, c) fmaf(a, b, c)
#else
#define YO_FMA(a, b, c) ((a) * (b) + (c))
#endif

static inline float yo_copy_sign(float magnitude, float sign)
{
    return yo_float_from_bits((yo_bits_of_float(magnitude) & 0x7fffffffu) |
                              (yo_bits_of_float(sign) & 0x80000000u));
}

static inline float yo_magnitude(float x)
{
    return yo_float_from_bits(yo_bits_of_float(x) & 0x7fffffffu);
}

/* (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2. */
static inline float yo_exp_rest(float r)
{
    float p = YO_FMA(r, 0.000197903413f, 0.00139446591f);
    p = YO_FMA(p, r, 0.00833349675f);
    p = YO_FMA(p, r, 0.0416662954f);
    p = YO_FMA(p, r, 0.166666657f);
    return YO_FMA(p, r, 0.5f);
}

/* x = n ln 2 + r; the integer n sits in the low bits of *shifted. */
static inline float yo_exp_reduce(float x, float *n, uint32_t *integer)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: its last bit is worth 1 */
    float shifted = YO_FMA(x, 1.44269504f, magic);
    *n = shifted - magic;
    *integer = yo_bits_of_float(shifted) - 0x4b400000u;
    return YO_FMA(*n, -1.42860682e-6f, YO_FMA(*n, -0.693145752f, x));
}

/* 2^n for -126 <= n <= 127 in two's complement. */
static inline float yo_power_of_two(uint32_t n)
{
    return yo_float_from_bits((n + 127u) << 23);
}

static inline float yo_exp(float x)
{
    float clamped = x < -104.0f ? -104.0f : x;
    clamped = clamped > 89.0f ? 89.0f : clamped;
    float n;
    uint32_t integer;
    float r = yo_exp_reduce(clamped, &n, &integer);
    float p = YO_FMA(r * r, yo_exp_rest(r), r) + 1.0f;
    /* 2^n in two factors, so that subnormal and infinite results come out right. */
    uint32_t half = (uint32_t)((int32_t)integer >> 1);
    return p * yo_power_of_two(half) * yo_power_of_two(integer - half);
}

static inline float yo_expm1(float x)
{
    float clamped = x < -20.0f ? -20.0f : x;
    clamped = clamped > 89.0f ? 89.0f : clamped;
    float n;
    uint32_t integer;
    float r = yo_exp_reduce(clamped, &n, &integer);
    float p = YO_FMA(r * r, yo_exp_rest(r), r);
    uint32_t half = (uint32_t)((int32_t)integer >> 1);
    float a = yo_power_of_two(half), b = yo_power_of_two(integer - half);
    float result = YO_FMA(p * a, b, a * b - 1.0f); /* 2^n (p + 1) - 1 */
    return x > 88.8f ? INFINITY : x == 0.0f ? x : result;
}

/* ln(m 2^e) with m in [sqrt(1/2), sqrt(2)): ln m = 2 artanh(s), s = (m - 1) / (m + 1). */
static inline float yo_log(float x)
{
    bool tiny = x < 0x1p-126f;
    uint32_t shifted = yo_bits_of_float(tiny ? x * 0x1p23f : x) - 0x3f3504f3u;
    float e = (float)((int32_t)shifted >> 23) - (tiny ? 23.0f : 0.0f);
    float f = yo_float_from_bits((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float s = f / (2.0f + f), z = s * s, half = 0.5f * f * f;
    float p = YO_FMA(z, 0.235851735f, 0.285371602f);
    p = YO_FMA(p, z, 0.400003374f);
    p = YO_FMA(p, z, 0.666666627f) * z;
    float low = YO_FMA(e, 1.42860682e-6f, s * (half + p));
    float result = YO_FMA(e, 0.693145752f, f - (half - low));
    result = x == INFINITY ? x : result;
    return x > 0.0f ? result : x == 0.0f ? -INFINITY : NAN;
}

/* The rounding error of 1 + x is put back: ln(1 + x) = ln u + (x - (u - 1)) / u. */
static inline float yo_log1p(float x)
{
    float u = 1.0f + x;
    float result = yo_log(u) + (x - (u - 1.0f)) / u;
    return yo_magnitude(x) < 1e-4f      ? YO_FMA(-0.5f * x, x, x)
           : u == 0.0f || x == INFINITY ? yo_log(u)
                                        : result;
}

static inline float yo_sigmoid(float x)
{
    return 1.0f / (1.0f + yo_exp(-x));
}

static inline float yo_tanh(float x)
{
    float size = yo_magnitude(x), z = x * x;
    float p = YO_FMA(z, -0.0057170419f, 0.0206505843f);
    p = YO_FMA(p, z, -0.0537434965f);
    p = YO_FMA(p, z, 0.133314908f);
    p = YO_FMA(p, z, -0.333332837f);
    float small = YO_FMA(p * z, x, x);
    float large = yo_copy_sign(1.0f - 2.0f / (yo_exp(2.0f * size) + 1.0f), x);
    return size < 0.625f ? small : size != size ? x : large;
}

/* erfc(z) = exp(-z^2) R(t), t = 1 / (1 + 0.4 z), z >= 0. *gauss is exp(-z^2). Both are 0 where erfc
 * would be below the smallest normal number: subnormal ones cost a hundred times as much. */
static inline float yo_erfc_tail(float z, float *gauss)
{
    const float last = 9.1f;
    float inside = z > last ? last : z;
    float t = 1.0f / YO_FMA(0.4f, z, 1.0f);
    float r = YO_FMA(t, 0.0414351411f, -0.141211718f);
    r = YO_FMA(r, t, 0.0858469009f);
    r = YO_FMA(r, t, 0.0858184323f);
    r = YO_FMA(r, t, 0.081252262f);
    r = YO_FMA(r, t, 0.192750171f);
    r = YO_FMA(r, t, 0.202053621f);
    r = YO_FMA(r, t, 0.226419628f);
    r = YO_FMA(r, t, 0.225635618f) * t;
    float e = yo_exp(-inside * inside);
    *gauss = z > last ? 0.0f : e;
    return z > last ? 0.0f : r * e;
}

static inline float yo_erf(float x)
{
    float size = yo_magnitude(x), z = x * x, gauss;
    float p = YO_FMA(z, 7.88911348e-05f, -0.00080208393f);
    p = YO_FMA(p, z, 0.00518953521f);
    p = YO_FMA(p, z, -0.0268544443f);
    p = YO_FMA(p, z, 0.112836003f);
    p = YO_FMA(p, z, -0.37612626f);
    p = YO_FMA(p, z, 1.12837911f);
    float large = yo_copy_sign(1.0f - yo_erfc_tail(size, &gauss), x);
    return size < 1.0f ? p * x : size != size ? x : large;
}

/* The normal distribution, P(X < x); *density is its density at x. */
static inline float yo_normal(float x, float *density)
{
    float gauss, size = yo_magnitude(x);
    float tail = 0.5f * yo_erfc_tail(size * 0.707106781f, &gauss);
    *density = 0.398942280f * gauss;
    return x != x ? x : x > 0.0f ? 1.0f - tail : tail;
}

#endif
