/* Tensors put one after another. */
#include "backend.h"
#include "core/tensor.h"

/* The shape of the whole; every part must have the first one's, but for dim. */
static yoso_status joined_shape(int64_t *shape, int32_t count, const yoso_tensor *const *parts,
                                int32_t dim)
{
    const yoso_tensor *first = parts[0];
    if (dim < 0 || dim >= first->ndim)
        return yo_fail(YOSO_MISUSE, "cat: dimension %d of a tensor of shape %s", dim,
                       yo_text(first).text);
    for (int32_t i = 0; i < first->ndim; i++)
        shape[i] = i == dim ? 0 : first->shape[i];
    for (int32_t p = 0; p < count; p++) {
        const yoso_tensor *part = parts[p];
        bool fits = part->ndim == first->ndim;
        for (int32_t i = 0; fits && i < first->ndim; i++)
            fits = i == dim || part->shape[i] == first->shape[i];
        if (!fits)
            return yo_fail(YOSO_MISUSE,
                           "cat: shapes %s and %s differ outside the dimension to join",
                           yo_text(first).text, yo_text(part).text);
        if (part->dtype != first->dtype)
            return yo_fail(YOSO_MISUSE, "cat: dtypes %s and %s differ; convert one with to()",
                           yoso_dtype_name(first->dtype), yoso_dtype_name(part->dtype));
        if (part->storage->device != first->storage->device)
            return yo_fail(YOSO_MISUSE, "cat: tensors on different devices");
        if (__builtin_add_overflow(shape[dim], part->shape[dim], &shape[dim]))
            return yo_fail(YOSO_MISUSE, "cat: too many elements");
    }
    return YOSO_OK;
}

static yoso_status copy_parts(yoso_tensor *whole, int32_t count, const yoso_tensor *const *parts,
                              int32_t dim)
{
    int64_t start = 0;
    for (int32_t p = 0; p < count; p++) {
        yoso_tensor *place;
        YO_TRY(yoso_narrow(&place, whole, dim, start, parts[p]->shape[dim]));
        yoso_status status = yoso_copy_into(place, parts[p]);
        yoso_tensor_free(place);
        YO_TRY(status);
        start += parts[p]->shape[dim];
    }
    return YOSO_OK;
}

yoso_status yoso_cat(yoso_tensor **out, int32_t count, const yoso_tensor *const *parts, int32_t dim)
{
    int64_t shape[YOSO_MAX_DIMS];
    if (count < 1)
        return yo_fail(YOSO_MISUSE, "cat: no tensors to join");
    YO_TRY(joined_shape(shape, count, parts, dim));
    yoso_tensor *whole;
    YO_TRY(yo_tensor_like(&whole, parts[0], parts[0]->dtype, parts[0]->ndim, shape));
    yoso_status status = copy_parts(whole, count, parts, dim);
    if (status != YOSO_OK) {
        yoso_tensor_free(whole);
        return status;
    }
    *out = whole;
    return YOSO_OK;
}
