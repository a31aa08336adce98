/* Elementwise operations: broadcasting, dtypes, and the call of the kernel. */
#include "backend.h"
#include "core/tensor.h"

static const char *const binary_names[] = {"add", "sub", "mul", "div", "pow", "maximum", "minimum"};

/* Brings both operands to one dtype: a tensor without dimensions gives way to the other.
 * *converted is a new tensor to free, or NULL. */
static yoso_status agree(const char *where, const yoso_tensor **a, const yoso_tensor **b,
                         yoso_tensor **converted)
{
    *converted = NULL;
    if ((*a)->storage->device != (*b)->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: operands are on different devices", where);
    if ((*a)->dtype == (*b)->dtype)
        return YOSO_OK;
    if ((*b)->ndim == 0) {
        YO_TRY(yoso_cast(converted, *b, (*a)->dtype));
        *b = *converted;
        return YOSO_OK;
    }
    if ((*a)->ndim == 0) {
        YO_TRY(yoso_cast(converted, *a, (*b)->dtype));
        *a = *converted;
        return YOSO_OK;
    }
    return yo_fail(YOSO_MISUSE, "%s: dtypes %s and %s differ; convert one with to()", where,
                   yoso_dtype_name((*a)->dtype), yoso_dtype_name((*b)->dtype));
}

static yoso_status binary_of_one_dtype(yoso_tensor **out, int32_t op, const yoso_tensor *a,
                                       const yoso_tensor *b)
{
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(
        yo_shape_broadcast(&ndim, shape, binary_names[op], a->ndim, a->shape, b->ndim, b->shape));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, a->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, a, a->dtype, ndim, shape));
    yo_view target = yo_tensor_as_view(result);
    yo_view left = yo_tensor_as_broadcast_view(a, ndim, shape);
    yo_view right = yo_tensor_as_broadcast_view(b, ndim, shape);
    yoso_status status =
        kernels->binary(&target, op, &left, &right, yo_backend_stream(a->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_binary(yoso_tensor **out, int32_t op, const yoso_tensor *a, const yoso_tensor *b)
{
    if (op < 0 || op >= (int32_t)(sizeof binary_names / sizeof binary_names[0]))
        return yo_fail(YOSO_MISUSE, "binary: unknown operation %d", op);
    yoso_tensor *converted;
    YO_TRY(agree(binary_names[op], &a, &b, &converted));
    yoso_status status = binary_of_one_dtype(out, op, a, b);
    yoso_tensor_free(converted);
    return status;
}
