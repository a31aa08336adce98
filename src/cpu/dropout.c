/* Dropout: element i is zeroed when its uniform number, word i % 4 of Philox block i / 4 of the
 * seed's dropout stream, is below p; the others are divided by 1 - p. */
#include "core/philox.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { BLOCK = 1024 };

static void drop(float *restrict row, int64_t first, int64_t n, float p, uint64_t seed)
{
    uint64_t stream = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
    float scale = p < 1 ? 1 / (1 - p) : 0;
    for (int64_t i = 0; i < n; i += 4) {
        yo_philox random = yo_philox_at(seed, stream, (uint64_t)(first + i) / 4);
        for (int64_t j = 0; j < 4 && i + j < n; j++)
            row[i + j] = yo_uniform_of(random.word[j]) < p ? 0 : row[i + j] * scale;
    }
}

yoso_status YO_CPU(dropout)(const yo_view *out, const yo_view *x, double p, uint64_t seed,
                            yo_stream *stream)
{
    (void)stream;
    int64_t count = yo_view_count(x), blocks = (count + BLOCK - 1) / BLOCK;
    int threads = count < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * BLOCK, n = count - first < BLOCK ? count - first : BLOCK;
        float row[BLOCK];
        yo_load_floats(row, x->data, first, 1, x->dtype, n);
        drop(row, first, n, (float)p, seed);
        yo_store_floats(out->data, first, 1, out->dtype, row, n);
    }
    return YOSO_OK;
}
