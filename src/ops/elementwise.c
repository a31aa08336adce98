/* Elementwise operations: broadcasting, dtypes, and the call of the kernel. */
#include <string.h>

#include "backend.h"
#include "core/tensor.h"
#include "ops/operands.h"

static const char *const binary_names[] = {"add", "sub", "mul", "div", "pow", "maximum", "minimum"};

yoso_status yo_operands_agree(const char *where, const yoso_tensor **a, const yoso_tensor **b,
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

/* out (of the broadcast shape) = a OP b; all of one dtype. */
static yoso_status compute_binary(yoso_tensor *out, int32_t op, const yoso_tensor *a,
                                  const yoso_tensor *b)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, out->storage->device));
    yo_view target = yo_tensor_as_view(out);
    yo_view left = yo_tensor_as_broadcast_view(a, out->ndim, out->shape);
    yo_view right = yo_tensor_as_broadcast_view(b, out->ndim, out->shape);
    return kernels->binary(&target, op, &left, &right, yo_backend_stream(out->storage->device));
}

static yoso_status binary_of_one_dtype(yoso_tensor **out, int32_t op, const yoso_tensor *a,
                                       const yoso_tensor *b)
{
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(
        yo_shape_broadcast(&ndim, shape, binary_names[op], a->ndim, a->shape, b->ndim, b->shape));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, a, a->dtype, ndim, shape));
    yoso_status status = compute_binary(result, op, a, b);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

static yoso_status check_binary(int32_t op)
{
    if (op < 0 || op >= (int32_t)(sizeof binary_names / sizeof binary_names[0]))
        return yo_fail(YOSO_MISUSE, "binary: unknown operation %d", op);
    return YOSO_OK;
}

yoso_status yoso_binary(yoso_tensor **out, int32_t op, const yoso_tensor *a, const yoso_tensor *b)
{
    YO_TRY(check_binary(op));
    yoso_tensor *converted;
    YO_TRY(yo_operands_agree(binary_names[op], &a, &b, &converted));
    yoso_status status = binary_of_one_dtype(out, op, a, b);
    yoso_tensor_free(converted);
    return status;
}

/* Reading x while target is written is safe: another storage, or element for element the same. */
static bool may_read_while_writing(const yoso_tensor *target, const yoso_tensor *x)
{
    if (target->storage != x->storage)
        return true;
    return target->offset == x->offset && yoso_tensor_same_shape(target, x) &&
           memcmp(target->stride, x->stride, (size_t)x->ndim * sizeof x->stride[0]) == 0;
}

static yoso_status check_target(const yoso_tensor *target, int32_t op, const yoso_tensor *a,
                                const yoso_tensor *b)
{
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(
        yo_shape_broadcast(&ndim, shape, binary_names[op], a->ndim, a->shape, b->ndim, b->shape));
    if (ndim != target->ndim || memcmp(shape, target->shape, (size_t)ndim * sizeof shape[0]) != 0)
        return yo_fail(YOSO_MISUSE, "%s: the result's shape %s is not the target's, %s",
                       binary_names[op], yo_shape_to_text(ndim, shape).text, yo_text(target).text);
    if (a->dtype != target->dtype)
        return yo_fail(YOSO_MISUSE, "%s: the result is %s, the target %s", binary_names[op],
                       yoso_dtype_name(a->dtype), yoso_dtype_name(target->dtype));
    for (int32_t i = 0; i < ndim; i++)
        if (target->stride[i] == 0 && shape[i] > 1)
            return yo_fail(YOSO_MISUSE,
                           "%s: the target of shape %s is expanded: its elements "
                           "share memory",
                           binary_names[op], yo_text(target).text);
    return YOSO_OK;
}

yoso_status yoso_binary_into(yoso_tensor *target, int32_t op, const yoso_tensor *a,
                             const yoso_tensor *b)
{
    YO_TRY(check_binary(op));
    yoso_tensor *converted, *copy_a = NULL, *copy_b = NULL;
    YO_TRY(yo_operands_agree(binary_names[op], &a, &b, &converted));
    yoso_status status = check_target(target, op, a, b);
    if (status == YOSO_OK && !may_read_while_writing(target, a)) {
        status = yoso_cast(&copy_a, a, a->dtype);
        a = copy_a;
    }
    if (status == YOSO_OK && !may_read_while_writing(target, b)) {
        status = yoso_cast(&copy_b, b, b->dtype);
        b = copy_b;
    }
    if (status == YOSO_OK)
        status = compute_binary(target, op, a, b);
    yoso_tensor_touch(target);
    yoso_tensor_free(copy_a);
    yoso_tensor_free(copy_b);
    yoso_tensor_free(converted);
    return status;
}
