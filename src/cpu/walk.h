/* The walk over up to four strided views of one shape: neighbouring dimensions are merged where
 * the strides allow it, the last one becomes the inner loop, and the elements are dealt out in
 * blocks of at most YO_WALK_BLOCK, the same blocks for any number of threads. */
#ifndef YO_CPU_WALK_H
#define YO_CPU_WALK_H

#include "cpu/cpu.h"

enum { YO_WALK_VIEWS = 4, YO_WALK_BLOCK = 1024 };

typedef struct yo_walk {
    int32_t views, ndim;
    int64_t outer[YOSO_MAX_DIMS];
    int64_t stride[YO_WALK_VIEWS][YOSO_MAX_DIMS];
    int64_t inner, inner_stride[YO_WALK_VIEWS];
    int64_t blocks_a_row, blocks;
} yo_walk;

static inline yo_walk yo_walk_over(int32_t views, const yo_view *const *view)
{
    yo_walk walk = {.views = views};
    int64_t shape[YOSO_MAX_DIMS], stride[YO_WALK_VIEWS][YOSO_MAX_DIMS];
    int32_t n = 0;
    for (int32_t i = 0; i < view[0]->ndim; i++) {
        int64_t size = view[0]->shape[i];
        if (size == 1)
            continue;
        bool mergeable = n > 0;
        for (int32_t v = 0; v < views && mergeable; v++)
            mergeable = stride[v][n - 1] == size * view[v]->stride[i];
        n -= mergeable;
        shape[n] = mergeable ? shape[n] * size : size;
        for (int32_t v = 0; v < views; v++)
            stride[v][n] = view[v]->stride[i];
        n++;
    }
    walk.inner = n > 0 ? shape[n - 1] : 1;
    walk.ndim = n > 0 ? n - 1 : 0;
    int64_t rows = 1;
    for (int32_t i = 0; i < walk.ndim; i++) {
        walk.outer[i] = shape[i];
        rows *= shape[i];
    }
    for (int32_t v = 0; v < views; v++) {
        walk.inner_stride[v] = n > 0 ? stride[v][n - 1] : 0;
        for (int32_t i = 0; i < walk.ndim; i++)
            walk.stride[v][i] = stride[v][i];
    }
    walk.blocks_a_row = (walk.inner + YO_WALK_BLOCK - 1) / YO_WALK_BLOCK;
    walk.blocks = rows * walk.blocks_a_row;
    return walk;
}

/* Offsets (elements) of block number `block` in every view; returns its length. */
static inline int64_t yo_walk_block(const yo_walk *walk, int64_t block, int64_t *offset)
{
    int64_t row = block / walk->blocks_a_row;
    int64_t start = (block - row * walk->blocks_a_row) * YO_WALK_BLOCK;
    for (int32_t v = 0; v < walk->views; v++)
        offset[v] = start * walk->inner_stride[v];
    for (int32_t i = walk->ndim - 1; i >= 0; i--) {
        int64_t index = row % walk->outer[i];
        row /= walk->outer[i];
        for (int32_t v = 0; v < walk->views; v++)
            offset[v] += index * walk->stride[v][i];
    }
    int64_t left = walk->inner - start;
    return left < YO_WALK_BLOCK ? left : YO_WALK_BLOCK;
}

/* Threads worth starting for this many elements. */
static inline int yo_walk_threads(const yo_walk *walk)
{
    return walk->blocks * (walk->inner < YO_WALK_BLOCK ? walk->inner : YO_WALK_BLOCK) < YO_CPU_GRAIN
               ? 1
               : yo_threads();
}

#endif
