/* GELU by polynomials on pieces, for AVX-512: a permutation picks a lane's coefficients. */
#ifndef YO_CPU_GELU_PIECES_H
#define YO_CPU_GELU_PIECES_H

/* GELU is x P(X < x), P by one polynomial on each of 32 intervals of [-5.5, 5.5]: of degree 3 for
 * results of 8 bits, to 3e-6, of degree 5 for f32, to 1e-7. The usual one, by exp, would outlast
 * the product. */
enum { YO_GELU_PIECES = 32, YO_GELU_DEGREE = 3, YO_GELU_F32_DEGREE = 5 };
#define YO_GELU_END 5.5

/* The coefficients of that degree, [degree + 1][piece], made on first use. Safe from any thread. */
const float *yo_gelu_pieces(int degree);

#if defined(__AVX512F__)
#include <immintrin.h>

static inline __attribute__((always_inline)) __m512 yo_gelu_by_pieces(__m512 x, const float *pieces,
                                                                      const int degree)
{
    const float scale = (float)(YO_GELU_PIECES / (2 * YO_GELU_END));
    __m512 t = _mm512_fmadd_ps(x, _mm512_set1_ps(scale), _mm512_set1_ps(YO_GELU_PIECES / 2));
    t = _mm512_min_ps(_mm512_max_ps(t, _mm512_setzero_ps()), _mm512_set1_ps(YO_GELU_PIECES));
    __m512i index = _mm512_min_epi32(_mm512_cvttps_epi32(t), _mm512_set1_epi32(YO_GELU_PIECES - 1));
    __m512 u = t - _mm512_cvtepi32_ps(index), p = _mm512_setzero_ps();
#pragma GCC unroll 6
    for (int power = degree; power >= 0; power--) {
        const float *row = pieces + power * YO_GELU_PIECES;
        __m512 coefficient =
            _mm512_permutex2var_ps(_mm512_loadu_ps(row), index, _mm512_loadu_ps(row + 16));
        p = power == degree ? coefficient : _mm512_fmadd_ps(p, u, coefficient);
    }
    return x * p;
}
#endif

#endif
