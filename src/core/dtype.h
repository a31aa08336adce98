/* Element types: sizes, names, and the two narrow float formats bit by bit.
 * Nothing here knows of tensors. */
#ifndef YO_CORE_DTYPE_H
#define YO_CORE_DTYPE_H

#include <stdbool.h>
#include <string.h>

#include "yoso.h"

static inline bool yo_dtype_is_float(int32_t dtype)
{
    return dtype == YOSO_F32 || dtype == YOSO_F16 || dtype == YOSO_BF16;
}

static inline float yo_float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t yo_bits_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float yo_from_bf16(uint16_t half)
{
    return yo_float_from_bits((uint32_t)half << 16);
}

/* Rounds to nearest even; a NaN stays a (quiet) NaN. */
static inline uint16_t yo_to_bf16(float value)
{
    uint32_t bits = yo_bits_of_float(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/* Subnormals come out right because the power of two is multiplied in as a float. */
static inline float yo_from_f16(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13;
    if (magnitude >= 0x0f800000u) /* infinity and NaN */
        return yo_float_from_bits(sign | 0x7f800000u | (magnitude & 0x007fffffu));
    float value = yo_float_from_bits(magnitude) * 0x1p112f;
    return yo_float_from_bits(sign | yo_bits_of_float(value));
}

/* Rounds to nearest even, overflows to infinity. */
static inline uint16_t yo_to_f16(float value)
{
    uint32_t bits = yo_bits_of_float(value);
    uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu));
    if (magnitude >= 0x47800000u)
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) { /* subnormal: let the addition round at the right bit */
        float rounded = yo_float_from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (yo_bits_of_float(rounded) - 0x3f000000u));
    }
    magnitude += 0xc8000fffu + ((magnitude >> 13) & 1u);
    return (uint16_t)(sign | (magnitude >> 13));
}

#endif
