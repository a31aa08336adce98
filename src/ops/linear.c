/* Linear layers and their gradients. */
#include "backend.h"
#include "core/tensor.h"
#include "ops/rows.h"

static yoso_status check_layer(const char *where, const yoso_tensor *x, const yoso_tensor *weight,
                               const yoso_tensor *bias)
{
    if (weight->ndim != 2 || x->ndim < 1 || x->shape[x->ndim - 1] != weight->shape[1])
        return yo_fail(YOSO_MISUSE, "%s: x is %s, weight is %s; must be [.., in] and [out, in]",
                       where, yo_text(x).text, yo_text(weight).text);
    if (bias && (bias->ndim != 1 || bias->shape[0] != weight->shape[0]))
        return yo_fail(YOSO_MISUSE, "%s: bias is %s, must be [%lld]", where, yo_text(bias).text,
                       (long long)weight->shape[0]);
    if (!yo_dtype_is_float(x->dtype) || x->dtype != weight->dtype ||
        (bias && bias->dtype != x->dtype))
        return yo_fail(YOSO_MISUSE,
                       "%s: dtypes of x, weight and bias are %s, %s, %s; must be one of f32, f16, "
                       "bf16",
                       where, yoso_dtype_name(x->dtype), yoso_dtype_name(weight->dtype),
                       bias ? yoso_dtype_name(bias->dtype) : "none");
    if (x->storage->device != weight->storage->device ||
        (bias && bias->storage->device != x->storage->device))
        return yo_fail(YOSO_MISUSE, "%s: operands are on different devices", where);
    return YOSO_OK;
}

static yoso_status run_linear(yoso_tensor *result, const yoso_tensor *x, const yoso_tensor *weight,
                              const yoso_tensor *bias, int32_t activation, bool int8)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yoso_tensor *dense_x = NULL, *dense_bias = NULL;
    yoso_status status = yoso_contiguous(&dense_x, x);
    if (status == YOSO_OK && bias)
        status = yoso_contiguous(&dense_bias, bias);
    if (status == YOSO_OK) {
        yo_view out = yo_as_rows(result), rows = yo_as_rows(dense_x), bias_view = {.data = NULL};
        yo_weight packed = yo_tensor_as_weight(weight);
        if (bias)
            bias_view = yo_tensor_as_view(dense_bias);
        status = (int8 && kernels->linear_int8 ? kernels->linear_int8 : kernels->linear)(
            &out, &rows, &packed, bias ? &bias_view : NULL, activation,
            yo_backend_stream(x->storage->device));
    }
    yoso_tensor_free(dense_x);
    yoso_tensor_free(dense_bias);
    return status;
}

static yoso_status linear(const char *where, yoso_tensor **out, const yoso_tensor *x,
                          const yoso_tensor *weight, const yoso_tensor *bias, int32_t activation,
                          bool int8)
{
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(check_layer(where, x, weight, bias));
    if (activation < YOSO_ACT_NONE || activation > YOSO_ACT_TANH)
        return yo_fail(YOSO_MISUSE, "%s: unknown activation %d", where, activation);
    if (weight->shape[1] == 0)
        return yo_fail(YOSO_MISUSE, "%s: weight is %s, must not be empty", where,
                       yo_text(weight).text);
    for (int32_t i = 0; i < x->ndim; i++)
        shape[i] = i < x->ndim - 1 ? x->shape[i] : weight->shape[0];
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, shape));
    if (yoso_tensor_numel(result) > 0) {
        yoso_status status = run_linear(result, x, weight, bias, activation, int8);
        if (status != YOSO_OK) {
            yoso_tensor_free(result);
            return status;
        }
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_linear(yoso_tensor **out, const yoso_tensor *x, const yoso_tensor *weight,
                        const yoso_tensor *bias, int32_t activation)
{
    return linear("linear", out, x, weight, bias, activation, false);
}

yoso_status yoso_linear_int8(yoso_tensor **out, const yoso_tensor *x, const yoso_tensor *weight,
                             const yoso_tensor *bias, int32_t activation)
{
    return linear("linear_int8", out, x, weight, bias, activation, true);
}

/* -- Gradients ----------------------------------------------------------------------------------
 */

/* grad^T x, both as rows: [N, K]. */
static yoso_status weight_gradient(yoso_tensor **out, const yoso_tensor *grad, const yoso_tensor *x)
{
    yoso_tensor *grad_rows = NULL, *x_rows = NULL, *turned = NULL;
    int64_t grad_shape[2] = {-1, grad->shape[grad->ndim - 1]};
    int64_t x_shape[2] = {-1, x->shape[x->ndim - 1]};
    grad_shape[0] = x_shape[0] = yoso_tensor_numel(x) / x_shape[1];
    yoso_status status = yoso_reshape(&grad_rows, grad, 2, grad_shape);
    if (status == YOSO_OK)
        status = yoso_reshape(&x_rows, x, 2, x_shape);
    if (status == YOSO_OK)
        status = yoso_transpose(&turned, grad_rows, 0, 1);
    if (status == YOSO_OK)
        status = yoso_matmul(out, turned, x_rows);
    yoso_tensor_free(turned);
    yoso_tensor_free(x_rows);
    yoso_tensor_free(grad_rows);
    return status;
}

static yoso_status bias_gradient(yoso_tensor **out, const yoso_tensor *grad)
{
    yoso_tensor *rows;
    int64_t columns = grad->shape[grad->ndim - 1];
    int64_t shape[2] = {columns > 0 ? yoso_tensor_numel(grad) / columns : 0, columns};
    const int32_t rows_dim = 0;
    YO_TRY(yoso_reshape(&rows, grad, 2, shape));
    yoso_status status = yoso_reduce(out, YOSO_SUM, rows, 1, &rows_dim, 0, 0);
    yoso_tensor_free(rows);
    return status;
}

static bool is_gradient_of(const yoso_tensor *grad, const yoso_tensor *x, int64_t columns)
{
    bool same = grad->ndim == x->ndim;
    for (int32_t i = 0; same && i < x->ndim - 1; i++)
        same = grad->shape[i] == x->shape[i];
    return same && grad->shape[grad->ndim - 1] == columns;
}

yoso_status yoso_linear_grad(yoso_tensor **grad_x, yoso_tensor **grad_weight,
                             yoso_tensor **grad_bias, const yoso_tensor *grad, const yoso_tensor *x,
                             const yoso_tensor *weight)
{
    yoso_tensor *of_x = NULL, *of_weight = NULL, *of_bias = NULL;
    YO_TRY(check_layer("linear_grad", x, weight, NULL));
    if (!is_gradient_of(grad, x, weight->shape[0]) || grad->dtype != x->dtype)
        return yo_fail(YOSO_MISUSE, "linear_grad: grad is %s %s for x %s %s and weight %s",
                       yoso_dtype_name(grad->dtype), yo_text(grad).text, yoso_dtype_name(x->dtype),
                       yo_text(x).text, yo_text(weight).text);
    yoso_status status = YOSO_OK;
    if (grad_x)
        status = yoso_matmul(&of_x, grad, weight);
    if (status == YOSO_OK && grad_weight)
        status = weight_gradient(&of_weight, grad, x);
    if (status == YOSO_OK && grad_bias)
        status = bias_gradient(&of_bias, grad);
    if (status != YOSO_OK) {
        yoso_tensor_free(of_x);
        yoso_tensor_free(of_weight);
        return status;
    }
    if (grad_x)
        *grad_x = of_x;
    if (grad_weight)
        *grad_weight = of_weight;
    if (grad_bias)
        *grad_bias = of_bias;
    return YOSO_OK;
}
