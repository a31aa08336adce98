/* Gathering and scattering by positions, and the places of what is not zero. */
#include <string.h>

#include "backend.h"
#include "core/tensor.h"

/* index: i64 or i32, as many dimensions as x, no larger than x but in dim. */
static yoso_status check(const char *where, const yoso_tensor *x, int32_t dim,
                         const yoso_tensor *index)
{
    if (index->dtype != YOSO_I64 && index->dtype != YOSO_I32)
        return yo_fail(YOSO_MISUSE, "%s: the positions are %s, must be i64 or i32", where,
                       yoso_dtype_name(index->dtype));
    if (index->storage->device != x->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: tensor and positions are on different devices", where);
    if (dim < 0 || dim >= x->ndim)
        return yo_fail(YOSO_MISUSE, "%s: dimension %d of a tensor of shape %s", where, dim,
                       yo_text(x).text);
    bool fits = index->ndim == x->ndim;
    for (int32_t i = 0; fits && i < x->ndim; i++)
        fits = i == dim || index->shape[i] <= x->shape[i];
    if (!fits)
        return yo_fail(YOSO_MISUSE, "%s: positions of shape %s for a tensor of shape %s", where,
                       yo_text(index).text, yo_text(x).text);
    return YOSO_OK;
}

yoso_status yoso_gather(yoso_tensor **out, const yoso_tensor *x, int32_t dim,
                        const yoso_tensor *index, int64_t first)
{
    YO_TRY(check("gather", x, dim, index));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, x, x->dtype, index->ndim, index->shape));
    yo_view target = yo_tensor_as_view(result), source = yo_tensor_as_view(x);
    yo_view positions = yo_tensor_as_view(index);
    yoso_status status = kernels->gather(&target, &source, &positions, dim, first,
                                         yo_backend_stream(x->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_scatter_into(yoso_tensor *target, int32_t dim, const yoso_tensor *index,
                              const yoso_tensor *source, int32_t add, int64_t first)
{
    YO_TRY(check("scatter", target, dim, index));
    if (!yoso_tensor_same_shape(index, source) || source->dtype != target->dtype ||
        source->storage->device != target->storage->device)
        return yo_fail(YOSO_MISUSE, "scatter: %s %s at positions of shape %s into %s %s",
                       yoso_dtype_name(source->dtype), yo_text(source).text, yo_text(index).text,
                       yoso_dtype_name(target->dtype), yo_text(target).text);
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, target->storage->device));
    yo_view out = yo_tensor_as_view(target), positions = yo_tensor_as_view(index);
    yo_view values = yo_tensor_as_view(source);
    yoso_tensor_touch(target);
    return kernels->scatter(&out, &positions, &values, dim, first, add,
                            yo_backend_stream(target->storage->device));
}

yoso_status yoso_nonzero(yoso_tensor **out, const yoso_tensor *x, int64_t first)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yo_stream *stream = yo_backend_stream(x->storage->device);
    yo_view source = yo_tensor_as_view(x);
    int64_t count;
    YO_TRY(kernels->nonzero(&count, NULL, &source, first, stream));
    yoso_tensor *result;
    int64_t shape[2] = {count, x->ndim};
    YO_TRY(yo_tensor_like(&result, x, YOSO_I64, 2, shape));
    yoso_status status = kernels->nonzero(&count, yo_tensor_data(result), &source, first, stream);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
