/* The two factors of half_product.c: rows of bf16 as f16. */
#ifndef YO_CPU_HALF_PACK_H
#define YO_CPU_HALF_PACK_H

#include <stdbool.h>

#include "core/derived.h"
#include "cpu/cpu.h"

/* Rows by columns of sums fill the registers; components are packed so many together. */
enum { YO_HALF_TILE = 12, YO_HALF_PANEL = 64, YO_HALF_STEP = 16 };

/* Rows of bf16 along which a product sums: rows of its left factor, columns of its right one. One
 * of the strides is 1. */
typedef struct yo_half_factor {
    const uint16_t *data;
    int64_t rows, depth, row_stride, depth_stride;
} yo_half_factor;

#if defined(__AVX512F__)
#include <immintrin.h>

/* 16 bf16 as floats. */
YO_INLINE __m512 yo_half_floats(__m256i x)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
#endif

/* The rows [rows, depth] of a matrix. */
yo_half_factor yo_half_factor_of(const yo_view *matrix);
/* false for a matrix that no factor describes. */
bool yo_half_fits(const yo_view *matrix);

/* Numbers of a packed tile, with what is written behind its end. */
static inline int64_t yo_half_tile_numbers(int64_t depth)
{
    return depth * YO_HALF_TILE + YO_HALF_STEP;
}

/* Rows in whole panels. */
static inline int64_t yo_half_columns(int64_t rows)
{
    return (rows + YO_HALF_PANEL - 1) / YO_HALF_PANEL * YO_HALF_PANEL;
}

/* The power of two that brings the largest number of each row to 8 or more and below 16, 1 for rows
 * that hold infinities or NaN: scale[rows], and in undo[rows] what takes it back. Both have room
 * for whole vectors of 16. */
void YO_CPU(half_scales)(float *scale, float *undo, const yo_half_factor *x, int64_t first,
                         int64_t rows);

/* Up to 12 rows from `first` on, component by component, each number twice, since a pair is what
 * the processor can spread over a register as it loads it: tile[depth][12]. scale is the first
 * row's. */
void YO_CPU(half_tile)(uint32_t *tile, const yo_half_factor *x, int64_t first, const float *scale);

/* 64 rows from `first` on, component by component, zeros for rows that x does not have:
 * panel[depth][64]. scale is the first row's. */
void YO_CPU(half_panel)(uint16_t *panel, const yo_half_factor *x, int64_t first,
                        const float *scale);

#endif
