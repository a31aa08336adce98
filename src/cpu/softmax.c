/* softmax and log_softmax of [before, size, after] arrays over the middle dimension, and their
 * gradients. A column is brought into a float row, computed there and written back. */
#include <math.h>
#include <omp.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/vmath.h"

/* A column of the middle dimension as a contiguous float row and back. */
static void load_column(float *row, const yo_view *x, int64_t before, int64_t after)
{
    int64_t size = x->shape[1], step = x->shape[2];
    yo_load_floats(row, x->data, before * size * step + after, step, x->dtype, size);
}

static void store_column(const yo_view *out, const float *row, int64_t before, int64_t after)
{
    int64_t size = out->shape[1], step = out->shape[2];
    yo_store_floats(out->data, before * size * step + after, step, out->dtype, row, size);
}

static void softmax_row(float *restrict row, int64_t n, bool logarithm)
{
    float largest = -INFINITY, sum = 0;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++)
        largest = row[i] > largest ? row[i] : largest;
    if (logarithm) {
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < n; i++)
            sum += yo_exp(row[i] - largest);
        float shift = largest + yo_log(sum);
        for (int64_t i = 0; i < n; i++)
            row[i] -= shift;
        return;
    }
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++) {
        row[i] = yo_exp(row[i] - largest);
        sum += row[i];
    }
    for (int64_t i = 0; i < n; i++)
        row[i] /= sum;
}

/* softmax: (grad - sum(grad y)) y;  log_softmax: grad - exp(y) sum(grad). */
static void gradient_row(float *restrict row, const float *restrict y, int64_t n, bool logarithm)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++)
        sum += logarithm ? row[i] : row[i] * y[i];
    if (logarithm)
        for (int64_t i = 0; i < n; i++)
            row[i] -= yo_exp(y[i]) * sum;
    else
        for (int64_t i = 0; i < n; i++)
            row[i] = (row[i] - sum) * y[i];
}

/* The same walk for both: y is NULL forwards. */
static yoso_status walk(const yo_view *out, const yo_view *x, const yo_view *y, bool logarithm)
{
    int64_t size = x->shape[1], after = x->shape[2], columns = x->shape[0] * after;
    int threads = yo_view_count(x) < YO_CPU_GRAIN ? 1 : yo_threads();
    int64_t rows = y ? 2 : 1;
    size_t bytes;
    void *scratch;
    if (!yo_multiply((size_t)(rows * threads) * sizeof(float), (size_t)size, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "softmax: out of memory");
    YO_TRY(yo_memory_take(&scratch, bytes));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < columns; i++) {
        float *row = (float *)scratch + rows * omp_get_thread_num() * size;
        load_column(row, x, i / after, i % after);
        if (y) {
            load_column(row + size, y, i / after, i % after);
            gradient_row(row, row + size, size, logarithm);
        } else {
            softmax_row(row, size, logarithm);
        }
        store_column(out, row, i / after, i % after);
    }
    yo_memory_give(scratch, bytes);
    return YOSO_OK;
}

yoso_status YO_CPU(softmax)(const yo_view *out, const yo_view *x, int32_t logarithm,
                            yo_stream *stream)
{
    (void)stream;
    return walk(out, x, NULL, logarithm != 0);
}

yoso_status YO_CPU(softmax_grad)(const yo_view *grad_x, const yo_view *grad, const yo_view *y,
                                 int32_t logarithm, yo_stream *stream)
{
    (void)stream;
    return walk(grad_x, grad, y, logarithm != 0);
}
