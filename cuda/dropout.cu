/* Dropout by the CPU's random bits: element i is zeroed when its uniform number, word i % 4 of
 * Philox block i / 4 of the seed's dropout stream, is below p. */
#include "core/philox.h"
#include "cuda/vector.cuh"

using namespace yo_cuda;

__global__ void dropout_kernel(void *out, const void *x, int32_t dtype, float p, float scale,
                               Seed seed, int64_t count)
{
    uint64_t numbers = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
    FOR_MY_ELEMENTS(group, (count + 3) / 4)
    {
        yo_philox block = yo_philox_at(seed.value(), numbers, (uint64_t)group);
        for (int j = 0; j < 4 && 4 * group + j < count; j++) {
            float value = load_float(x, 4 * group + j, dtype);
            store_float(out, 4 * group + j, dtype,
                        yo_uniform_of(block.word[j]) < p ? 0 : value * scale);
        }
    }
}

/* The same 16 bytes at a time. */
template <class T>
__global__ void dropout_vectors_kernel(T *out, const T *x, float p, float scale, Seed seed,
                                       int64_t vectors)
{
    const int GROUPS = Vector<T>::COUNT / 4;
    uint64_t numbers = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
    FOR_MY_ELEMENTS(i, vectors)
    {
        Vector<T> value;
        value.load(x + i * Vector<T>::COUNT);
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
            yo_philox block = yo_philox_at(seed.value(), numbers, (uint64_t)(i * GROUPS + g));
#pragma unroll
            for (int j = 0; j < 4; j++)
                value.x[4 * g + j] =
                    yo_uniform_of(block.word[j]) < p ? 0 : value.x[4 * g + j] * scale;
        }
        value.store(out + i * Vector<T>::COUNT);
    }
}

template <class T>
static yoso_status dropout_of(const yo_view *out, const yo_view *x, float p, float scale,
                              uint64_t seed, int64_t count, yo_stream *stream)
{
    int64_t vectors = count / Vector<T>::COUNT;
    return launch("dropout", dropout_vectors_kernel<T>, blocks_for(vectors, THREADS), THREADS, 0,
                  stream, static_cast<T *>(out->data), static_cast<const T *>(x->data), p, scale,
                  seed_of(seed), vectors);
}

yoso_status yo_cuda_dropout(const yo_view *out, const yo_view *x, double p, uint64_t seed,
                            yo_stream *stream)
{
    int64_t count = 1;
    for (int32_t i = 0; i < x->ndim; i++)
        count *= x->shape[i];
    float share = (float)p, scale = share < 1 ? 1 / (1 - share) : 0;
    if (is_vector_walk<2>(walk_over<2>({out, x}), {out, x}))
        switch (x->dtype) {
        case YOSO_F16:
            return dropout_of<f16>(out, x, share, scale, seed, count, stream);
        case YOSO_BF16:
            return dropout_of<bf16>(out, x, share, scale, seed, count, stream);
        default:
            return dropout_of<float>(out, x, share, scale, seed, count, stream);
        }
    return launch("dropout", dropout_kernel, blocks_for((count + 3) / 4, THREADS), THREADS, 0,
                  stream, out->data, x->data, x->dtype, share, scale, seed_of(seed), count);
}
