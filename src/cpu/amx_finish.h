/* From the sums of a product to its results, for amx_product.c and amx_finish.c: scales of int8,
 * bias, activation, dtype. Inlined where the sums are made, since calls would store registers and
 * loads of tiles would wait for these stores. */
#ifndef YO_CPU_AMX_FINISH_H
#define YO_CPU_AMX_FINISH_H

#include "cpu/amx_product.h"
#include "cpu/gelu_pieces.h"
#include "cpu/vmath.h"

#if defined(__AMX_TILE__)

/* One of vmath.h's functions on every lane. */
#define YO_EVERY_LANE(x, EXPRESSION)                                                               \
    do {                                                                                           \
        float lane[16] __attribute__((aligned(64)));                                               \
        _mm512_store_ps(lane, x);                                                                  \
        for (int i = 0; i < 16; i++)                                                               \
            lane[i] = (EXPRESSION);                                                                \
        x = _mm512_load_ps(lane);                                                                  \
    } while (0)

YO_INLINE __m512 yo_amx_activate(__m512 x, const float *pieces, const int32_t activation,
                                 const yo_amx_kind kind)
{
    switch (activation) {
    case YOSO_ACT_GELU:
        return yo_gelu_by_pieces(x, pieces,
                                 kind == YO_AMX_F32 ? YO_GELU_F32_DEGREE : YO_GELU_DEGREE);
    case YOSO_ACT_RELU:
        return _mm512_max_ps(_mm512_setzero_ps(), x); /* the second where one is NaN */
    case YOSO_ACT_TANH:
        YO_EVERY_LANE(x, yo_tanh(lane[i]));
        return x;
    default:
        return x;
    }
}

YO_INLINE __m512 yo_amx_scaled(const yo_amx_finish *f, const float *sums, int64_t column,
                               const float *row_scale, const yo_amx_kind kind)
{
    __m512 x = _mm512_loadu_ps(sums);
    if (kind == YO_AMX_INT8) {
        __m512 scale = _mm512_loadu_ps(f->scale + column) * _mm512_set1_ps(*row_scale);
        x = _mm512_cvtepi32_ps(_mm512_castps_si512(x)) * scale;
    }
    if (f->bias)
        x = x + _mm512_loadu_ps(f->bias + column);
    return x;
}

/* The first n lanes, n > 0. */
YO_INLINE __mmask16 yo_amx_lanes(int64_t n)
{
    return n >= 16 ? 0xffff : (__mmask16)((1u << n) - 1);
}

YO_INLINE void yo_amx_store(const yo_view *to, int64_t at, __mmask16 mask, __m512 x)
{
    if (to->dtype == YOSO_F32)
        _mm512_mask_storeu_ps((float *)to->data + at, mask, x);
    else if (to->dtype == YOSO_BF16)
        _mm256_mask_storeu_epi16((uint16_t *)to->data + at, mask, (__m256i)_mm512_cvtneps_pbh(x));
    else
        _mm256_mask_storeu_epi16((uint16_t *)to->data + at, mask,
                                 _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

/* Up to 32 columns of one row, from `column` on. */
YO_INLINE void yo_amx_finish_row(const yo_amx_finish *f, const float *sums, const float *row_scale,
                                 int64_t row, int64_t column, int64_t columns,
                                 const int32_t activation, const yo_amx_kind kind)
{
    const yo_view *out = f->out;
    int64_t at = row * out->shape[1] + column;
    __m512 x = yo_amx_scaled(f, sums, column, row_scale, kind), y = x;
    x = yo_amx_activate(x, f->pieces, activation, kind);
    if (columns > 16) {
        y = yo_amx_scaled(f, sums + 16, column + 16, row_scale, kind);
        y = yo_amx_activate(y, f->pieces, activation, kind);
    }
    if (columns == 32 && out->dtype == YOSO_BF16) {
        _mm512_storeu_si512((uint16_t *)out->data + at, (__m512i)_mm512_cvtne2ps_pbh(y, x));
        return;
    }
    yo_amx_store(out, at, yo_amx_lanes(columns), x);
    if (columns > 16)
        yo_amx_store(out, at + 16, yo_amx_lanes(columns - 16), y);
}

#endif
#endif
