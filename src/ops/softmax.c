/* softmax and log_softmax over one dimension, and their gradients. */
#include "backend.h"
#include "ops/rows.h"

/* A contiguous tensor as [before, size, after] of dimension dim. */
static yo_view around(const yoso_tensor *tensor, int32_t dim)
{
    yo_view view = {.data = yo_tensor_data(tensor), .dtype = tensor->dtype, .ndim = 3};
    view.shape[0] = view.shape[2] = 1;
    for (int32_t i = 0; i < dim; i++)
        view.shape[0] *= tensor->shape[i];
    view.shape[1] = tensor->shape[dim];
    for (int32_t i = dim + 1; i < tensor->ndim; i++)
        view.shape[2] *= tensor->shape[i];
    yo_shape_contiguous(view.stride, 3, view.shape);
    return view;
}

static yoso_status check_dim(const char *where, const yoso_tensor *x, int32_t dim)
{
    if (dim < 0 || dim >= x->ndim)
        return yo_fail(YOSO_MISUSE, "%s: dimension %d of a tensor of shape %s", where, dim,
                       yo_text(x).text);
    return yo_check_floats(where, 1, &x);
}

static yoso_status run_softmax(yoso_tensor *result, const yoso_tensor *x, int32_t dim,
                               int32_t logarithm)
{
    const yo_kernels *kernels;
    yoso_tensor *dense;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    YO_TRY(yoso_contiguous(&dense, x));
    yo_view target = around(result, dim), source = around(dense, dim);
    yoso_status status =
        kernels->softmax(&target, &source, logarithm, yo_backend_stream(x->storage->device));
    yoso_tensor_free(dense);
    return status;
}

yoso_status yoso_softmax(yoso_tensor **out, const yoso_tensor *x, int32_t dim, int32_t logarithm)
{
    yoso_tensor *result;
    YO_TRY(check_dim(logarithm ? "log_softmax" : "softmax", x, dim));
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    if (yoso_tensor_numel(x) > 0) {
        yoso_status status = run_softmax(result, x, dim, logarithm);
        if (status != YOSO_OK) {
            yoso_tensor_free(result);
            return status;
        }
    }
    *out = result;
    return YOSO_OK;
}

static yoso_status run_gradient(yoso_tensor *result, const yoso_tensor *grad, const yoso_tensor *y,
                                int32_t dim, int32_t logarithm)
{
    const yo_kernels *kernels;
    yo_operands o;
    const yoso_tensor *inputs[] = {grad, y};
    YO_TRY(yo_backend_kernels(&kernels, y->storage->device));
    YO_TRY(yo_take_operands(&o, 2, inputs));
    yo_view target = around(result, dim);
    yo_view g = around(o.dense[0], dim), output = around(o.dense[1], dim);
    yoso_status status = kernels->softmax_grad(&target, &g, &output, logarithm,
                                               yo_backend_stream(y->storage->device));
    yo_free_operands(&o);
    return status;
}

yoso_status yoso_softmax_grad(yoso_tensor **grad_x, const yoso_tensor *grad, const yoso_tensor *y,
                              int32_t dim, int32_t logarithm)
{
    const char *where = logarithm ? "log_softmax_grad" : "softmax_grad";
    const yoso_tensor *inputs[] = {grad, y};
    yoso_tensor *result;
    YO_TRY(check_dim(where, y, dim));
    YO_TRY(yo_check_like(where, "grad", grad, y));
    YO_TRY(yo_check_floats(where, 2, inputs));
    YO_TRY(yo_tensor_like(&result, y, y->dtype, y->ndim, y->shape));
    if (yoso_tensor_numel(y) > 0) {
        yoso_status status = run_gradient(result, grad, y, dim, logarithm);
        if (status != YOSO_OK) {
            yoso_tensor_free(result);
            return status;
        }
    }
    *grad_x = result;
    return YOSO_OK;
}
