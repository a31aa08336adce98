/* Rows of any dtype to and from the three types that kernels compute in: float for the float
 * formats, int64 for integers, and double where one must hold either. Strides in elements. */
#ifndef YO_CPU_CONVERT_H
#define YO_CPU_CONVERT_H

#include <math.h>

#include "core/dtype.h"

#if defined(__F16C__)
#include <immintrin.h>
static inline float yo_half_to_float(uint16_t h)
{
    return _cvtsh_ss(h);
}
static inline uint16_t yo_float_to_half(float f)
{
    return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT);
}
/* n neighbours, eight at a time; what is left over is the caller's. Return how many were done. */
static inline int64_t yo_halves_to_floats(float *row, const uint16_t *x, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(row + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
    return i;
}
static inline int64_t yo_floats_to_halves(uint16_t *x, const float *row, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(x + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(row + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}
#else
static inline int64_t yo_halves_to_floats(float *row, const uint16_t *x, int64_t n)
{
    (void)row, (void)x, (void)n;
    return 0;
}
static inline int64_t yo_floats_to_halves(uint16_t *x, const float *row, int64_t n)
{
    (void)row, (void)x, (void)n;
    return 0;
}
static inline float yo_half_to_float(uint16_t h)
{
    return yo_from_f16(h);
}
static inline uint16_t yo_float_to_half(float f)
{
    return yo_to_f16(f);
}
#endif

/* Saturating, NaN to 0. */
static inline int64_t yo_to_integer(double value, int64_t low, int64_t high)
{
    if (value != value)
        return 0;
    if (value <= (double)low)
        return low;
    return value >= (double)high ? high : (int64_t)value;
}

#define YO_LOAD_ROW(TYPE, TO, EXPRESSION)                                                          \
    do {                                                                                           \
        const TYPE *x = (const TYPE *)data + offset;                                               \
        for (int64_t i = 0; i < n; i++) {                                                          \
            TYPE e = x[i * stride];                                                                \
            row[i] = (TO)(EXPRESSION);                                                             \
        }                                                                                          \
    } while (0)

/* row[i] = data[offset + i * stride] as float, for any dtype. */
static inline void yo_load_floats(float *row, const void *data, int64_t offset, int64_t stride,
                                  int32_t dtype, int64_t n)
{
    switch (dtype) {
    case YOSO_F32:
        YO_LOAD_ROW(float, float, e);
        break;
    case YOSO_F16: {
        int64_t done =
            stride == 1 ? yo_halves_to_floats(row, (const uint16_t *)data + offset, n) : 0;
        row += done;
        offset += done;
        n -= done;
        YO_LOAD_ROW(uint16_t, float, yo_half_to_float(e));
        break;
    }
    case YOSO_BF16:
        YO_LOAD_ROW(uint16_t, float, yo_from_bf16(e));
        break;
    case YOSO_I32:
        YO_LOAD_ROW(int32_t, float, e);
        break;
    case YOSO_I64:
        YO_LOAD_ROW(int64_t, float, e);
        break;
    default:
        YO_LOAD_ROW(uint8_t, float, e);
    }
}

/* Likewise as int64; floats are truncated and saturate. */
static inline void yo_load_integers(int64_t *row, const void *data, int64_t offset, int64_t stride,
                                    int32_t dtype, int64_t n)
{
    switch (dtype) {
    case YOSO_F32:
        YO_LOAD_ROW(float, int64_t, yo_to_integer(e, INT64_MIN, INT64_MAX));
        break;
    case YOSO_F16:
        YO_LOAD_ROW(uint16_t, int64_t, yo_to_integer(yo_half_to_float(e), INT64_MIN, INT64_MAX));
        break;
    case YOSO_BF16:
        YO_LOAD_ROW(uint16_t, int64_t, yo_to_integer(yo_from_bf16(e), INT64_MIN, INT64_MAX));
        break;
    case YOSO_I32:
        YO_LOAD_ROW(int32_t, int64_t, e);
        break;
    case YOSO_I64:
        YO_LOAD_ROW(int64_t, int64_t, e);
        break;
    default:
        YO_LOAD_ROW(uint8_t, int64_t, e);
    }
}
#undef YO_LOAD_ROW

#define YO_STORE_ROW(TYPE, EXPRESSION)                                                             \
    do {                                                                                           \
        TYPE *x = (TYPE *)data + offset;                                                           \
        for (int64_t i = 0; i < n; i++)                                                            \
            x[i * stride] = (TYPE)(EXPRESSION);                                                    \
    } while (0)

static inline void yo_store_floats(void *data, int64_t offset, int64_t stride, int32_t dtype,
                                   const float *row, int64_t n)
{
    switch (dtype) {
    case YOSO_F32:
        YO_STORE_ROW(float, row[i]);
        break;
    case YOSO_F16: {
        int64_t done = stride == 1 ? yo_floats_to_halves((uint16_t *)data + offset, row, n) : 0;
        row += done;
        offset += done;
        n -= done;
        YO_STORE_ROW(uint16_t, yo_float_to_half(row[i]));
        break;
    }
    case YOSO_BF16:
        YO_STORE_ROW(uint16_t, yo_to_bf16(row[i]));
        break;
    case YOSO_I32:
        YO_STORE_ROW(int32_t, yo_to_integer(row[i], INT32_MIN, INT32_MAX));
        break;
    case YOSO_I64:
        YO_STORE_ROW(int64_t, yo_to_integer(row[i], INT64_MIN, INT64_MAX));
        break;
    case YOSO_U8:
        YO_STORE_ROW(uint8_t, yo_to_integer(row[i], 0, 255));
        break;
    default:
        YO_STORE_ROW(uint8_t, row[i] != 0);
    }
}

static inline int64_t yo_clamp_integer(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline void yo_store_integers(void *data, int64_t offset, int64_t stride, int32_t dtype,
                                     const int64_t *row, int64_t n)
{
    switch (dtype) {
    case YOSO_F32:
        YO_STORE_ROW(float, row[i]);
        break;
    case YOSO_F16:
        YO_STORE_ROW(uint16_t, yo_float_to_half((float)row[i]));
        break;
    case YOSO_BF16:
        YO_STORE_ROW(uint16_t, yo_to_bf16((float)row[i]));
        break;
    case YOSO_I32:
        YO_STORE_ROW(int32_t, yo_clamp_integer(row[i], INT32_MIN, INT32_MAX));
        break;
    case YOSO_I64:
        YO_STORE_ROW(int64_t, row[i]);
        break;
    case YOSO_U8:
        YO_STORE_ROW(uint8_t, yo_clamp_integer(row[i], 0, 255));
        break;
    default:
        YO_STORE_ROW(uint8_t, row[i] != 0);
    }
}
#undef YO_STORE_ROW

/* The largest magnitude in a row, 0 at least; what is no number has none. */
static inline float yo_largest_magnitude(const float *row, int64_t n)
{
    float largest = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++)
        largest = fabsf(row[i]) > largest ? fabsf(row[i]) : largest;
    return largest;
}

#endif
