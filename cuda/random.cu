/* Random fills and regular sequences: the CPU's numbers to the bit (see src/cpu/random.c). */
#include "core/philox.h"
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

/* Only as many bits as dtype holds, so that rounding never reaches 1. */
__device__ inline float uniform_of(uint32_t word, int32_t dtype)
{
    int bits = dtype == YOSO_F16 ? 11 : dtype == YOSO_BF16 ? 8 : 24;
    return ldexpf((float)(word >> (32 - bits)), -bits);
}

/* Within two deviations: the first of as many tries as it takes, each at its own address. */
__device__ inline float truncated_normal(uint64_t seed, uint64_t numbers, uint64_t index)
{
    for (uint32_t attempt = 0;; attempt++) {
        yo_philox block = yo_philox_at(seed, numbers + attempt, index);
        for (int pair = 0; pair < 4; pair += 2) {
            float first, second;
            yo_normal_of(block.word[pair], block.word[pair + 1], &first, &second);
            if (fabsf(first) <= 2.0f)
                return first;
            if (fabsf(second) <= 2.0f)
                return second;
        }
    }
}

/* Four elements a thread: one Philox block has the bits of four. */
__global__ void random_kernel(void *out, int32_t dtype, int32_t kind, uint64_t seed,
                              uint64_t numbers, float a, float b, int64_t count)
{
    FOR_MY_ELEMENTS(group, (count + 3) / 4)
    {
        float value[4];
        yo_philox block = yo_philox_at(seed, numbers, (uint64_t)group);
        if (kind == YOSO_NORMAL) {
            yo_normal_of(block.word[0], block.word[1], &value[0], &value[1]);
            yo_normal_of(block.word[2], block.word[3], &value[2], &value[3]);
        } else if (kind == YOSO_TRUNCATED_NORMAL) {
            for (int k = 0; k < 4; k++)
                value[k] = truncated_normal(seed, numbers, (uint64_t)(4 * group + k));
        } else {
            for (int k = 0; k < 4; k++)
                value[k] = uniform_of(block.word[k], dtype);
        }
        float width = kind == YOSO_UNIFORM ? b - a : b;
        for (int k = 0; k < 4 && 4 * group + k < count; k++)
            store_float(out, 4 * group + k, dtype, fmaf(value[k], width, a));
    }
}

/* The high half of bits * range. */
__device__ inline uint64_t high_product(uint64_t bits, uint64_t range)
{
#if defined(__CUDA_ARCH__)
    return __umul64hi(bits, range);
#else
    return (uint64_t)(((unsigned __int128)bits * range) >> 64);
#endif
}

/* Whole numbers low .. low + range - 1. */
__global__ void random_integers_kernel(void *out, int32_t dtype, uint64_t seed, uint64_t numbers,
                                       int64_t low, uint64_t range, int64_t count)
{
    FOR_MY_ELEMENTS(i, count)
    {
        yo_philox block = yo_philox_at(seed, numbers, (uint64_t)i / 2);
        int half = i % 2 * 2;
        uint64_t bits = ((uint64_t)block.word[half + 1] << 32) | block.word[half];
        store_integer(out, i, dtype, low + (int64_t)high_product(bits, range));
    }
}

__global__ void sequence_kernel(void *out, int32_t dtype, double start, double step, int64_t count)
{
    FOR_MY_ELEMENTS(i, count)
    {
        double value = start + (double)i * step;
        if (is_float(dtype))
            store_float(out, i, dtype, (float)value);
        else
            store_integer(out, i, dtype, to_integer(value, INT64_MIN, INT64_MAX));
    }
}

static int64_t count_of(const yo_view *view)
{
    int64_t count = 1;
    for (int32_t i = 0; i < view->ndim; i++)
        count *= view->shape[i];
    return count;
}

yoso_status yo_cuda_random(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                           double a, double b, yo_stream *stream)
{
    int64_t count = count_of(out);
    if (kind == YOSO_INTEGERS)
        return launch("random", random_integers_kernel, blocks_for(count, THREADS), THREADS, 0,
                      stream, out->data, out->dtype, seed, numbers, (int64_t)a,
                      (uint64_t)((int64_t)b - (int64_t)a), count);
    return launch("random", random_kernel, blocks_for((count + 3) / 4, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, kind, seed, numbers, (float)a, (float)b, count);
}

yoso_status yo_cuda_sequence(const yo_view *out, double start, double step, yo_stream *stream)
{
    int64_t count = count_of(out);
    return launch("sequence", sequence_kernel, blocks_for(count, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, start, step, count);
}
