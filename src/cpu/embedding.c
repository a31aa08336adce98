/* Rows of a table by id, and their gradient. */
#include <string.h>

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

static int64_t id_at(const yo_view *ids, int64_t i)
{
    return ids->dtype == YOSO_I64 ? ((const int64_t *)ids->data)[i]
                                  : ((const int32_t *)ids->data)[i];
}

static yoso_status check_ids(const yo_view *ids, int64_t rows)
{
    for (int64_t i = 0; i < ids->shape[0]; i++) {
        int64_t id = id_at(ids, i);
        if (id < 0 || id >= rows)
            return yo_fail(YOSO_MISUSE,
                           "embedding: id %lld at position %lld is outside the table's 0 to %lld",
                           (long long)id, (long long)i + 1, (long long)rows - 1);
    }
    return YOSO_OK;
}

yoso_status YO_CPU(embedding)(const yo_view *out, const yo_view *ids, const yo_view *table,
                              yo_stream *stream)
{
    (void)stream;
    YO_TRY(check_ids(ids, table->shape[0]));
    size_t size = (size_t)yoso_dtype_size(table->dtype);
    size_t width = (size_t)table->shape[1] * size, step = (size_t)table->stride[0] * size;
    int threads = yo_view_count(out) < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < ids->shape[0]; i++)
        memcpy((char *)out->data + (size_t)i * width,
               (const char *)table->data + (size_t)id_at(ids, i) * step, width);
    return YOSO_OK;
}

/* A block of columns is one thread's, and the ids are walked in order: rows that come twice are
 * added without a race, in the same order for any number of threads. */
yoso_status YO_CPU(embedding_grad)(const yo_view *grad_table, const yo_view *grad,
                                   const yo_view *ids, int64_t padding, yo_stream *stream)
{
    enum { COLUMNS = 128 };
    (void)stream;
    YO_TRY(check_ids(ids, grad_table->shape[0]));
    int64_t width = grad->shape[1], blocks = (width + COLUMNS - 1) / COLUMNS;
    int threads = yo_view_count(grad) < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * COLUMNS;
        int64_t n = width - first < COLUMNS ? width - first : COLUMNS;
        float row[COLUMNS];
        for (int64_t i = 0; i < ids->shape[0]; i++) {
            int64_t id = id_at(ids, i);
            if (id == padding)
                continue;
            float *target = (float *)grad_table->data + id * width + first;
            yo_load_floats(row, grad->data, i * width + first, 1, grad->dtype, n);
            for (int64_t j = 0; j < n; j++)
                target[j] += row[j];
        }
    }
    return YOSO_OK;
}
