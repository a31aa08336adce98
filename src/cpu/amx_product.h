/* Matrix products on AMX tiles: out [M, N] = finish(left [M, K] right^T [N, K]).
 *
 * Both factors are brought into tiles (amx_pack.c) of 64 bytes along K, which is one step:
 *   bf16  32 numbers; sums in f32
 *   f32   32 numbers, each split without loss into three of bf16, high + middle + low. Of the nine
 *         products the six that matter in f32 are summed: what is left out is below 2^-24 of them.
 *   int8  64 numbers with a scale for each row of a factor; sums exact in i32
 * Blocks of 32 by 32 results are summed in four tiles (amx_product.c) and finished while the next
 * block is being summed (amx_finish.c). A result has the same bits whatever the number of threads
 * and of other rows. */
#ifndef YO_CPU_AMX_PRODUCT_H
#define YO_CPU_AMX_PRODUCT_H

#include "core/derived.h"
#include "cpu/amx.h"
#include "cpu/cpu.h"

#if defined(__AMX_TILE__)

typedef enum yo_amx_kind { YO_AMX_BF16, YO_AMX_F32, YO_AMX_INT8 } yo_amx_kind;

/* Rows and columns of a block of results, and the bytes of one step of 32 rows in tiles. */
enum { YO_AMX_BLOCK = 32, YO_AMX_STEP_BYTES = 2 * YO_AMX_BYTES, YO_AMX_PLANES = 3 };

/* A factor as it lies in memory: element (r, k), k being summed over, is
 * data[r * row_stride + k * depth_stride]. One of the strides is 1. */
typedef struct yo_factor {
    const void *data;
    int32_t dtype;
    int64_t rows, depth, row_stride, depth_stride;
} yo_factor;

/* A matrix of two dimensions; the stride of a dimension of one element is free. */
static inline yo_factor yo_factor_of(const yo_view *matrix)
{
    yo_factor f = {.data = matrix->data,
                   .dtype = matrix->dtype,
                   .rows = matrix->shape[0],
                   .depth = matrix->shape[1],
                   .row_stride = matrix->stride[0],
                   .depth_stride = matrix->stride[1]};
    if (f.depth == 1)
        f.depth_stride = 1;
    else if (f.rows == 1 && f.depth_stride != 1)
        f.row_stride = 1;
    return f;
}

/* Numbers along K in one step. */
static inline int64_t yo_amx_step(yo_amx_kind kind)
{
    return kind == YO_AMX_INT8 ? 64 : 32;
}

/* -- The right factor, packed before the product: panels of 32 of its rows, zeros beyond the end.
 * Panel p begins at panels + p * steps * step_bytes. bf16, int8: steps of two tiles. f32: the
 * numbers themselves, [K, 32], since splitting them is quicker than fetching three planes. */
typedef struct yo_amx_right {
    yo_amx_kind kind;
    int64_t rows, depth, steps, step_bytes;
    char *panels;
    float *scale; /* int8: [rows rounded up to 32]; else NULL */
    size_t bytes; /* of panels and scale, one block from yo_memory_take */
} yo_amx_right;

/* Packs in parallel. */
yoso_status YO_CPU(amx_pack_right)(yo_amx_right *right, yo_amx_kind kind, const yo_factor *source);
void YO_CPU(amx_free_right)(yo_amx_right *right);

/* The planes of one panel of f32, as [steps][YO_AMX_PLANES] pairs of tiles. */
void YO_CPU(amx_split_panel)(char *planes, const char *panel, int64_t steps);

/* -- The left factor, packed a few rows at a time: blocks of 32 rows, each
 * [steps][planes] pairs of tiles, zeros beyond the end. */
void YO_CPU(amx_pack_left)(char *tiles, yo_amx_kind kind, const yo_factor *source, int64_t first,
                           int64_t rows, int64_t first_step, int64_t steps, const float *scale);
/* int8: scale[r] = the largest magnitude of row first + r, divided by 127. */
void YO_CPU(amx_row_scales)(float *scale, const yo_factor *source, int64_t first, int64_t rows);

/* -- What becomes of the sums ------------------------------------------------------------------ */

typedef struct yo_amx_finish {
    const yo_view *out; /* [M, N], contiguous rows */
    yo_amx_kind kind;
    const float *bias;  /* [N rounded up to 32] or NULL */
    const float *scale; /* int8: the right factor's */
    int32_t activation;
    const float *pieces; /* yo_gelu_pieces, where that is the activation */
    /* With norm_weight the rows go through a layer norm: x + bias + residual, normalised. */
    const float *norm_weight, *norm_bias;
    const yo_view *residual; /* [M, N] */
    float eps;
} yo_amx_finish;

/* Rows row .. row + rows - 1 of the result, columns column .. column + columns - 1, from sums
 * [rows, ld]: f32, or i32 in int8. row_scale are the left factor's, from row `row` on. */
void YO_CPU(amx_finish)(const yo_amx_finish *f, const float *sums, int64_t ld,
                        const float *row_scale, int64_t row, int64_t rows, int64_t column,
                        int64_t columns);
/* Whole rows, with the norm; sums are overwritten. */
void YO_CPU(amx_finish_norm)(const yo_amx_finish *f, float *sums, int64_t ld,
                             const float *row_scale, int64_t row, int64_t rows);

/* -- The product ------------------------------------------------------------------------------- */

yoso_status YO_CPU(amx_product)(const yo_factor *left, const yo_amx_right *right,
                                const yo_amx_finish *finish);

/* out = left right^T for factors of bf16 or floats, packed for this one product; whether that is
 * worth it. out [M, N] is contiguous. */
bool YO_CPU(amx_takes)(const yo_factor *left, const yo_factor *right);
yoso_status YO_CPU(amx_matmul)(const yo_view *out, const yo_factor *left, const yo_factor *right);

/* out [M, N] = activation(x [M, K] weight^T + bias), or with a norm as linear_norm; contiguous
 * rows. x, weight and bias are bf16 or f32, with int8 any floats of one dtype. */
yoso_status YO_CPU(amx_linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                               const yo_view *bias, int32_t activation, const yo_norm *norm,
                               bool int8);

#endif
#endif
