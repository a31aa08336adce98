/* The table of kernels: what a device can compute, on raw buffers.
 *
 * Operations (src/ops) check shapes, allocate results and call through this table; kernels trust
 * what they are given. The CPU (src/cpu) and the CUDA module (cuda) each fill one table with
 * the same names. Outputs come first, inputs next, sizes and the stream last.
 *
 * Shape letters, everywhere in the project:
 *   B batch (or sequences)  H heads  N length  D head size  M hashes  T bits of a hash code */
#ifndef YO_KERNELS_H
#define YO_KERNELS_H

#include "yoso.h"

/* A strided array: the first element, the element type, sizes and strides in elements.
 * A stride of 0 repeats. */
typedef struct yo_view {
    void *data;
    int32_t dtype;
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    int64_t stride[YOSO_MAX_DIMS];
} yo_view;

/* Where work is queued: NULL on the CPU, a CUDA stream in the module. */
typedef struct yo_stream yo_stream;

/* A weight: an array that many calls read, with the place where kernels keep what they derive
 * from it (core/derived.h) and the version of its bytes. */
typedef struct yo_derived yo_derived;
typedef struct yo_weight {
    yo_view view;
    yo_derived **derived;
    int64_t version;
} yo_weight;

typedef struct yo_kernels {
    /* The variant: "plain", "avx2", "avx512", "cuda". */
    const char *name;

    /* -- copy: out and x have one shape; converts between dtypes as yoso_cast says. */
    yoso_status (*copy)(const yo_view *out, const yo_view *x, yo_stream *stream);
    yoso_status (*fill)(const yo_view *out, double value, yo_stream *stream);

    /* -- elementwise: all views have one shape; a and b have one dtype. */
    yoso_status (*binary)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                          yo_stream *stream);

    yoso_status (*unary)(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream);
    yoso_status (*unary_grad)(const yo_view *out, int32_t op, const yo_view *grad,
                              const yo_view *x, yo_stream *stream);

    yoso_status (*compare)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream);
    yoso_status (*where)(const yo_view *out, const yo_view *condition, const yo_view *a,
                         const yo_view *b, yo_stream *stream);

    /* -- reductions: x has the kept dimensions first, then the reduced ones; out is contiguous,
     * one element a kept place. */
    yoso_status (*reduce)(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                          double parameter, yo_stream *stream);

    /* -- gather, sort, padding */

    /* -- random: out is contiguous; `numbers` is the Philox stream. */
    yoso_status (*random)(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                          double a, double b, yo_stream *stream);
    yoso_status (*sequence)(const yo_view *out, double start, double step, yo_stream *stream);

    /* -- matmul: all views have one dtype, f32, f16 or bf16; sums are in f32. */
    /* out [.., M, N] = a [.., M, K] b [.., K, N]; leading dimensions of one shape. out is
     * contiguous; a and b have any strides. K > 0 and no size is 0. */
    yoso_status (*matmul)(const yo_view *out, const yo_view *a, const yo_view *b,
                          yo_stream *stream);
    /* out [M, N] = activation(x [M, K] weight^T [N, K] + bias [N]); out and x contiguous, bias
     * contiguous or NULL, activation one of YOSO_ACT_. K > 0 and no size is 0. */
    yoso_status (*linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                          const yo_view *bias, int32_t activation, yo_stream *stream);
    /* out [N] = sum over the rows of x [M, N]; both contiguous. */
    yoso_status (*sum_rows)(const yo_view *out, const yo_view *x, yo_stream *stream);

    /* -- layers: softmax, norm, embedding, convolution, dropout, losses, optimisers */

    /* -- the attention's pieces */

} yo_kernels;

#endif
