/* Shape arithmetic with every product checked. */
#include "core/shape.h"

#include <stdio.h>

#include "core/status.h"

yo_shape_text yo_shape_to_text(int32_t ndim, const int64_t *shape)
{
    yo_shape_text result;
    size_t used = 0;
    used += (size_t)snprintf(result.text, sizeof result.text, "[");
    for (int32_t i = 0; i < ndim && i < YOSO_MAX_DIMS; i++)
        used += (size_t)snprintf(result.text + used, sizeof result.text - used, "%s%lld",
                                 i ? ", " : "", (long long)shape[i]);
    snprintf(result.text + used, sizeof result.text - used, "]");
    return result;
}

yoso_status yo_shape_count(int64_t *count, const char *where, int32_t ndim, const int64_t *shape)
{
    if (ndim < 0 || ndim > YOSO_MAX_DIMS)
        return yo_fail(YOSO_MISUSE, "%s: %d dimensions, must be 0 to %d", where, ndim,
                       YOSO_MAX_DIMS);
    int64_t product = 1;
    bool overflow = false, empty = false;
    for (int32_t i = 0; i < ndim; i++) {
        if (shape[i] < 0)
            return yo_fail(YOSO_MISUSE, "%s: shape %s has a negative size", where,
                           yo_shape_to_text(ndim, shape).text);
        empty |= shape[i] == 0;
        if (shape[i] > 0)
            overflow |= __builtin_mul_overflow(product, shape[i], &product);
    }
    if (overflow || product > INT64_MAX / 16)
        return yo_fail(YOSO_MISUSE, "%s: shape %s has too many elements", where,
                       yo_shape_to_text(ndim, shape).text);
    *count = empty ? 0 : product;
    return YOSO_OK;
}

void yo_shape_contiguous(int64_t *stride, int32_t ndim, const int64_t *shape)
{
    int64_t step = 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        stride[i] = step;
        step *= shape[i] > 0 ? shape[i] : 1;
    }
}

yoso_status yo_shape_broadcast(int32_t *ndim, int64_t *shape, const char *where, int32_t ndim_a,
                               const int64_t *a, int32_t ndim_b, const int64_t *b)
{
    int32_t n = ndim_a > ndim_b ? ndim_a : ndim_b;
    for (int32_t i = 0; i < n; i++) {
        int32_t ia = ndim_a - n + i, ib = ndim_b - n + i;
        int64_t size_a = ia >= 0 ? a[ia] : 1, size_b = ib >= 0 ? b[ib] : 1;
        if (size_a != size_b && size_a != 1 && size_b != 1)
            return yo_fail(YOSO_MISUSE, "%s: shapes %s and %s do not broadcast", where,
                           yo_shape_to_text(ndim_a, a).text, yo_shape_to_text(ndim_b, b).text);
        shape[i] = size_a == 1 ? size_b : size_a;
    }
    *ndim = n;
    return YOSO_OK;
}
