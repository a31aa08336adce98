/* Layer normalisation with an optional residual, and rows of length one; their gradients. */
#include "backend.h"
#include "ops/rows.h"

/* -- Layer normalisation ---------------------------------------------------------------------- */

static yoso_status check_affine(const char *where, const char *name, const yoso_tensor *tensor,
                                const yoso_tensor *x)
{
    int64_t width = x->shape[x->ndim - 1];
    if (tensor && (tensor->ndim != 1 || tensor->shape[0] != width))
        return yo_fail(YOSO_MISUSE, "%s: %s is %s, must be [%lld] for x %s", where, name,
                       yo_text(tensor).text, (long long)width, yo_text(x).text);
    return YOSO_OK;
}

static yoso_status check_layer_norm(const char *where, const yoso_tensor *x,
                                    const yoso_tensor *weight, const yoso_tensor *bias,
                                    const yoso_tensor *residual)
{
    const yoso_tensor *all[] = {x, weight, bias, residual};
    if (x->ndim < 1)
        return yo_fail(YOSO_MISUSE, "%s: x has no dimensions, must have at least one", where);
    YO_TRY(yo_check_floats(where, 4, all));
    YO_TRY(check_affine(where, "weight", weight, x));
    YO_TRY(check_affine(where, "bias", bias, x));
    return yo_check_like(where, "residual", residual, x);
}

yoso_status yoso_layer_norm(yoso_tensor **out, const yoso_tensor *x, const yoso_tensor *weight,
                            const yoso_tensor *bias, double eps, const yoso_tensor *residual)
{
    const yo_kernels *kernels;
    yo_operands o;
    yoso_tensor *result;
    const yoso_tensor *inputs[] = {x, weight, bias, residual};
    YO_TRY(check_layer_norm("layer_norm", x, weight, bias, residual));
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yoso_status status = yo_take_operands(&o, 4, inputs);
    if (status == YOSO_OK) {
        yo_view target = yo_as_rows(result);
        status = kernels->layer_norm(&target, o.given[0], o.given[1], o.given[2], o.given[3], eps,
                                     yo_backend_stream(x->storage->device));
        yo_free_operands(&o);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_layer_norm_grad(yoso_tensor **grad_x, yoso_tensor **grad_weight,
                                 yoso_tensor **grad_bias, const yoso_tensor *grad,
                                 const yoso_tensor *x, const yoso_tensor *weight, double eps,
                                 const yoso_tensor *residual)
{
    const yo_kernels *kernels;
    yo_operands o;
    yoso_tensor *result[3] = {NULL, NULL, NULL};
    const yoso_tensor *inputs[] = {grad, x, weight, residual};
    YO_TRY(check_layer_norm("layer_norm_grad", x, weight, NULL, residual));
    YO_TRY(yo_check_like("layer_norm_grad", "grad", grad, x));
    YO_TRY(yo_check_floats("layer_norm_grad", 2, inputs));
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    YO_TRY(yo_take_operands(&o, 4, inputs));
    const int64_t *width = &x->shape[x->ndim - 1];
    yoso_status status = yo_tensor_like(&result[0], x, x->dtype, x->ndim, x->shape);
    for (int i = 1; i < 3 && status == YOSO_OK; i++)
        status = yo_tensor_like(&result[i], x, x->dtype, 1, width);
    if (status == YOSO_OK) {
        yo_view of_x = yo_as_rows(result[0]);
        yo_view of_weight = yo_tensor_as_view(result[1]), of_bias = yo_tensor_as_view(result[2]);
        status = kernels->layer_norm_grad(&of_x, &of_weight, &of_bias, o.given[0], o.given[1],
                                          o.given[2], o.given[3], eps,
                                          yo_backend_stream(x->storage->device));
    }
    yo_free_operands(&o);
    if (status != YOSO_OK) {
        for (int i = 0; i < 3; i++)
            yoso_tensor_free(result[i]);
        return status;
    }
    *grad_x = result[0];
    *grad_weight = result[1];
    *grad_bias = result[2];
    return YOSO_OK;
}

/* -- Rows of length one ---------------------------------------------------------------------------
 */

static yoso_status check_rows(const char *where, const yoso_tensor *x)
{
    if (x->ndim < 1)
        return yo_fail(YOSO_MISUSE, "%s: x has no dimensions, must have at least one", where);
    return yo_check_floats(where, 1, &x);
}

yoso_status yoso_l2_normalize(yoso_tensor **out, const yoso_tensor *x, double eps)
{
    const yo_kernels *kernels;
    yo_operands o;
    yoso_tensor *result;
    YO_TRY(check_rows("l2_normalize", x));
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yoso_status status = yo_take_operands(&o, 1, &x);
    if (status == YOSO_OK) {
        yo_view target = yo_as_rows(result);
        status =
            kernels->l2_normalize(&target, o.given[0], eps, yo_backend_stream(x->storage->device));
        yo_free_operands(&o);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_l2_normalize_grad(yoso_tensor **grad_x, const yoso_tensor *grad,
                                   const yoso_tensor *x, double eps)
{
    const yo_kernels *kernels;
    yo_operands o;
    yoso_tensor *result;
    const yoso_tensor *inputs[] = {grad, x};
    YO_TRY(check_rows("l2_normalize_grad", x));
    YO_TRY(yo_check_like("l2_normalize_grad", "grad", grad, x));
    YO_TRY(yo_check_floats("l2_normalize_grad", 2, inputs));
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yoso_status status = yo_take_operands(&o, 2, inputs);
    if (status == YOSO_OK) {
        yo_view target = yo_as_rows(result);
        status = kernels->l2_normalize_grad(&target, o.given[0], o.given[1], eps,
                                            yo_backend_stream(x->storage->device));
        yo_free_operands(&o);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *grad_x = result;
    return YOSO_OK;
}
