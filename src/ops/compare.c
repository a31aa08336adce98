/* Comparisons and the choice between two tensors: broadcasting, dtypes, the kernel's call. */
#include "backend.h"
#include "core/tensor.h"
#include "ops/operands.h"

static const char *const names[] = {"eq", "ne",          "lt",         "le",         "gt",
                                    "ge", "logical_and", "logical_or", "logical_xor"};

static yoso_status compare(yoso_tensor **out, int32_t op, const yoso_tensor *a,
                           const yoso_tensor *b)
{
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(yo_shape_broadcast(&ndim, shape, names[op], a->ndim, a->shape, b->ndim, b->shape));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, a->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, a, YOSO_BOOL, ndim, shape));
    yo_view target = yo_tensor_as_view(result);
    yo_view left = yo_tensor_as_broadcast_view(a, ndim, shape);
    yo_view right = yo_tensor_as_broadcast_view(b, ndim, shape);
    yoso_status status =
        kernels->compare(&target, op, &left, &right, yo_backend_stream(a->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_compare(yoso_tensor **out, int32_t op, const yoso_tensor *a, const yoso_tensor *b)
{
    if (op < 0 || op >= (int32_t)(sizeof names / sizeof names[0]))
        return yo_fail(YOSO_MISUSE, "compare: unknown operation %d", op);
    yoso_tensor *converted;
    YO_TRY(yo_operands_agree(names[op], &a, &b, &converted));
    yoso_status status = compare(out, op, a, b);
    yoso_tensor_free(converted);
    return status;
}

static yoso_status choose(yoso_tensor **out, const yoso_tensor *condition, const yoso_tensor *a,
                          const yoso_tensor *b)
{
    int32_t ndim;
    int64_t pair[YOSO_MAX_DIMS], shape[YOSO_MAX_DIMS];
    YO_TRY(yo_shape_broadcast(&ndim, pair, "where", a->ndim, a->shape, b->ndim, b->shape));
    YO_TRY(
        yo_shape_broadcast(&ndim, shape, "where", ndim, pair, condition->ndim, condition->shape));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, a->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, a, a->dtype, ndim, shape));
    yo_view target = yo_tensor_as_view(result);
    yo_view which = yo_tensor_as_broadcast_view(condition, ndim, shape);
    yo_view left = yo_tensor_as_broadcast_view(a, ndim, shape);
    yo_view right = yo_tensor_as_broadcast_view(b, ndim, shape);
    yoso_status status =
        kernels->where(&target, &which, &left, &right, yo_backend_stream(a->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_where(yoso_tensor **out, const yoso_tensor *condition, const yoso_tensor *a,
                       const yoso_tensor *b)
{
    if (condition->dtype != YOSO_BOOL && condition->dtype != YOSO_U8)
        return yo_fail(YOSO_MISUSE, "where: the condition is %s, must be bool or u8",
                       yoso_dtype_name(condition->dtype));
    if (condition->storage->device != a->storage->device)
        return yo_fail(YOSO_MISUSE, "where: condition and operands are on different devices");
    yoso_tensor *converted;
    YO_TRY(yo_operands_agree("where", &a, &b, &converted));
    yoso_status status = choose(out, condition, a, b);
    yoso_tensor_free(converted);
    return status;
}
