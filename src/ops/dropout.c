/* Dropout, and its gradient, which is the same operation on the gradient with the same seed. */
#include "backend.h"
#include "ops/rows.h"

yoso_status yoso_dropout(yoso_tensor **out, const yoso_tensor *x, double p, uint64_t seed)
{
    const yo_kernels *kernels;
    yoso_tensor *dense, *result;
    YO_TRY(yo_check_floats("dropout", 1, &x));
    if (!(p >= 0 && p <= 1))
        return yo_fail(YOSO_MISUSE, "dropout: p is %g, must be 0 to 1", p);
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yoso_status status = yoso_contiguous(&dense, x);
    if (status == YOSO_OK) {
        yo_view target = yo_tensor_as_view(result), source = yo_tensor_as_view(dense);
        status = kernels->dropout(&target, &source, p, seed, yo_backend_stream(x->storage->device));
        yoso_tensor_free(dense);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
