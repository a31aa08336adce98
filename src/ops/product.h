/* The product that layers are trained with, on views; see kernels.h. */
#ifndef YO_OPS_PRODUCT_H
#define YO_OPS_PRODUCT_H

#include "ops/rows.h"

/* out (+)= a b (+ bias), with the kernel of that name where the device has one. */
yoso_status yo_product(const yo_kernels *kernels, const yo_view *out, const yo_view *a,
                       const yo_view *b, const yo_view *bias, int32_t how, yo_stream *stream);

/* A matrix with rows and columns swapped. */
static inline yo_view yo_turned(const yo_view *x)
{
    yo_view turned = *x;
    turned.shape[0] = x->shape[1];
    turned.shape[1] = x->shape[0];
    turned.stride[0] = x->stride[1];
    turned.stride[1] = x->stride[0];
    return turned;
}

/* Columns of a matrix. */
static inline yo_view yo_columns(const yo_view *matrix, int64_t first, int64_t count)
{
    yo_view part = *matrix;
    part.data = (char *)matrix->data + first * matrix->stride[1] * yoso_dtype_size(matrix->dtype);
    part.shape[1] = count;
    return part;
}

#endif
