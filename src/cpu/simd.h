/* Vectors of floats as wide as the variant's registers: one source for AVX-512, AVX2 and plain
 * C. Arithmetic is written with the operators of GCC's vector extension; what they lack is here. */
#ifndef YO_CPU_SIMD_H
#define YO_CPU_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cpu/cpu.h"

#if defined(__AVX512F__)
#include <immintrin.h>
enum { YO_LANES = 16 };
#elif defined(__AVX2__)
#include <immintrin.h>
enum { YO_LANES = 8 };
#else
enum { YO_LANES = 4 };
#endif

typedef float yo_vec __attribute__((vector_size(4 * YO_LANES)));
typedef int32_t yo_ivec __attribute__((vector_size(4 * YO_LANES)));
typedef float yo_vec_anywhere __attribute__((vector_size(4 * YO_LANES), aligned(4), may_alias));
typedef int32_t yo_ivec_anywhere __attribute__((vector_size(4 * YO_LANES), aligned(4), may_alias));

YO_INLINE yo_vec yo_load(const float *x)
{
    return *(const yo_vec_anywhere *)x;
}

YO_INLINE void yo_store(float *x, yo_vec value)
{
    *(yo_vec_anywhere *)x = value;
}

YO_INLINE yo_vec yo_splat(float x)
{
    return x - (yo_vec){0};
}

