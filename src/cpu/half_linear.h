/* Linear layers for bf16 by products of f16, for processors that have AVX512-FP16 and no matrix
 * unit: their f16 is twice as fast as f32, their bf16 half as fast. */
#ifndef YO_CPU_HALF_LINEAR_H
#define YO_CPU_HALF_LINEAR_H

#include "cpu/cpu.h"

#if defined(__AVX512FP16__) && !defined(__AMX_TILE__)
#define YO_HALF_PRODUCTS

/* out [M, N] = activation(x [M, K] weight^T + bias [N] or NULL), x and out contiguous. Numbers are
 * scaled by powers of two, a row of x or of the weight at a time, so that none is too large for
 * f16. Sums of 32 products are f16, their sums f32: beside the 1.65e-3 of the result's own rounding
 * that is a relative error of 8.4e-4 (measured, K of 768 and 3,072). */
yoso_status YO_CPU(half_linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation);
#endif

#endif
