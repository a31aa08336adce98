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
#include "cpu/simd.h"
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
YO_INLINE void yo_turn(__m512i row[16])
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

/* Row `row` of the operand from k on: 32 numbers, high piece or low. */
YO_INLINE __m512i yo_read_row(const yo_amx_operand *x, int64_t row, int64_t k, uint32_t mask,
                              const bool narrow, const bool low)
{
    int64_t at = row * x->row_stride + k;
    if (narrow)
        return _mm512_maskz_loadu_epi16(mask, (const uint16_t *)x->data + at);
    const float *from = (const float *)x->data + at;
    __m512 first = _mm512_maskz_loadu_ps((__mmask16)mask, from);
    __m512 second = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), from + 16);
    __m512i high = yo_high(first, second);
    return low ? yo_low(first, second, high) : high;
}

/* Where rows are neighbours: k and k + 1 of sixteen rows, side by side. */
YO_INLINE __m512i yo_read_pair(const yo_amx_operand *x, int64_t row, int64_t k, __mmask16 rows,
                               const bool narrow, const bool low)
{
    int64_t at = row + k * x->k_stride;
    __mmask16 one = k < x->depth ? rows : 0, two = k + 1 < x->depth ? rows : 0;
    if (narrow) {
        const uint16_t *from = (const uint16_t *)x->data + at;
        __m256i a = _mm256_maskz_loadu_epi16(one, from);
        __m256i b = _mm256_maskz_loadu_epi16(two, from + x->k_stride);
        return yo_zip(_mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1));
    }
    const float *from = (const float *)x->data + at;
    __m512 first = _mm512_maskz_loadu_ps(one, from);
    __m512 second = _mm512_maskz_loadu_ps(two, from + x->k_stride);
    __m512i high = yo_high(first, second);
    return yo_zip(low ? yo_low(first, second, high) : high);
}

/* One tile of one piece, from row and k on. The flags are constants where this is inlined. */
YO_INLINE void yo_pack_tile(uint16_t *out, const yo_amx_operand *x, int64_t row, int64_t k,
                            const bool by_rows, const bool turned, const bool narrow,
                            const bool low)
{
    __m512i line[16];
    uint32_t kept = yo_first_bits(by_rows ? x->depth - k : x->rows - row);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
        line[i] = by_rows ? yo_read_row(x, row + i, k, row + i < x->rows ? kept : 0, narrow, low)
                          : yo_read_pair(x, row, k + 2 * i, (__mmask16)kept, narrow, low);
        if (!turned)
            _mm512_store_si512(out + 32 * i, line[i]);
    }
    if (!turned)
        return;
    yo_turn(line);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        _mm512_store_si512(out + 32 * i, line[i]);
}

/* Steps first .. of a panel that begins at `row`; `first_k` is the place along K of step 0. */
YO_INLINE void yo_pack_steps_as(uint16_t *panel, const yo_amx_operand *x, int64_t row,
                                int64_t first_k, int64_t first, int64_t steps, int pieces,
                                const bool by_rows, const bool turned, const bool narrow)
{
    for (int64_t s = first; s < first + steps; s++)
        for (int t = 0; t < 2; t++) {
            uint16_t *out = panel + (2 * pieces * s + t) * YO_TILE_NUMBERS;
            int64_t k = first_k + s * YO_STEP;
            yo_pack_tile(out, x, row + 16 * t, k, by_rows, turned, narrow, false);
            if (pieces == 2)
                yo_pack_tile(out + 2 * YO_TILE_NUMBERS, x, row + 16 * t, k, by_rows, turned, narrow,
                             true);
        }
}

static inline void yo_pack_steps(uint16_t *panel, const yo_amx_operand *x, int64_t row,
                                 int64_t first_k, int64_t first, int64_t steps, int pieces)
{
    bool by_rows = x->k_stride == 1, turned = by_rows != x->is_a, narrow = x->dtype == YOSO_BF16;
    if (narrow && by_rows)
        yo_pack_steps_as(panel, x, row, first_k, first, steps, 1, true, turned, true);
    else if (narrow)
        yo_pack_steps_as(panel, x, row, first_k, first, steps, 1, false, turned, true);
    else if (by_rows && !turned)
        yo_pack_steps_as(panel, x, row, first_k, first, steps, pieces, true, false, false);
    else if (by_rows)
        yo_pack_steps_as(panel, x, row, first_k, first, steps, pieces, true, true, false);
    else if (turned)
        yo_pack_steps_as(panel, x, row, first_k, first, steps, pieces, false, true, false);
    else
        yo_pack_steps_as(panel, x, row, first_k, first, steps, pieces, false, false, false);
}

#endif
#endif
