/* Operands of AMX products as tiles: panels of 32 rows of A (or columns of B), cut along K into
 * steps of 32, each step two tiles of 16 in bf16. An operand in f32 may be split into two pieces,
 * x = high + low with both bf16, which keeps 16 bits of it; a step then holds the two tiles of the
 * high piece and behind them those of the low one.
 *
 * A tile of A has 16 rows of 32 numbers along K; one of B 16 rows, a row holding for each of 16
 * columns two neighbours along K side by side. */
#ifndef YO_CPU_AMX_DIRECT_PACK_H
#define YO_CPU_AMX_DIRECT_PACK_H

#include <stdbool.h>

#include "cpu/amx.h"
#include "yoso.h"

#if defined(__AMX_TILE__)

enum { YO_STEP = 32, YO_WIDE = 32, YO_TILE_NUMBERS = 512 };

/* One operand, element (row, k) at row * row_stride + k * k_stride; one of the strides is 1. */
typedef struct yo_amx_operand {
    const void *data;
    int32_t dtype;
    int64_t rows, depth, row_stride, k_stride;
    bool is_a;
} yo_amx_operand;

/* Words 0 .. 15 and 16 .. 31 zipped: what makes pairs along K of two vectors. */
static inline __m512i yo_zip(__m512i x)
{
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, x);
}

/* 32 floats as bf16, and what that left of them. */
static inline __m512i yo_high(__m512 first, __m512 second)
{
    return (__m512i)_mm512_cvtne2ps_pbh(second, first);
}

static inline __m512i yo_low(__m512 first, __m512 second, __m512i high)
{
    __m512i a = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(high));
    __m512i b = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(high, 1));
    return yo_high(_mm512_sub_ps(first, (__m512)_mm512_slli_epi32(a, 16)),
                   _mm512_sub_ps(second, (__m512)_mm512_slli_epi32(b, 16)));
}

/* row[i] lane j <-> row[j] lane i. */
static inline void yo_turn(__m512i row[16])
{
    __m512i t[16];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        row[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        row[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        row[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        row[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(row[i], row[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_i32x4(row[i], row[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        row[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        row[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
        row[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
        row[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
    }
}

static inline uint32_t yo_first_bits(int64_t count)
{
    return count >= 32 ? UINT32_MAX : count <= 0 ? 0 : (1u << count) - 1;
}

/* Sixteen rows of pairs along K, each the 32 numbers of one row of the operand. */
static inline void yo_read_rows(__m512i *high, __m512i *low, const yo_amx_operand *x, int64_t row,
                                int64_t k, int pieces)
{
    uint32_t kept = yo_first_bits(x->depth - k);
    for (int64_t i = 0; i < 16; i++) {
        uint32_t mask = row + i < x->rows ? kept : 0;
        int64_t at = (row + i) * x->row_stride + k;
        if (x->dtype == YOSO_BF16) {
            high[i] = _mm512_maskz_loadu_epi16(mask, (const uint16_t *)x->data + at);
            continue;
        }
        const float *from = (const float *)x->data + at;
        __m512 first = _mm512_maskz_loadu_ps((__mmask16)mask, from);
        __m512 second = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), from + 16);
        high[i] = yo_high(first, second);
        if (pieces == 2)
            low[i] = yo_low(first, second, high[i]);
    }
}

/* The same where rows are neighbours: pair i of K, for sixteen rows, in high[i]. */
static inline void yo_read_columns(__m512i *high, __m512i *low, const yo_amx_operand *x,
                                   int64_t row, int64_t k, int pieces)
{
    __mmask16 rows = (__mmask16)yo_first_bits(x->rows - row);
    for (int64_t i = 0; i < 16; i++) {
        int64_t at = row + (k + 2 * i) * x->k_stride;
        __mmask16 one = k + 2 * i < x->depth ? rows : 0;
        __mmask16 two = k + 2 * i + 1 < x->depth ? rows : 0;
        if (x->dtype == YOSO_BF16) {
            const uint16_t *from = (const uint16_t *)x->data + at;
            __m256i a = _mm256_maskz_loadu_epi16(one, from);
            __m256i b = _mm256_maskz_loadu_epi16(two, from + x->k_stride);
            high[i] = yo_zip(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
            continue;
        }
        const float *from = (const float *)x->data + at;
        __m512 first = _mm512_maskz_loadu_ps(one, from);
        __m512 second = _mm512_maskz_loadu_ps(two, from + x->k_stride);
        __m512i both = yo_high(first, second);
        high[i] = yo_zip(both);
        if (pieces == 2)
            low[i] = yo_zip(yo_low(first, second, both));
    }
}

/* One tile of each piece, from row and k on. */
static inline void yo_pack_tile(uint16_t *out, const yo_amx_operand *x, int64_t row, int64_t k,
                                int pieces)
{
    __m512i high[16], low[16];
    bool by_rows = x->k_stride == 1;
    if (by_rows)
        yo_read_rows(high, low, x, row, k, pieces);
    else
        yo_read_columns(high, low, x, row, k, pieces);
    if (by_rows != x->is_a) {
        yo_turn(high);
        if (pieces == 2)
            yo_turn(low);
    }
    for (int i = 0; i < 16; i++)
        _mm512_store_si512(out + 32 * i, high[i]);
    for (int i = 0; pieces == 2 && i < 16; i++)
        _mm512_store_si512(out + 2 * YO_TILE_NUMBERS + 32 * i, low[i]);
}

/* Steps first .. of a panel that begins at `row`; `first_k` is the place along K of step 0. */
static inline void yo_pack_steps(uint16_t *panel, const yo_amx_operand *x, int64_t row,
                                 int64_t first_k, int64_t first, int64_t steps, int pieces)
{
    for (int64_t s = first; s < first + steps; s++)
        for (int t = 0; t < 2; t++)
            yo_pack_tile(panel + (2 * pieces * s + t) * YO_TILE_NUMBERS, x, row + 16 * t,
                         first_k + s * YO_STEP, pieces);
}

#endif
#endif
