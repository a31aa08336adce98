/* Layer normalisation and l2 normalisation of rows, and their gradients. Rows are computed in
 * f32 whatever their dtype. Statistics are made anew in the gradient instead of being kept. */
#include <math.h>
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

/* A layer norm's operands: x + residual is normalised; weight and bias as floats or NULL. */
typedef struct layer {
    const yo_view *x, *residual;
    const float *weight, *bias;
    int64_t width;
    float eps;
} layer;

/* Mean of the row and 1 / sqrt(variance + eps). */
static float statistics(const float *row, int64_t n, float eps, float *mean)
{
    float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; i++)
        sum += row[i];
    float center = sum / (float)n;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++)
        squares += (row[i] - center) * (row[i] - center);
    *mean = center;
    return 1.0f / sqrtf(squares / (float)n + eps);
}

/* row = x + residual; returns 1 / sqrt(variance + eps), *mean its mean. */
static float load_row(float *restrict row, float *restrict extra, const layer *l, int64_t m,
                      float *mean)
{
    int64_t n = l->width;
    yo_load_floats(row, l->x->data, m * n, 1, l->x->dtype, n);
    if (l->residual) {
        yo_load_floats(extra, l->residual->data, m * n, 1, l->residual->dtype, n);
        for (int64_t i = 0; i < n; i++)
            row[i] += extra[i];
    }
    return statistics(row, n, l->eps, mean);
}

static void normalise_row(float *restrict row, int64_t n, const float *restrict weight,
                          const float *restrict bias, float mean, float scale)
{
    if (weight && bias) {
        for (int64_t i = 0; i < n; i++)
            row[i] = (row[i] - mean) * scale * weight[i] + bias[i];
        return;
    }
    for (int64_t i = 0; i < n; i++)
        row[i] = (row[i] - mean) * scale;
    for (int64_t i = 0; weight && i < n; i++)
        row[i] *= weight[i];
    for (int64_t i = 0; bias && i < n; i++)
        row[i] += bias[i];
}

void YO_CPU(layer_norm_row)(float *row, int64_t n, const float *weight, const float *bias,
                            float eps)
{
    float mean, scale = statistics(row, n, eps, &mean);
    normalise_row(row, n, weight, bias, mean, scale);
}

static int threads_for(const yo_view *rows)
{
    return yo_view_count(rows) < YO_CPU_GRAIN ? 1 : yo_threads();
}

/* Floats of a parameter, or NULL; `room` has its width. */
static const float *load_parameter(float *room, const yo_view *parameter)
{
    if (!parameter)
        return NULL;
    yo_load_floats(room, parameter->data, 0, 1, parameter->dtype, parameter->shape[1]);
    return room;
}

static yoso_status take_floats(float **out, int64_t rows, int64_t width)
{
    size_t bytes;
    void *block;
    if (!yo_multiply((size_t)rows * sizeof(float), (size_t)width, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "layer_norm: out of memory");
    YO_TRY(yo_memory_take(&block, bytes));
    *out = block;
    return YOSO_OK;
}

yoso_status YO_CPU(layer_norm)(const yo_view *out, const yo_view *x, const yo_view *weight,
                               const yo_view *bias, const yo_view *residual, double eps,
                               yo_stream *stream)
{
    (void)stream;
    int64_t rows = x->shape[0], n = x->shape[1];
    if (n == 0 || rows == 0)
        return YOSO_OK;
    int threads = threads_for(x);
    /* weight, bias, and two rows a thread */
    int64_t scratch_rows = 2 + 2 * (int64_t)threads;
    float *scratch = NULL;
    YO_TRY(take_floats(&scratch, scratch_rows, n));
    layer l = {.x = x, .residual = residual, .width = n, .eps = (float)eps};
    l.weight = load_parameter(scratch, weight);
    l.bias = load_parameter(scratch + n, bias);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + (2 + 2 * omp_get_thread_num()) * n, mean;
        float scale = load_row(row, row + n, &l, m, &mean);
        normalise_row(row, n, l.weight, l.bias, mean, scale);
        yo_store_floats(out->data, m * n, 1, out->dtype, row, n);
    }
    yo_memory_give(scratch, (size_t)(scratch_rows * n) * sizeof(float));
    return YOSO_OK;
}

/* With h the normalised row and g = grad weight:
 *   grad x = (g - mean(g) - h mean(g h)) / sigma,  grad weight += grad h,  grad bias += grad.
 * row comes in as x + residual and leaves as its gradient. */
static void row_gradient(float *restrict row, const float *restrict grad, float *restrict of_weight,
                         float *restrict of_bias, const layer *l, float mean, float scale)
{
    int64_t n = l->width;
    const float *weight = l->weight;
    float sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
    for (int64_t i = 0; i < n; i++) {
        float h = (row[i] - mean) * scale, g = weight ? grad[i] * weight[i] : grad[i];
        row[i] = h;
        sum += g;
        product += g * h;
        of_weight[i] += grad[i] * h;
        of_bias[i] += grad[i];
    }
    sum /= (float)n;
    product /= (float)n;
    for (int64_t i = 0; i < n; i++) {
        float g = weight ? grad[i] * weight[i] : grad[i];
        row[i] = (g - sum - row[i] * product) * scale;
    }
}

