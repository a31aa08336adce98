/* The one small matrix product that the attention's kernels are made of: a few rows, sums in
 * registers. C[YO_TILE_ROWS, n] (+)= A[YO_TILE_ROWS, depth] B[depth, n], n a multiple of
 * YO_LANES; A may be strided both ways, so that a transposed factor needs no copy. */
#ifndef YO_CPU_TILE_H
#define YO_CPU_TILE_H

#include <stdbool.h>

#include "cpu/simd.h"

/* Rows by vectors of sums fill the registers: 6 x 4 of 32, or 6 x 2 of 16. */
enum { YO_TILE_ROWS = 6, YO_TILE_VECTORS = YO_LANES == 16 ? 4 : 2 };
enum { YO_TILE_WIDTH = YO_TILE_VECTORS * YO_LANES };

static inline int64_t yo_round_up(int64_t n, int64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

YO_INLINE void yo_tile_block(float *c, int64_t ldc, const float *a, int64_t a_row, int64_t a_step,
                             const float *b, int64_t ldb, int64_t depth, bool add,
                             const int vectors)
{
    yo_vec sum[YO_TILE_ROWS][YO_TILE_VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < YO_TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = add ? yo_load(c + r * ldc + v * YO_LANES) : (yo_vec){0};
    for (int64_t k = 0; k < depth; k++) {
        yo_vec right[YO_TILE_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            right[v] = yo_load(b + k * ldb + v * YO_LANES);
#pragma GCC unroll 8
        for (int r = 0; r < YO_TILE_ROWS; r++) {
            yo_vec left = yo_splat(a[r * a_row + k * a_step]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = yo_fma(left, right[v], sum[r][v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < YO_TILE_ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            yo_store(c + r * ldc + v * YO_LANES, sum[r][v]);
}

/* The same for a single row. */
static inline void yo_tile_row(float *c, const float *a, int64_t a_step, const float *b,
                               int64_t ldb, int64_t depth, int64_t n)
{
    for (int64_t j = 0; j < n; j += YO_LANES) {
        yo_vec sum = {0};
        for (int64_t k = 0; k < depth; k++)
            sum = yo_fma(yo_splat(a[k * a_step]), yo_load(b + k * ldb + j), sum);
        yo_store(c + j, sum);
    }
}

static inline void yo_tile(float *c, int64_t ldc, const float *a, int64_t a_row, int64_t a_step,
                           const float *b, int64_t ldb, int64_t depth, int64_t n, bool add)
{
    int64_t j = 0;
    for (; j + YO_TILE_WIDTH <= n; j += YO_TILE_WIDTH)
        yo_tile_block(c + j, ldc, a, a_row, a_step, b + j, ldb, depth, add, YO_TILE_VECTORS);
    for (; j < n; j += YO_LANES)
        yo_tile_block(c + j, ldc, a, a_row, a_step, b + j, ldb, depth, add, 1);
}

#endif