/* a * b + c, rounded once where the machine can. */
YO_INLINE yo_vec yo_fma(yo_vec a, yo_vec b, yo_vec c)
{
#if defined(__AVX512F__)
    return (yo_vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (yo_vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

YO_INLINE yo_vec yo_sqrt(yo_vec x)
{
#if defined(__AVX512F__)
    return (yo_vec)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
    return (yo_vec)_mm256_sqrt_ps((__m256)x);
#else
    for (int i = 0; i < YO_LANES; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

/* Lanes of a where mask is set (all ones), of b elsewhere. */
YO_INLINE yo_vec yo_select(yo_ivec mask, yo_vec a, yo_vec b)
{
    return (yo_vec)((mask & (yo_ivec)a) | (~mask & (yo_ivec)b));
}

/* The larger, the smaller; b where one is NaN. */
YO_INLINE yo_vec yo_max(yo_vec a, yo_vec b)
{
#if defined(__AVX512F__)
    return (yo_vec)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (yo_vec)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return yo_select(a > b, a, b);
#endif
}

YO_INLINE yo_vec yo_min(yo_vec a, yo_vec b)
{
#if defined(__AVX512F__)
    return (yo_vec)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (yo_vec)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return yo_select(a < b, a, b);
#endif
}

/* A vector of F(lane), for the indices of shuffles: they must be constants where they are used. */
#if defined(__AVX512F__)
#define YO_EACH_LANE(F)                                                                            \
    {                                                                                              \
        F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7), F(8), F(9), F(10), F(11), F(12), F(13),    \
            F(14), F(15)                                                                           \
    }
#elif defined(__AVX2__)
#define YO_EACH_LANE(F)                                                                            \
    {                                                                                              \
        F(0), F(1), F(2), F(3), F(4), F(5), F(6), F(7)                                             \
    }
#else
#define YO_EACH_LANE(F)                                                                            \
    {                                                                                              \
        F(0), F(1), F(2), F(3)                                                                     \
    }
#endif

/* The lanes of x moved by `distance`, around the end. */
YO_INLINE yo_vec yo_rotate(yo_vec x, const int distance)
{
#define YO_FROM(i) ((i + distance) % YO_LANES)
    return __builtin_shuffle(x, (yo_ivec)YO_EACH_LANE(YO_FROM));
#undef YO_FROM
}

YO_INLINE float yo_sum(yo_vec x)
{
#pragma GCC unroll 4
    for (int half = YO_LANES / 2; half > 0; half /= 2)
        x += yo_rotate(x, half);
    return x[0];
}

YO_INLINE float yo_largest(yo_vec x)
{
#pragma GCC unroll 4
    for (int half = YO_LANES / 2; half > 0; half /= 2)
        x = yo_max(x, yo_rotate(x, half));
    return x[0];
}

/* e^x for x <= 0 and a little above, to 2 ulp; 0 below -87. */
YO_INLINE yo_vec yo_exp(yo_vec x)
{
    x = yo_max(x, yo_splat(-88.0f));
    /* The nearest whole number of powers of two, by the rounding of the addition. */
    yo_vec shifted = yo_fma(x, yo_splat(1.44269504f), yo_splat(0x1.8p23f));
    yo_vec n = shifted - 0x1.8p23f;
    yo_vec r = yo_fma(n, yo_splat(-0.693359375f), x);
    r = yo_fma(n, yo_splat(2.12194440e-4f), r);
    yo_vec p = yo_splat(1.9875691e-4f);
    p = yo_fma(p, r, yo_splat(1.3981999e-3f));
    p = yo_fma(p, r, yo_splat(8.3334519e-3f));
    p = yo_fma(p, r, yo_splat(4.1665796e-2f));
    p = yo_fma(p, r, yo_splat(1.6666665e-1f));
    p = yo_fma(p, r, yo_splat(5.0000001e-1f));
    p = yo_fma(p, r * r, r + 1.0f);
    yo_ivec exponent = ((yo_ivec)shifted << 23) + (127 << 23);
    p = p * (yo_vec)exponent;
    return (yo_vec)((x > -87.0f) & (yo_ivec)p);
}

/* One stage of a transpose: pairs of rows `step` apart exchange blocks of `step` elements. */
YO_INLINE void yo_transpose_stage(yo_vec *row, const int step)
{
#define YO_LOW(j) (j & step ? YO_LANES + j - step : j)
#define YO_HIGH(j) (j & step ? YO_LANES + j : j + step)
    const yo_ivec low = YO_EACH_LANE(YO_LOW), high = YO_EACH_LANE(YO_HIGH);
#undef YO_LOW
#undef YO_HIGH
#pragma GCC unroll 16
    for (int i = 0; i < YO_LANES; i++)
        if (!(i & step)) {
            yo_vec a = row[i], b = row[i + step];
            row[i] = __builtin_shuffle(a, b, low);
            row[i + step] = __builtin_shuffle(a, b, high);
        }
}

/* Lane i is the sum of row i's lanes; the rows are written over. */
YO_INLINE yo_vec yo_sums(yo_vec *row)
{
    yo_transpose_stage(row, 1);
    yo_transpose_stage(row, 2);
#if defined(__AVX2__)
    yo_transpose_stage(row, 4);
#endif
#if defined(__AVX512F__)
    yo_transpose_stage(row, 8);
#endif
#pragma GCC unroll 4
    for (int half = YO_LANES / 2; half > 0; half /= 2)
#pragma GCC unroll 16
        for (int i = 0; i < half; i++)
            row[i] += row[i + half];
    return row[0];
}

/* to[d * to_ld + i] = from[i * ld + d] for i, d < YO_LANES. */
YO_INLINE void yo_transpose_square(float *to, int64_t to_ld, const float *from, int64_t ld)
{
    yo_vec row[YO_LANES];
#pragma GCC unroll 16
    for (int i = 0; i < YO_LANES; i++)
        row[i] = yo_load(from + i * ld);
    yo_transpose_stage(row, 1);
    yo_transpose_stage(row, 2);
#if defined(__AVX2__)
    yo_transpose_stage(row, 4);
#endif
#if defined(__AVX512F__)
    yo_transpose_stage(row, 8);
#endif
#pragma GCC unroll 16
    for (int i = 0; i < YO_LANES; i++)
        yo_store(to + i * to_ld, row[i]);
}

/* to[d * to_ld + i] = from[i * ld + d] for i < rows and d < columns, both rounded up to YO_LANES:
 * both buffers must have that room. */
static inline void yo_transpose(float *to, int64_t to_ld, const float *from, int64_t ld,
                                int64_t rows, int64_t columns)
{
    for (int64_t d = 0; d < columns; d += YO_LANES)
        for (int64_t i = 0; i < rows; i += YO_LANES)
            yo_transpose_square(to + d * to_ld + i, to_ld, from + i * ld + d, ld);
}

#endif
