/* What a linear layer's gradient needs beside matrix products: sums over rows. */
#include <string.h>

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { COLUMNS = 256 };

/* A block of columns is one thread's, its rows added in order: the same bits for any number of
 * threads. Chunks of rows are summed apart, which keeps the rounding error small. */
static void sum_columns(const yo_view *out, const yo_view *x, int64_t first, int64_t n)
{
    enum { CHUNK = 128 };
    float total[COLUMNS] = {0}, part[COLUMNS], row[COLUMNS];
    for (int64_t start = 0; start < x->shape[0]; start += CHUNK) {
        int64_t stop = start + CHUNK < x->shape[0] ? start + CHUNK : x->shape[0];
        memset(part, 0, sizeof part);
        for (int64_t m = start; m < stop; m++) {
            yo_load_floats(row, x->data, m * x->stride[0] + first, 1, x->dtype, n);
            for (int64_t i = 0; i < n; i++)
                part[i] += row[i];
        }
        for (int64_t i = 0; i < n; i++)
            total[i] += part[i];
    }
    yo_store_floats(out->data, first, 1, out->dtype, total, n);
}

yoso_status YO_CPU(sum_rows)(const yo_view *out, const yo_view *x, yo_stream *stream)
{
    (void)stream;
    int64_t columns = x->shape[1], blocks = (columns + COLUMNS - 1) / COLUMNS;
    int threads = yo_view_count(x) < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * COLUMNS;
        sum_columns(out, x, first, columns - first < COLUMNS ? columns - first : COLUMNS);
    }
    return YOSO_OK;
}
