/* Functions of one element: dtypes, activation names, and the call of the kernel. */
#include <string.h>

#include "backend.h"
#include "core/tensor.h"

static const struct {
    const char *name;
    int32_t code;
} activations[] = {
    {"gelu", YOSO_GELU},
    {"gelu_10", YOSO_GELU_10},
    {"gelu_accurate", YOSO_GELU_TANH},
    {"gelu_fast", YOSO_GELU_TANH},
    {"gelu_new", YOSO_GELU_TANH},
    {"gelu_python", YOSO_GELU},
    {"gelu_python_tanh", YOSO_GELU_TANH},
    {"gelu_pytorch_tanh", YOSO_GELU_TANH},
    {"hardswish", YOSO_HARDSWISH},
    {"laplace", YOSO_LAPLACE},
    {"leaky_relu", YOSO_LEAKY_RELU},
    {"linear", YOSO_LINEAR},
    {"mish", YOSO_MISH},
    {"quick_gelu", YOSO_QUICK_GELU},
    {"relu", YOSO_RELU},
    {"relu2", YOSO_RELU2},
    {"relu6", YOSO_RELU6},
    {"sigmoid", YOSO_SIGMOID},
    {"silu", YOSO_SILU},
    {"softplus", YOSO_SOFTPLUS},
    {"sqrtsoftplus", YOSO_SQRTSOFTPLUS},
    {"swish", YOSO_SILU},
    {"tanh", YOSO_TANH},
};

yoso_status yoso_activation(int32_t *code, const char *name)
{
    const size_t count = sizeof activations / sizeof activations[0];
    char list[512] = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(activations[i].name, name) == 0) {
            *code = activations[i].code;
            return YOSO_OK;
        }
        strcat(strcat(list, " "), activations[i].name);
    }
    return yo_fail(YOSO_MISUSE, "activation: unknown name \"%.40s\"; there are%s", name, list);
}

static bool takes_integers(int32_t op)
{
    return op == YOSO_NEG || op == YOSO_ABS || op == YOSO_SIGN || op == YOSO_SQUARE ||
           op == YOSO_FLOOR || op == YOSO_CEIL || op == YOSO_ROUND || op == YOSO_RELU ||
           op == YOSO_LINEAR;
}

static yoso_status check(const char *where, int32_t op, const yoso_tensor *x, bool integers)
{
    if (op < 0 || op >= YOSO_UNARY_COUNT)
        return yo_fail(YOSO_MISUSE, "%s: unknown operation %d", where, op);
    if (!yo_dtype_is_float(x->dtype) && !(integers && takes_integers(op)))
        return yo_fail(YOSO_MISUSE, "%s: dtype is %s, must be a float; convert with to()", where,
                       yoso_dtype_name(x->dtype));
    return YOSO_OK;
}

yoso_status yoso_unary(yoso_tensor **out, int32_t op, const yoso_tensor *x)
{
    YO_TRY(check("unary", op, x, true));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yo_view target = yo_tensor_as_view(result), source = yo_tensor_as_view(x);
    yoso_status status =
        kernels->unary(&target, op, &source, yo_backend_stream(x->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_unary_grad(yoso_tensor **out, int32_t op, const yoso_tensor *grad,
                            const yoso_tensor *x)
{
    YO_TRY(check("unary_grad", op, x, false));
    if (!yoso_tensor_same_shape(grad, x) || grad->dtype != x->dtype ||
        grad->storage->device != x->storage->device)
        return yo_fail(YOSO_MISUSE, "unary_grad: the gradient is %s %s, the input %s %s",
                       yoso_dtype_name(grad->dtype), yo_text(grad).text, yoso_dtype_name(x->dtype),
                       yo_text(x).text);
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yo_view target = yo_tensor_as_view(result), g = yo_tensor_as_view(grad);
    yo_view source = yo_tensor_as_view(x);
    yoso_status status =
        kernels->unary_grad(&target, op, &g, &source, yo_backend_stream(x->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
