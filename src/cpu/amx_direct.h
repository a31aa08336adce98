/* Products of large matrices on the matrix unit: out [M, N] = a [M, K] b [K, N] + bias, all in
 * one parallel region: threads pack a block of each operand together, then each multiplies its
 * share of the panels. Sums are in f32. */
#ifndef YO_CPU_AMX_DIRECT_H
#define YO_CPU_AMX_DIRECT_H

#include "cpu/amx_direct_pack.h"
#include "cpu/cpu_kernels.h"

#if defined(__AMX_TILE__)

typedef struct yo_amx_direct {
    yo_amx_operand a, b; /* rows of a, columns of b */
    int pieces;          /* 2 splits operands in f32 */
    float *out;          /* NULL: out16 takes bf16 */
    uint16_t *out16;
    int64_t out_stride;
    const float *bias; /* [columns rounded up to YO_WIDE] or NULL */
    bool add;          /* to what out holds */
} yo_amx_direct;

yoso_status YO_CPU(amx_direct)(const yo_amx_direct *product);

#endif
#endif
