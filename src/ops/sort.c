/* Sorting, the k first, running sums: the dimension is brought to the end, the kernel called. */
#include "backend.h"
#include "core/tensor.h"

static void bring_to_end(yo_view *view, int32_t dim)
{
    int64_t size = view->shape[dim], stride = view->stride[dim];
    for (int32_t i = dim; i + 1 < view->ndim; i++) {
        view->shape[i] = view->shape[i + 1];
        view->stride[i] = view->stride[i + 1];
    }
    view->shape[view->ndim - 1] = size;
    view->stride[view->ndim - 1] = stride;
}

static yoso_status check_dim(const char *where, const yoso_tensor *x, int32_t dim)
{
    if (dim < 0 || dim >= x->ndim)
        return yo_fail(YOSO_MISUSE, "%s: dimension %d of a tensor of shape %s", where, dim,
                       yo_text(x).text);
    return YOSO_OK;
}

yoso_status yoso_topk(yoso_tensor **values, yoso_tensor **places, const yoso_tensor *x, int64_t k,
                      int32_t dim, int32_t descending, int64_t first)
{
    YO_TRY(check_dim("topk", x, dim));
    if (k < 0 || k > x->shape[dim])
        return yo_fail(YOSO_MISUSE, "topk: %lld elements of dimension %d of shape %s", (long long)k,
                       dim, yo_text(x).text);
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    int64_t shape[YOSO_MAX_DIMS];
    for (int32_t i = 0; i < x->ndim; i++)
        shape[i] = i == dim ? k : x->shape[i];
    yoso_tensor *value, *place;
    YO_TRY(yo_tensor_like(&value, x, x->dtype, x->ndim, shape));
    yoso_status status = yo_tensor_like(&place, x, YOSO_I64, x->ndim, shape);
    if (status != YOSO_OK) {
        yoso_tensor_free(value);
        return status;
    }
    yo_view out = yo_tensor_as_view(value), at = yo_tensor_as_view(place);
    yo_view source = yo_tensor_as_view(x);
    bring_to_end(&out, dim);
    bring_to_end(&at, dim);
    bring_to_end(&source, dim);
    status =
        kernels->sort(&out, &at, &source, descending, first, yo_backend_stream(x->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(value);
        yoso_tensor_free(place);
        return status;
    }
    *values = value;
    *places = place;
    return YOSO_OK;
}

yoso_status yoso_cumsum(yoso_tensor **out, const yoso_tensor *x, int32_t dim, int32_t reverse)
{
    YO_TRY(check_dim("cumsum", x, dim));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    int32_t dtype = yo_dtype_is_float(x->dtype) ? x->dtype : YOSO_I64;
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, x, dtype, x->ndim, x->shape));
    yo_view target = yo_tensor_as_view(result), source = yo_tensor_as_view(x);
    bring_to_end(&target, dim);
    bring_to_end(&source, dim);
    yoso_status status =
        kernels->cumsum(&target, &source, reverse, yo_backend_stream(x->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
