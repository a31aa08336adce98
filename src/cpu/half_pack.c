/* Rows of bf16 to f16, each scaled by a power of two, in the order in which half_product.c reads
 * them. */
#include "cpu/half_pack.h"

#include <string.h>

#include "cpu/simd.h"

/* A vector's numbers. */
enum { STEP = YO_HALF_STEP, TILE = YO_HALF_TILE, PANEL = YO_HALF_PANEL, WIDE = 32 };

bool yo_half_fits(const yo_view *matrix)
{
    return matrix->dtype == YOSO_BF16 && matrix->ndim == 2 &&
           (matrix->stride[0] == 1 || matrix->stride[1] == 1 || matrix->shape[1] == 1);
}

yo_half_factor yo_half_factor_of(const yo_view *matrix)
{
    yo_half_factor x = {.data = matrix->data,
                        .rows = matrix->shape[0],
                        .depth = matrix->shape[1],
                        .row_stride = matrix->stride[0],
                        .depth_stride = matrix->stride[1]};
    if (x.depth == 1 && x.row_stride != 1)
        x.depth_stride = 1; /* a column says any stride */
    return x;
}

YO_INLINE __mmask16 first_of(int64_t n)
{
    return n < STEP ? (__mmask16)((1u << n) - 1) : (__mmask16)0xffff;
}

