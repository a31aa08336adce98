/* Matrix products by oneDNN, which picks its instruction set itself: strided ones, and linear
 * layers with a packed weight. */
#ifndef YO_CPU_MATMUL_DNNL_H
#define YO_CPU_MATMUL_DNNL_H

#include <stdbool.h>

#include "core/derived.h"

/* Whether bytes are multiplied and summed without saturating in between. */
bool yo_dnnl_has_int8(void);

/* Beside the dtypes of tensors: x of u8, weight of signed bytes, result of i32. */
enum { YO_DNNL_INT8 = 100 };

/* out [B, M, N] = a [B, M, K] b [B, K, N]; f32 or bf16, three dimensions each, any strides. */
yoso_status yo_dnnl_matmul(const yo_view *out, const yo_view *a, const yo_view *b);

/* A packed copy of a weight [N, K] (f32, bf16 or YO_DNNL_INT8, any strides): a yo_derived_make. */
yoso_status yo_dnnl_pack(yo_derived **out, const yo_view *weight);

/* out [M, N] = activation(x [M, K] packed + bias [N] or NULL); all contiguous and of the packed
 * weight's dtype. In YO_DNNL_INT8 there is neither bias nor activation. */
yoso_status yo_dnnl_linear(const yo_view *out, const yo_view *x, const yo_derived *packed,
                           const yo_view *bias, int32_t activation);

#endif
