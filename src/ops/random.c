/* Random tensors, permutations and regular sequences: what is asked for, checked. */
#include <math.h>

#include "backend.h"
#include "core/philox.h"
#include "core/tensor.h"

static yoso_status check(const yoso_tensor *target, int32_t kind, double a, double b)
{
    if (!yoso_tensor_is_contiguous(target))
        return yo_fail(YOSO_MISUSE, "random: the target of shape %s is not contiguous",
                       yo_text(target).text);
    bool floats = yo_dtype_is_float(target->dtype);
    if (kind < YOSO_UNIFORM || kind > YOSO_INTEGERS)
        return yo_fail(YOSO_MISUSE, "random: unknown distribution %d", kind);
    if (kind != YOSO_INTEGERS && !floats)
        return yo_fail(YOSO_MISUSE, "random: dtype is %s, must be a float",
                       yoso_dtype_name(target->dtype));
    if (!isfinite(a) || !isfinite(b) || fabs(a) > 0x1p53 || fabs(b) > 0x1p53)
        return yo_fail(YOSO_MISUSE, "random: parameters %g and %g, must be finite", a, b);
    if (kind == YOSO_INTEGERS && !(a < b && a == floor(a) && b == floor(b)))
        return yo_fail(YOSO_MISUSE,
                       "random: integers from %.17g to below %.17g, must be whole and rising", a,
                       b);
    if (kind == YOSO_INTEGERS && floats)
        return yo_fail(YOSO_MISUSE, "random: dtype is %s, must be an integer type",
                       yoso_dtype_name(target->dtype));
    return YOSO_OK;
}

yoso_status yoso_random(yoso_tensor *target, int32_t kind, uint64_t seed, double a, double b)
{
    YO_TRY(check(target, kind, a, b));
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, target->storage->device));
    yo_view out = yo_tensor_as_view(target);
    YO_TRY(kernels->random(&out, kind, seed, yo_random_stream(YO_RANDOM_TENSOR, 0, 0), a, b,
                           yo_backend_stream(target->storage->device)));
    yoso_tensor_touch(target);
    return YOSO_OK;
}

yoso_status yoso_randperm(yoso_tensor **out, int64_t count, uint64_t seed, int64_t first)
{
    yoso_tensor *result;
    YO_TRY(yoso_tensor_new(&result, YOSO_I64, YOSO_CPU, 1, &count));
    int64_t *place = yo_tensor_data(result);
    uint64_t stream = yo_random_stream(YO_RANDOM_TENSOR, 1, 0);
    for (int64_t i = 0; i < count; i++) { /* Fisher and Yates, inside out */
        yo_philox block = yo_philox_at(seed, stream, (uint64_t)i);
        uint64_t bits = ((uint64_t)block.word[1] << 32) | block.word[0];
        int64_t j = (int64_t)(((unsigned __int128)bits * (uint64_t)(i + 1)) >> 64);
        place[i] = place[j];
        place[j] = first + i;
    }
    *out = result;
    return YOSO_OK;
}

uint64_t yoso_derive_seed(uint64_t seed, uint64_t number)
{
    return yo_philox_derive(seed, number);
}

yoso_status yoso_sequence(yoso_tensor **out, int32_t dtype, int32_t device, int64_t count,
                          double start, double step)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, device));
    yoso_tensor *result;
    YO_TRY(yoso_tensor_new(&result, dtype, device, 1, &count));
    yo_view target = yo_tensor_as_view(result);
    yoso_status status = kernels->sequence(&target, start, step, yo_backend_stream(device));
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
