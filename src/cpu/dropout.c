/* Dropout: element i is zeroed when its uniform number, word i % 4 of Philox block i / 4 of the
 * seed's dropout stream, is below p; the others are divided by 1 - p. */
#include "core/philox.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { BLOCK = 1024, LANES = 16 };

/* words[j][i] is word j of block first + i: blocks side by side become vector code. */
static void random_words(uint32_t words[4][LANES], uint64_t seed, uint64_t first)
{
    uint64_t stream = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
#pragma omp simd
    for (int i = 0; i < LANES; i++) {
        yo_philox block = yo_philox_at(seed, stream, first + (uint64_t)i);
        words[0][i] = block.word[0];
        words[1][i] = block.word[1];
        words[2][i] = block.word[2];
        words[3][i] = block.word[3];
    }
}

/* row holds BLOCK elements; what is beyond the array's end is computed too, and not stored. */
static void drop(float *restrict row, int64_t first, float p, uint64_t seed)
{
    uint32_t words[4][LANES];
    float scale = p < 1 ? 1 / (1 - p) : 0;
    for (int64_t at = 0; at < BLOCK; at += 4 * LANES) {
        random_words(words, seed, (uint64_t)(first + at) / 4);
        for (int64_t i = 0; i < LANES; i++)
            for (int64_t j = 0; j < 4; j++) {
                float *element = &row[at + 4 * i + j];
                *element = yo_uniform_of(words[j][i]) < p ? 0 : *element * scale;
            }
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
        float row[BLOCK] = {0};
        yo_load_floats(row, x->data, first, 1, x->dtype, n);
        drop(row, first, (float)p, seed);
        yo_store_floats(out->data, first, 1, out->dtype, row, n);
    }
    return YOSO_OK;
}
