/* The two factors of half_linear.c, in f16. */
#ifndef YO_CPU_HALF_PACK_H
#define YO_CPU_HALF_PACK_H

#include "core/derived.h"
#include "cpu/cpu.h"

/* Rows by columns of sums fill the registers; components are packed so many together. */
enum { YO_HALF_TILE = 12, YO_HALF_PANEL = 64, YO_HALF_STEP = 16 };

/* A weight: panels of 64 columns, component by component. */
typedef struct yo_half_weight {
    yo_derived derived;
    uint16_t *panel; /* [N / 64][K][64] */
    float *scale;    /* [N], what the columns are multiplied by in the end */
    void *block;
    size_t bytes;
} yo_half_weight;

/* A yo_derived_make. */
yoso_status YO_CPU(half_weight)(yo_derived **out, const yo_view *source);

/* K in whole steps. */
static inline int64_t yo_half_room(int64_t depth)
{
    return (depth + YO_HALF_STEP - 1) / YO_HALF_STEP * YO_HALF_STEP;
}

/* Numbers of a tile, with what is written behind its end; floats that making one takes. */
static inline int64_t yo_half_tile_numbers(int64_t depth)
{
    return yo_half_room(depth) * YO_HALF_TILE + YO_HALF_STEP;
}

static inline int64_t yo_half_work(int64_t depth)
{
    return yo_half_room(depth) * (1 + YO_HALF_STEP);
}

/* Up to 12 rows of x, contiguous [M, K], from `row` on: component by component, each number twice,
 * since a pair is what the processor can spread over a register as it loads it: tile[room][12].
 * scale[12] is what the rows are multiplied by in the end. */
void YO_CPU(half_tile)(uint32_t *tile, float *scale, const yo_view *x, int64_t row, int64_t rows,
                       float *work);

#endif
