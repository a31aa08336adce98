/* Products of bf16 by way of f16, for processors that have AVX512-FP16 and no matrix unit: their
 * f16 is twice as fast as f32, their bf16 half as fast.
 *
 * Numbers are scaled by powers of two, a row of the left factor or a column of the right one at a
 * time, so that none is too large for f16. Sums of 32 products, and of four such sums, are f16, the
 * rest f32: beside the 1.65e-3 of the result's own rounding that is a relative error of 9.1e-4
 * (measured, K of 768 and 3,072). */
#ifndef YO_CPU_HALF_PRODUCT_H
#define YO_CPU_HALF_PRODUCT_H

#include "cpu/half_pack.h"

#if defined(__AVX512FP16__) && !defined(__AMX_TILE__)
#define YO_HALF_PRODUCTS

/* A right factor, packed. */
typedef struct yo_half_right {
    uint16_t *panel; /* [N / 64][K][64] */
    float *undo;     /* [N in whole panels] */
    void *block;
    size_t bytes;
} yo_half_right;

/* out = activation(a right + bias) (+ out): [M, N] of bf16, its columns side by side; bias [N] of any
 * floats, or NULL. */
typedef struct yo_half_job {
    const yo_view *out, *bias;
    yo_half_factor a;
    const yo_half_right *right;
    int32_t activation;
    bool add;
} yo_half_job;

/* right->block is the caller's to give back. */
yoso_status YO_CPU(half_right)(yo_half_right *right, const yo_half_factor *columns);
yoso_status YO_CPU(half_multiply)(const yo_half_job *job);

/* out [M, N] = activation(x [M, K] weight^T + bias [N] or NULL), all but the bias of bf16 and
 * fitting. The packed weight stays beside it. */
yoso_status YO_CPU(half_linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation);
#endif

#endif
