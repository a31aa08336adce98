/* Dropout on its own. */
#include "cpu/dropout.h"

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { BLOCK = 1024 };

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
        yo_drop(row, first, n, p, seed);
        yo_store_floats(out->data, first, 1, out->dtype, row, n);
    }
    return YOSO_OK;
}
