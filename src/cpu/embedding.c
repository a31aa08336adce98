/* Rows of a table by id, and their gradient. */
#include <string.h>

#include "core/memory.h"
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

/* Places of the same id as chains, in order: first[d] is where distinct id d comes first, next[i]
 * the place after i with the same id, or -1. */
typedef struct chains {
    int32_t *head, *tail, *next, *first;
    int64_t distinct;
    size_t bytes;
} chains;

static yoso_status make_chains(chains *c, const yo_view *ids, int64_t rows, int64_t padding)
{
    int64_t count = ids->shape[0];
    size_t integers;
    if (count > INT32_MAX || rows > INT32_MAX ||
        !yo_multiply(2, (size_t)(rows + count), &integers) ||
        !yo_multiply(integers, sizeof(int32_t), &c->bytes))
        return yo_fail(YOSO_NO_MEMORY, "embedding_grad: too many rows");
    YO_TRY(yo_memory_take((void **)&c->head, c->bytes));
    c->tail = c->head + rows;
    c->next = c->tail + rows;
    c->first = c->next + count;
    c->distinct = 0;
    memset(c->head, -1, (size_t)rows * sizeof(int32_t));
    for (int64_t i = 0; i < count; i++) {
        int64_t id = id_at(ids, i);
        if (id == padding)
            continue;
        if (c->head[id] < 0) {
            c->head[id] = (int32_t)i;
            c->first[c->distinct++] = (int32_t)i;
        } else {
            c->next[c->tail[id]] = (int32_t)i;
        }
        c->tail[id] = (int32_t)i;
        c->next[i] = -1;
    }
    return YOSO_OK;
}

/* Rows of one id are summed in order, in f32, and rounded once: the same for any number of
 * threads. */
yoso_status YO_CPU(embedding_grad)(const yo_view *grad_table, const yo_view *grad,
                                   const yo_view *ids, int64_t padding, yo_stream *stream)
{
    enum { COLUMNS = 256 };
    (void)stream;
    chains c;
    YO_TRY(check_ids(ids, grad_table->shape[0]));
    YO_TRY(make_chains(&c, ids, grad_table->shape[0], padding));
    int64_t width = grad->shape[1];
    int threads = yo_view_count(grad) < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t d = 0; d < c.distinct; d++) {
        float sum[COLUMNS], row[COLUMNS];
        int64_t base = id_at(ids, c.first[d]) * width;
        for (int64_t first = 0; first < width; first += COLUMNS) {
            int64_t n = width - first < COLUMNS ? width - first : COLUMNS;
            yo_load_floats(sum, grad_table->data, base + first, 1, grad_table->dtype, n);
            for (int64_t i = c.first[d]; i >= 0; i = c.next[i]) {
                yo_load_floats(row, grad->data, i * width + first, 1, grad->dtype, n);
                for (int64_t j = 0; j < n; j++)
                    sum[j] += row[j];
            }
            yo_store_floats(grad_table->data, base + first, 1, grad_table->dtype, sum, n);
        }
    }
    yo_memory_give(c.head, c.bytes);
    return YOSO_OK;
}
