/* The activations that linear layers with results of 8 or so bits end with, over a row of floats.
 */
#ifndef YO_CPU_ACTIVATE_H
#define YO_CPU_ACTIVATE_H

#include "cpu/gelu_pieces.h"
#include "cpu/vmath.h"
#include "yoso.h"

/* row = row P(X < row), P to 3e-6. */
static inline void yo_gelu_row(float *row, int64_t n)
{
#if defined(__AVX512F__)
    const float *pieces = yo_gelu_pieces(YO_GELU_DEGREE);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 there = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : (__mmask16)0xffff;
        __m512 x = _mm512_maskz_loadu_ps(there, row + i);
        _mm512_mask_storeu_ps(row + i, there, yo_gelu_by_pieces(x, pieces, YO_GELU_DEGREE));
    }
#else
    for (int64_t i = 0; i < n; i++) {
        float density;
        row[i] *= yo_normal(row[i], &density);
    }
#endif
}

/* row = activation(row), with activation one of YOSO_ACT_. */
static inline void yo_activate_row(float *row, int64_t n, int32_t activation)
{
    switch (activation) {
    case YOSO_ACT_GELU:
        yo_gelu_row(row, n);
        break;
    case YOSO_ACT_RELU:
        for (int64_t i = 0; i < n; i++)
            row[i] = row[i] > 0 ? row[i] : 0;
        break;
    case YOSO_ACT_TANH:
        for (int64_t i = 0; i < n; i++)
            row[i] = yo_tanh(row[i]);
        break;
    default:
        break;
    }
}

#endif
