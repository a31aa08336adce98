/* Reductions: which dimensions, the result's shape and dtype, empty inputs. */
#include "backend.h"
#include "core/tensor.h"

static const char *const names[] = {"sum", "mean", "prod", "max", "min",       "argmax", "argmin",
                                    "any", "all",  "norm", "var", "logsumexp", "std"};

static bool takes_integers(int32_t op)
{
    return op != YOSO_MEAN && op != YOSO_NORM && op != YOSO_VAR && op != YOSO_STD &&
           op != YOSO_LOGSUMEXP;
}

static bool needs_an_element(int32_t op)
{
    return op == YOSO_MAX || op == YOSO_MIN || op == YOSO_ARGMAX || op == YOSO_ARGMIN;
}

static int32_t result_dtype(int32_t op, int32_t dtype)
{
    if (op == YOSO_ARGMAX || op == YOSO_ARGMIN)
        return YOSO_I64;
    if (op == YOSO_ANY || op == YOSO_ALL)
        return YOSO_BOOL;
    if ((op == YOSO_SUM || op == YOSO_PROD) && !yo_dtype_is_float(dtype))
        return YOSO_I64;
    return dtype;
}

static yoso_status find_reduced(bool *reduced, int32_t op, const yoso_tensor *x, int32_t count,
                                const int32_t *dims)
{
    for (int32_t i = 0; i < x->ndim; i++)
        reduced[i] = dims == NULL;
    for (int32_t i = 0; dims && i < count; i++) {
        if (dims[i] < 0 || dims[i] >= x->ndim)
            return yo_fail(YOSO_MISUSE, "%s: dimension %d of a tensor of shape %s", names[op],
                           dims[i], yo_text(x).text);
        if (reduced[dims[i]])
            return yo_fail(YOSO_MISUSE, "%s: dimension %d is named twice", names[op], dims[i]);
        reduced[dims[i]] = true;
    }
    return YOSO_OK;
}

yoso_status yoso_reduce(yoso_tensor **out, int32_t op, const yoso_tensor *x, int32_t count,
                        const int32_t *dims, int32_t keepdim, double parameter)
{
    bool reduced[YOSO_MAX_DIMS];
    if (op < 0 || op >= (int32_t)(sizeof names / sizeof names[0]))
        return yo_fail(YOSO_MISUSE, "reduce: unknown operation %d", op);
    if (!yo_dtype_is_float(x->dtype) && !takes_integers(op))
        return yo_fail(YOSO_MISUSE, "%s: dtype is %s, must be a float; convert with to()",
                       names[op], yoso_dtype_name(x->dtype));
    YO_TRY(find_reduced(reduced, op, x, count, dims));
    /* The kernel wants the kept dimensions first. */
    yo_view source = yo_tensor_as_view(x);
    int64_t shape[YOSO_MAX_DIMS], elements = 1;
    int32_t ndim = 0, kept = 0, place = 0;
    for (int32_t pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < x->ndim; i++) {
            if (reduced[i] != (pass == 1))
                continue;
            source.shape[place] = x->shape[i];
            source.stride[place++] = x->stride[i];
            if (reduced[i])
                elements *= x->shape[i];
        }
        if (pass == 0)
            kept = place;
    }
    for (int32_t i = 0; i < x->ndim; i++)
        if (!reduced[i] || keepdim)
            shape[ndim++] = reduced[i] ? 1 : x->shape[i];
    if (elements == 0 && needs_an_element(op))
        return yo_fail(YOSO_MISUSE, "%s: no elements to choose from in a tensor of shape %s",
                       names[op], yo_text(x).text);
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, x, result_dtype(op, x->dtype), ndim, shape));
    yo_view target = yo_tensor_as_view(result);
    yoso_status status = kernels->reduce(&target, op, &source, kept, parameter,
                                         yo_backend_stream(x->storage->device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
