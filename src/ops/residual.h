/* What stands between a layer's products in training; see kernels.h. Devices whose table lacks
 * these kernels run the parts one by one. Views are of contiguous rows. */
#ifndef YO_OPS_RESIDUAL_H
#define YO_OPS_RESIDUAL_H

#include "core/tensor.h"

/* A layer norm with the dropout before it. */
typedef struct yo_residual_norm_settings {
    yo_view weight, bias; /* [1, N] */
    double eps, p;
    uint64_t seed;
} yo_residual_norm_settings;

/* Gradients of one norm, [1, N] each; x_rows is the bias' of the product before. */
typedef struct yo_norm_gradients {
    yo_view weight, bias, x_rows;
} yo_norm_gradients;

/* Where operations run: the kernels of a device and its stream. */
typedef struct yo_place {
    const yo_kernels *kernels;
    yo_stream *stream;
    int32_t device;
} yo_place;
yoso_status yo_place_of(yo_place *place, const yoso_tensor *tensor);

/* sum = dropout(x) + residual, out = its norm; sum may be x. */
yoso_status yo_residual_norm(const yo_place *place, const yo_view *out, const yo_view *sum,
                             const yo_view *x, const yo_view *residual,
                             const yo_residual_norm_settings *norm);
/* grad_sum may be grad; grad_x is not written where norm->p is 0, when it is grad_sum. */
yoso_status yo_residual_norm_grad(const yo_place *place, const yo_view *grad_sum,
                                  const yo_view *grad_x, const yo_norm_gradients *gradients,
                                  const yo_view *grad, const yo_view *sum,
                                  const yo_residual_norm_settings *norm);
/* y = op(z); grad_z comes as y's gradient; rows_sum [1, N] is grad_z summed over the rows. */
yoso_status yo_activation_grad(const yo_place *place, const yo_view *grad_z, const yo_view *y,
                               const yo_view *rows_sum, int32_t op, const yo_view *z);
/* out [1, N] = the sum of x's rows. */
yoso_status yo_sum_rows(const yo_place *place, const yo_view *out, const yo_view *x);

#endif
