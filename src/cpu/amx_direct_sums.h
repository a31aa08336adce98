/* The sums of AMX products: a block of 32 x 32 results stays in tiles 0 .. 3, row by row, while a
 * panel of A and one of B pass by in the other four. */
#ifndef YO_CPU_AMX_DIRECT_SUMS_H
#define YO_CPU_AMX_DIRECT_SUMS_H

#include "cpu/amx_direct_pack.h"

#if defined(__AMX_TILE__)

/* Tiles 0 .. 3 += those of A times those of B, in bf16. */
static inline void yo_amx_add_plain(const uint16_t *a, const uint16_t *b, int64_t steps)
{
    for (int64_t s = 0; s < steps; s++, a += 2 * YO_TILE_NUMBERS, b += 2 * YO_TILE_NUMBERS) {
        _tile_loadd(4, a, 64);
        _tile_loadd(6, b, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/* The same with two pieces: high x high, high x low and low x high. Low x low is left out: it is
 * below what the pieces keep. */
static inline void yo_amx_add_split(const uint16_t *a, const uint16_t *b, int64_t steps)
{
    enum { LOW = 2 * YO_TILE_NUMBERS };
    for (int64_t s = 0; s < steps; s++, a += 2 * LOW, b += 2 * LOW) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, b + LOW, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + LOW + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(4, a + LOW, 64);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, b, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + LOW + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
}

static inline void yo_amx_load_sums(const float *c, int64_t stride)
{
    _tile_loadd(0, c, stride * 4);
    _tile_loadd(1, c + 16, stride * 4);
    _tile_loadd(2, c + 16 * stride, stride * 4);
    _tile_loadd(3, c + 16 * stride + 16, stride * 4);
}

static inline void yo_amx_store_sums(float *c, int64_t stride)
{
    _tile_stored(0, c, stride * 4);
    _tile_stored(1, c + 16, stride * 4);
    _tile_stored(2, c + 16 * stride, stride * 4);
    _tile_stored(3, c + 16 * stride + 16, stride * 4);
}

/* What the sums start from when it is not what out holds. */
static inline void yo_amx_start_sums(const float *bias)
{
    if (bias) { /* one row for all: a stride of 0 */
        _tile_loadd(0, bias, 0);
        _tile_loadd(1, bias + 16, 0);
        _tile_loadd(2, bias, 0);
        _tile_loadd(3, bias + 16, 0);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
}

/* The sums += a panel of A times one of B. */
static inline void yo_amx_add_steps(const uint16_t *a, const uint16_t *b, int64_t steps, int pieces)
{
    if (pieces == 2)
        yo_amx_add_split(a, b, steps);
    else
        yo_amx_add_plain(a, b, steps);
}

#endif
#endif
