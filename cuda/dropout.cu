/* Dropout by the CPU's random bits: element i is zeroed when its uniform number, word i % 4 of
 * Philox block i / 4 of the seed's dropout stream, is below p. */
#include "core/philox.h"
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

__global__ void dropout_kernel(void *out, const void *x, int32_t dtype, float p, float scale,
                               uint64_t seed, int64_t count)
{
    uint64_t numbers = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
    FOR_MY_ELEMENTS(group, (count + 3) / 4)
    {
        yo_philox block = yo_philox_at(seed, numbers, (uint64_t)group);
        for (int j = 0; j < 4 && 4 * group + j < count; j++) {
            float value = load_float(x, 4 * group + j, dtype);
            store_float(out, 4 * group + j, dtype,
                        yo_uniform_of(block.word[j]) < p ? 0 : value * scale);
        }
    }
}

yoso_status yo_cuda_dropout(const yo_view *out, const yo_view *x, double p, uint64_t seed,
                            yo_stream *stream)
{
    int64_t count = 1;
    for (int32_t i = 0; i < x->ndim; i++)
        count *= x->shape[i];
    float share = (float)p, scale = share < 1 ? 1 / (1 - share) : 0;
    return launch("dropout", dropout_kernel, blocks_for((count + 3) / 4, THREADS), THREADS, 0,
                  stream, out->data, x->data, x->dtype, share, scale, seed, count);
}
