/* Layer normalisation and l2 normalisation of rows, and their gradients. Rows are computed in
 * f32 whatever their dtype. Statistics are made anew in the gradient instead of being kept. */
#include "cpu/norm_rows.h"

#include <omp.h>

void YO_CPU(layer_norm_row)(float *row, int64_t n, const float *weight, const float *bias,
                            float eps)
{
    float mean, scale = yo_norm_statistics(row, n, eps, &mean);
    yo_norm_row(row, n, weight, bias, mean, scale);
}

static int threads_for(const yo_view *rows)
{
    return yo_view_count(rows) < YO_CPU_GRAIN ? 1 : yo_threads();
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
    YO_TRY(yo_norm_floats(&scratch, scratch_rows, n));
    yo_norm_layer l = {.x = x, .residual = residual, .width = n, .eps = (float)eps};
    l.weight = yo_norm_parameter(scratch, weight);
    l.bias = yo_norm_parameter(scratch + n, bias);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + (2 + 2 * omp_get_thread_num()) * n, mean;
        float scale = yo_norm_load(row, row + n, &l, m, &mean);
        yo_norm_row(row, n, l.weight, l.bias, mean, scale);
        yo_store_floats(out->data, m * n, 1, out->dtype, row, n);
    }
    yo_memory_give(scratch, (size_t)(scratch_rows * n) * sizeof(float));
    return YOSO_OK;
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
    int64_t part_rows = 2 * YO_NORM_CHUNKS, scratch_rows = 1 + part_rows + 3 * (int64_t)threads;
    float *scratch = NULL;
    YO_TRY(yo_norm_floats(&scratch, scratch_rows, n));
    yo_norm_layer l = {.x = x, .residual = residual, .width = n, .eps = (float)eps};
    l.weight = yo_norm_parameter(scratch, weight);
    float *parts = scratch + n, *buffers = parts + part_rows * n;
    memset(parts, 0, (size_t)(part_rows * n) * sizeof(float));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t chunk = 0; chunk < YO_NORM_CHUNKS; chunk++) {
        float *row = buffers + 3 * omp_get_thread_num() * n, *extra = row + n, mean;
        float *of_weight = parts + 2 * chunk * n, *of_bias = of_weight + n;
        int64_t stop = rows * (chunk + 1) / YO_NORM_CHUNKS;
        for (int64_t m = rows * chunk / YO_NORM_CHUNKS; m < stop; m++) {
            float scale = yo_norm_load(row, extra, &l, m, &mean);
            yo_load_floats(extra, grad->data, m * n, 1, grad->dtype, n);
            yo_norm_gradient(row, extra, of_weight, of_bias, &l, mean, scale);
            yo_store_floats(grad_x->data, m * n, 1, grad_x->dtype, row, n);
        }
    }
    yo_norm_join(grad_weight, parts, 2 * n, n);
    yo_norm_join(grad_bias, parts + n, 2 * n, n);
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
    YO_TRY(yo_norm_floats(&scratch, threads, n));
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
    YO_TRY(yo_norm_floats(&scratch, 2 * (int64_t)threads, n));
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
