/* Losses by row and by element, and their gradients. */
#include <math.h>
#include <omp.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/vmath.h"

enum { BLOCK = 1024 };

static int64_t label_at(const yo_view *labels, int64_t i)
{
    return labels->dtype == YOSO_I64 ? ((const int64_t *)labels->data)[i]
                                     : ((const int32_t *)labels->data)[i];
}

/* Counts the labels that are kept; one that is no class is the caller's mistake. */
static yoso_status count_labels(int64_t *kept, const yo_view *labels, int64_t rows, int64_t classes,
                                int64_t ignore)
{
    int64_t count = 0;
    for (int64_t i = 0; i < rows; i++) {
        int64_t label = label_at(labels, i);
        if (label == ignore)
            continue;
        if (label < 0 || label >= classes)
            return yo_fail(YOSO_MISUSE,
                           "cross_entropy: label %lld at position %lld is outside 0 to %lld "
                           "(ignored: %lld)",
                           (long long)label, (long long)i + 1, (long long)classes - 1,
                           (long long)ignore);
        count++;
    }
    *kept = count;
    return YOSO_OK;
}

static float largest_of(const float *row, int64_t n)
{
    float largest = -INFINITY;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < n; i++)
        largest = row[i] > largest ? row[i] : largest;
    return largest;
}

static float sum_of_exponentials(const float *row, int64_t n, float shift)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++)
        sum += yo_exp(row[i] - shift);
    return sum;
}

static int row_threads(const yo_view *logits)
{
    return yo_view_count(logits) < YO_CPU_GRAIN ? 1 : yo_threads();
}

static yoso_status take_rows(float **scratch, size_t *bytes, int threads, int64_t classes)
{
    void *block;
    if (!yo_multiply((size_t)threads * sizeof(float), (size_t)classes, bytes))
        return yo_fail(YOSO_NO_MEMORY, "cross_entropy: out of memory");
    YO_TRY(yo_memory_take(&block, *bytes));
    *scratch = block;
    return YOSO_OK;
}

yoso_status YO_CPU(cross_entropy)(const yo_view *loss, int64_t *kept, const yo_view *logits,
                                  const yo_view *labels, int64_t ignore, yo_stream *stream)
{
    (void)stream;
    int64_t rows = logits->shape[0], classes = logits->shape[1];
    int threads = row_threads(logits);
    float *scratch, *out = loss->data;
    size_t bytes;
    YO_TRY(count_labels(kept, labels, rows, classes, ignore));
    YO_TRY(take_rows(&scratch, &bytes, threads, classes));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + omp_get_thread_num() * classes;
        int64_t label = label_at(labels, m);
        out[m] = 0;
        if (label == ignore)
            continue;
        yo_load_floats(row, logits->data, m * classes, 1, logits->dtype, classes);
        float largest = largest_of(row, classes);
        out[m] = yo_log(sum_of_exponentials(row, classes, largest)) + largest - row[label];
    }
    yo_memory_give(scratch, bytes);
    return YOSO_OK;
}

/* (softmax - [class is the label]) scale grad; 0 for a row that is ignored. */
yoso_status YO_CPU(cross_entropy_grad)(const yo_view *grad_logits, const yo_view *grad,
                                       double scale, const yo_view *logits, const yo_view *labels,
                                       int64_t ignore, yo_stream *stream)
{
    (void)stream;
    int64_t rows = logits->shape[0], classes = logits->shape[1], kept;
    int threads = row_threads(logits);
    float *scratch = NULL;
    size_t bytes;
    YO_TRY(count_labels(&kept, labels, rows, classes, ignore));
    YO_TRY(take_rows(&scratch, &bytes, threads, classes));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + omp_get_thread_num() * classes;
        int64_t label = label_at(labels, m);
        float factor = (float)scale * ((const float *)grad->data)[m * grad->stride[0]];
        yo_load_floats(row, logits->data, m * classes, 1, logits->dtype, classes);
        if (label == ignore) {
            for (int64_t i = 0; i < classes; i++)
                row[i] = 0;
        } else {
            float largest = largest_of(row, classes);
            float total = sum_of_exponentials(row, classes, largest);
            for (int64_t i = 0; i < classes; i++)
                row[i] = yo_exp(row[i] - largest) / total * factor;
            row[label] -= factor;
        }
        yo_store_floats(grad_logits->data, m * classes, 1, grad_logits->dtype, row, classes);
    }
    yo_memory_give(scratch, bytes);
    return YOSO_OK;
}

/* -- By element
 * -------------------------------------------------------------------------------------- */

/* Squared: (x - t)^2. Binary, x a logit: max(x, 0) - x t + log(1 + exp(-|x|)). */
static void losses(float *restrict x, const float *restrict t, int64_t n, int32_t kind)
{
    if (kind == YOSO_LOSS_SQUARED)
        for (int64_t i = 0; i < n; i++)
            x[i] = (x[i] - t[i]) * (x[i] - t[i]);
    else
        for (int64_t i = 0; i < n; i++)
            x[i] = (x[i] > 0 ? x[i] : 0) - x[i] * t[i] + yo_log1p(yo_exp(-fabsf(x[i])));
}

static void gradients(float *restrict x, const float *restrict t, int64_t n, int32_t kind)
{
    if (kind == YOSO_LOSS_SQUARED)
        for (int64_t i = 0; i < n; i++)
            x[i] = 2 * (x[i] - t[i]);
    else
        for (int64_t i = 0; i < n; i++)
            x[i] = 1 / (1 + yo_exp(-x[i])) - t[i];
}

static void load_both(float *x, float *t, const yo_view *values, const yo_view *target,
                      int64_t first, int64_t n)
{
    yo_load_floats(x, values->data, first, 1, values->dtype, n);
    yo_load_floats(t, target->data, first, 1, target->dtype, n);
}

yoso_status YO_CPU(pointwise_loss)(const yo_view *loss, int32_t kind, const yo_view *x,
                                   const yo_view *target, yo_stream *stream)
{
    (void)stream;
    int64_t count = x->shape[0], blocks = (count + BLOCK - 1) / BLOCK;
    int threads = count < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * BLOCK, n = count - first < BLOCK ? count - first : BLOCK;
        float row[BLOCK], wanted[BLOCK];
        load_both(row, wanted, x, target, first, n);
        losses(row, wanted, n, kind);
        yo_store_floats(loss->data, first, 1, loss->dtype, row, n);
    }
    return YOSO_OK;
}

yoso_status YO_CPU(pointwise_loss_grad)(const yo_view *grad_x, int32_t kind, const yo_view *grad,
                                        double scale, const yo_view *x, const yo_view *target,
                                        yo_stream *stream)
{
    (void)stream;
    int64_t count = x->shape[0], blocks = (count + BLOCK - 1) / BLOCK;
    int threads = count < YO_CPU_GRAIN ? 1 : yo_threads();
    const float *g = grad->data;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * BLOCK, n = count - first < BLOCK ? count - first : BLOCK;
        float row[BLOCK], wanted[BLOCK];
        load_both(row, wanted, x, target, first, n);
        gradients(row, wanted, n, kind);
        for (int64_t i = 0; i < n; i++)
            row[i] *= (float)scale * g[(first + i) * grad->stride[0]];
        yo_store_floats(grad_x->data, first, 1, grad_x->dtype, row, n);
    }
    return YOSO_OK;
}