YO_INLINE __m256i halves_of(__m512 x)
{
    return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* -- Scales --------------------------------------------------------------------------------------
 */

/* The bits of numbers without their signs are in the numbers' order. */
YO_INLINE __m512i larger(__m512i most, __m512i bits)
{
    return _mm512_max_epu16(most, _mm512_and_si512(bits, _mm512_set1_epi16(0x7fff)));
}

static void scale_for(float *scale, float *undo, uint32_t bits)
{
    enum { INFINITE = 0x7f80, LEAST = 3, MOST = 252, ONE = 127, PLACE = 257 };
    uint32_t exponent = bits >> 7, up = ONE, down = ONE;
    if (bits > 0 && bits < INFINITE) {
        exponent = exponent < LEAST ? LEAST : exponent > MOST ? MOST : exponent;
        up = PLACE - exponent;
        down = 2 * ONE - up;
    }
    up <<= 23;
    down <<= 23;
    memcpy(scale, &up, sizeof up);
    memcpy(undo, &down, sizeof down);
}

static uint32_t largest_along(const uint16_t *row, int64_t n)
{
    __m512i most = _mm512_setzero_si512();
    int64_t i = 0;
    for (; i + WIDE <= n; i += WIDE)
        most = larger(most, _mm512_loadu_si512(row + i));
    if (i < n)
        most = larger(most, _mm512_maskz_loadu_epi16((1u << (n - i)) - 1, row + i));
    __m512i odd = _mm512_srli_epi32(most, 16);
    __m512i even = _mm512_and_si512(most, _mm512_set1_epi32(0xffff));
    return _mm512_reduce_max_epu32(_mm512_max_epu32(odd, even));
}

/* Rows that lie side by side, `count` of them, at most 32. */
static void largest_across(uint16_t *each, const uint16_t *start, int64_t count, int64_t depth,
                           int64_t stride)
{
    __mmask32 there = count < WIDE ? (1u << count) - 1 : 0xffffffffu;
    __m512i most = _mm512_setzero_si512();
    for (int64_t k = 0; k < depth; k++)
        most = larger(most, _mm512_maskz_loadu_epi16(there, start + k * stride));
    _mm512_storeu_si512(each, most);
}

void YO_CPU(half_scales)(float *scale, float *undo, const yo_half_factor *x, int64_t first,
                         int64_t rows)
{
    uint16_t each[WIDE];
    for (int64_t r = 0; r < rows; r++) {
        const uint16_t *start = x->data + (first + r) * x->row_stride;
        if (x->depth_stride == 1) {
            scale_for(scale + r, undo + r, largest_along(start, x->depth));
        } else {
            if (r % WIDE == 0)
                largest_across(each, start, rows - r < WIDE ? rows - r : WIDE, x->depth,
                               x->depth_stride);
            scale_for(scale + r, undo + r, each[r % WIDE]);
        }
    }
}

/* -- Tiles ---------------------------------------------------------------------------------------
 */

/* Each f16 twice. */
YO_INLINE __m512i twice(__m256i halves)
{
    __m512i one = _mm512_cvtepu16_epi32(halves);
    return _mm512_or_si512(one, _mm512_slli_epi32(one, 16));
}

static void tile_along(uint32_t *tile, const yo_half_factor *x, const uint16_t *start, int64_t rows,
                       const float *scale)
{
    uint32_t square[STEP * STEP], turned[STEP * STEP];
    memset(square, 0, sizeof square);
    for (int64_t k = 0; k < x->depth; k += STEP) {
        __mmask16 there = first_of(x->depth - k);
        for (int64_t r = 0; r < rows; r++) {
            __m256i bits = _mm256_maskz_loadu_epi16(there, start + r * x->row_stride + k);
            __m512 scaled = _mm512_mul_ps(yo_half_floats(bits), _mm512_set1_ps(scale[r]));
            _mm512_storeu_si512(square + r * STEP, twice(halves_of(scaled)));
        }
        /* What the last four of 16 rows hold is written too far, and over by the next component. */
        if (x->depth - k >= STEP) {
            yo_transpose_square((float *)tile + k * TILE, TILE, (const float *)square, STEP);
        } else {
            yo_transpose_square((float *)turned, STEP, (const float *)square, STEP);
            for (int64_t i = k; i < x->depth; i++)
                memcpy(tile + i * TILE, turned + (i - k) * STEP, TILE * sizeof *tile);
        }
    }
}

static void tile_across(uint32_t *tile, const yo_half_factor *x, const uint16_t *start,
                        int64_t rows, const float *scale)
{
    __mmask16 there = first_of(rows);
    __m512 factor = _mm512_maskz_loadu_ps(there, scale);
    for (int64_t k = 0; k < x->depth; k++) {
        __m256i bits = _mm256_maskz_loadu_epi16(there, start + k * x->depth_stride);
        __m512 scaled = _mm512_mul_ps(yo_half_floats(bits), factor);
        _mm512_storeu_si512(tile + k * TILE, twice(halves_of(scaled)));
    }
}

void YO_CPU(half_tile)(uint32_t *tile, const yo_half_factor *x, int64_t first, const float *scale)
{
    int64_t rows = x->rows - first < TILE ? x->rows - first : TILE;
    const uint16_t *start = x->data + first * x->row_stride;
    (x->depth_stride == 1 ? tile_along : tile_across)(tile, x, start, rows, scale);
}

/* -- Panels --------------------------------------------------------------------------------------
 */

/* 16 of a panel's rows. */
static void part_along(uint16_t *panel, const yo_half_factor *x, const uint16_t *start,
                       int64_t rows, const float *scale)
{
    float square[STEP * STEP], turned[STEP * STEP];
    memset(square, 0, sizeof square);
    __m512 factor = _mm512_maskz_loadu_ps(first_of(rows), scale);
    for (int64_t k = 0; k < x->depth; k += STEP) {
        int64_t steps = x->depth - k < STEP ? x->depth - k : STEP;
        __mmask16 there = first_of(steps);
        for (int64_t r = 0; r < rows; r++) {
            __m256i bits = _mm256_maskz_loadu_epi16(there, start + r * x->row_stride + k);
            _mm512_storeu_ps(square + r * STEP, yo_half_floats(bits));
        }
        yo_transpose_square(turned, STEP, square, STEP);
        for (int64_t i = 0; i < steps; i++) {
            __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(turned + i * STEP), factor);
            _mm256_storeu_si256((__m256i *)(panel + (k + i) * PANEL), halves_of(scaled));
        }
    }
}

static void part_across(uint16_t *panel, const yo_half_factor *x, const uint16_t *start,
                        int64_t rows, const float *scale)
{
    __mmask16 there = first_of(rows);
    __m512 factor = _mm512_maskz_loadu_ps(there, scale);
    for (int64_t k = 0; k < x->depth; k++) {
        __m256i bits = _mm256_maskz_loadu_epi16(there, start + k * x->depth_stride);
        __m512 scaled = _mm512_mul_ps(yo_half_floats(bits), factor);
        _mm256_storeu_si256((__m256i *)(panel + k * PANEL), halves_of(scaled));
    }
}

void YO_CPU(half_panel)(uint16_t *panel, const yo_half_factor *x, int64_t first, const float *scale)
{
    for (int64_t part = 0; part < PANEL; part += STEP) {
        int64_t row = first + part, rows = x->rows - row < STEP ? x->rows - row : STEP;
        rows = rows < 0 ? 0 : rows;
        (x->depth_stride == 1 ? part_along : part_across)(
            panel + part, x, x->data + (rows > 0 ? row : 0) * x->row_stride, rows, scale + part);
    }
}