/* The rows are cut into the same chunks for any number of threads; each has its own sums of the
 * parameters' gradients, joined in order. */
enum { CHUNKS = 32 };

static void add_chunks(const yo_view *out, const float *parts, int64_t step, int64_t n)
{
    float total[256];
    for (int64_t first = 0; first < n; first += 256) {
        int64_t length = n - first < 256 ? n - first : 256;
        memset(total, 0, sizeof total);
        for (int64_t c = 0; c < CHUNKS; c++)
            for (int64_t i = 0; i < length; i++)
                total[i] += parts[c * step + first + i];
        yo_store_floats(out->data, first, 1, out->dtype, total, length);
    }
}

yoso_status YO_CPU(layer_norm_grad)(const yo_view *grad_x, const yo_view *grad_weight,
                                    const yo_view *grad_bias, const yo_view *grad, const yo_view *x,
                                    const yo_view *weight, const yo_view *residual, double eps,
                                    yo_stream *stream)
{
    (void)stream;
    int64_t rows = x->shape[0], n = x->shape[1];
    if (n == 0)
        return YOSO_OK;
    int threads = threads_for(x);
    int64_t part_rows = 2 * CHUNKS, scratch_rows = 1 + part_rows + 3 * (int64_t)threads;
    float *scratch = NULL;
    YO_TRY(take_floats(&scratch, scratch_rows, n));
    layer l = {.x = x, .residual = residual, .width = n, .eps = (float)eps};
    l.weight = load_parameter(scratch, weight);
    float *parts = scratch + n, *buffers = parts + part_rows * n;
    memset(parts, 0, (size_t)(part_rows * n) * sizeof(float));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t chunk = 0; chunk < CHUNKS; chunk++) {
        float *row = buffers + 3 * omp_get_thread_num() * n, *extra = row + n, mean;
        float *of_weight = parts + 2 * chunk * n, *of_bias = of_weight + n;
        int64_t stop = rows * (chunk + 1) / CHUNKS;
        for (int64_t m = rows * chunk / CHUNKS; m < stop; m++) {
            float scale = load_row(row, extra, &l, m, &mean);
            yo_load_floats(extra, grad->data, m * n, 1, grad->dtype, n);
            row_gradient(row, extra, of_weight, of_bias, &l, mean, scale);
            yo_store_floats(grad_x->data, m * n, 1, grad_x->dtype, row, n);
        }
    }
    add_chunks(grad_weight, parts, 2 * n, n);
    add_chunks(grad_bias, parts + n, 2 * n, n);
    yo_memory_give(scratch, (size_t)(scratch_rows * n) * sizeof(float));
    return YOSO_OK;
}

/* -- Rows of length one --------------------------------------------------------------------------
 */

static float length_of(const float *row, int64_t n)
{
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; i++)
        squares += row[i] * row[i];
    return sqrtf(squares);
}

yoso_status YO_CPU(l2_normalize)(const yo_view *out, const yo_view *x, double eps,
                                 yo_stream *stream)
{
    (void)stream;
    int64_t rows = x->shape[0], n = x->shape[1];
    int threads = threads_for(x);
    float *scratch = NULL;
    YO_TRY(take_floats(&scratch, threads, n));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + omp_get_thread_num() * n;
        yo_load_floats(row, x->data, m * n, 1, x->dtype, n);
        float length = fmaxf(length_of(row, n), (float)eps);
        for (int64_t i = 0; i < n; i++)
            row[i] /= length;
        yo_store_floats(out->data, m * n, 1, out->dtype, row, n);
    }
    yo_memory_give(scratch, (size_t)(threads * n) * sizeof(float));
    return YOSO_OK;
}

/* y = x / r with r = |x|: grad x = (grad - y (y . grad)) / r; below eps the length is a constant.
 */
yoso_status YO_CPU(l2_normalize_grad)(const yo_view *grad_x, const yo_view *grad, const yo_view *x,
                                      double eps, yo_stream *stream)
{
    (void)stream;
    int64_t rows = x->shape[0], n = x->shape[1];
    int threads = threads_for(x);
    float *scratch = NULL;
    YO_TRY(take_floats(&scratch, 2 * (int64_t)threads, n));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + 2 * omp_get_thread_num() * n, *g = row + n;
        yo_load_floats(row, x->data, m * n, 1, x->dtype, n);
        yo_load_floats(g, grad->data, m * n, 1, grad->dtype, n);
        float length = length_of(row, n), dot = 0;
        bool tiny = length < (float)eps;
        length = tiny ? (float)eps : length;
#pragma omp simd reduction(+ : dot)
        for (int64_t i = 0; i < n; i++)
            dot += row[i] * g[i];
        float factor = tiny ? 0 : dot / (length * length);
        for (int64_t i = 0; i < n; i++)
            row[i] = (g[i] - row[i] * factor) / length;
        yo_store_floats(grad_x->data, m * n, 1, grad_x->dtype, row, n);
    }
    yo_memory_give(scratch, 2 * (size_t)(threads * n) * sizeof(float));
    return YOSO_OK;
}
