/* Dropout, residual and norm between a layer's products, and an activation's way back: fused where
 * the device's table has the kernels, in parts elsewhere. */
#include "ops/residual.h"

#include "backend.h"
#include "ops/product.h"
#include "ops/rows.h"

yoso_status yo_place_of(yo_place *place, const yoso_tensor *tensor)
{
    place->device = tensor->storage->device;
    place->stream = yo_backend_stream(place->device);
    return yo_backend_kernels(&place->kernels, place->device);
}

yoso_status yo_sum_rows(const yo_place *place, const yo_view *out, const yo_view *x)
{
    yo_view columns = yo_turned(x), target = *out;
    target.ndim = 1;
    target.shape[0] = out->shape[1];
    target.stride[0] = 1;
    return place->kernels->reduce(&target, YOSO_SUM, &columns, 1, 0, place->stream);
}

/* Rows like x in memory of their own, for the parts. */
static yoso_status take_rows(yoso_tensor **owner, yo_view *rows, const yo_place *place,
                             const yo_view *x)
{
    YO_TRY(yoso_tensor_new(owner, x->dtype, place->device, 2, x->shape));
    *rows = yo_as_rows(*owner);
    return YOSO_OK;
}

static yoso_status norm_in_parts(const yo_place *place, const yo_view *out, const yo_view *sum,
                                 const yo_view *x, const yo_view *residual,
                                 const yo_residual_norm_settings *norm)
{
    const yo_kernels *kernels = place->kernels;
    if (norm->p > 0)
        YO_TRY(kernels->dropout(sum, x, norm->p, norm->seed, place->stream));
    YO_TRY(kernels->binary(sum, YOSO_ADD, norm->p > 0 ? sum : x, residual, place->stream));
    return kernels->layer_norm(out, sum, &norm->weight, &norm->bias, NULL, norm->eps,
                               place->stream);
}

yoso_status yo_residual_norm(const yo_place *place, const yo_view *out, const yo_view *sum,
                             const yo_view *x, const yo_view *residual,
                             const yo_residual_norm_settings *norm)
{
    if (!place->kernels->residual_norm)
        return norm_in_parts(place, out, sum, x, residual, norm);
    return place->kernels->residual_norm(out, sum, x, residual, &norm->weight, &norm->bias,
                                         norm->eps, norm->p, norm->seed, place->stream);
}

static yoso_status norm_grad_in_parts(const yo_place *place, const yo_view *grad_sum,
                                      const yo_view *grad_x, const yo_norm_gradients *gradients,
                                      const yo_view *grad, const yo_view *sum,
                                      const yo_residual_norm_settings *norm)
{
    const yo_kernels *kernels = place->kernels;
    yoso_tensor *owner;
    yo_view rows;
    YO_TRY(take_rows(&owner, &rows, place, sum));
    yoso_status status =
        kernels->layer_norm_grad(&rows, &gradients->weight, &gradients->bias, grad, sum,
                                 &norm->weight, NULL, norm->eps, place->stream);
    if (status == YOSO_OK)
        status = kernels->copy(grad_sum, &rows, place->stream);
    yoso_tensor_free(owner);
    if (status == YOSO_OK && norm->p > 0)
        status = kernels->dropout(grad_x, grad_sum, norm->p, norm->seed, place->stream);
    return status == YOSO_OK
               ? yo_sum_rows(place, &gradients->x_rows, norm->p > 0 ? grad_x : grad_sum)
               : status;
}

yoso_status yo_residual_norm_grad(const yo_place *place, const yo_view *grad_sum,
                                  const yo_view *grad_x, const yo_norm_gradients *gradients,
                                  const yo_view *grad, const yo_view *sum,
                                  const yo_residual_norm_settings *norm)
{
    if (!place->kernels->residual_norm_grad)
        return norm_grad_in_parts(place, grad_sum, grad_x, gradients, grad, sum, norm);
    return place->kernels->residual_norm_grad(
        grad_sum, grad_x, &gradients->weight, &gradients->bias, &gradients->x_rows, grad, sum,
        &norm->weight, norm->eps, norm->p, norm->seed, place->stream);
}

yoso_status yo_activation_grad(const yo_place *place, const yo_view *grad_z, const yo_view *y,
                               const yo_view *rows_sum, int32_t op, const yo_view *z)
{
    const yo_kernels *kernels = place->kernels;
    if (kernels->activation_grad)
        return kernels->activation_grad(grad_z, y, rows_sum, op, z, place->stream);
    YO_TRY(kernels->unary(y, op, z, place->stream));
    YO_TRY(kernels->unary_grad(grad_z, op, grad_z, z, place->stream));
    return yo_sum_rows(place, rows_sum, grad_z);
}
