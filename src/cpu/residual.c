/* What stands between a layer's products in training, in one pass over each row: dropout, the
 * residual and the layer norm; and back, with the sums that are the biases' gradients. */
#include <omp.h>

#include "cpu/dropout.h"
#include "cpu/norm_rows.h"

static int threads_for(const yo_view *rows)
{
    return yo_view_count(rows) < YO_CPU_GRAIN ? 1 : yo_threads();
}

yoso_status YO_CPU(residual_norm)(const yo_view *out, const yo_view *sum, const yo_view *x,
                                  const yo_view *residual, const yo_view *weight,
                                  const yo_view *bias, double eps, double p, uint64_t seed,
                                  yo_stream *stream)
{
    (void)stream;
    int64_t rows = x->shape[0], n = x->shape[1];
    if (n == 0 || rows == 0)
        return YOSO_OK;
    int threads = threads_for(x);
    int64_t scratch_rows = 2 + 2 * (int64_t)threads; /* weight, bias, and two rows a thread */
    float *scratch = NULL;
    YO_TRY(yo_norm_floats(&scratch, scratch_rows, n));
    yo_norm_layer l = {.x = sum, .width = n, .eps = (float)eps};
    l.weight = yo_norm_parameter(scratch, weight);
    l.bias = yo_norm_parameter(scratch + n, bias);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++) {
        float *row = scratch + (2 + 2 * omp_get_thread_num()) * n, *extra = row + n, mean;
        yo_load_floats(row, x->data, m * n, 1, x->dtype, n);
        yo_load_floats(extra, residual->data, m * n, 1, residual->dtype, n);
        if (p > 0)
            yo_drop(row, m * n, n, p, seed);
        for (int64_t i = 0; i < n; i++)
            row[i] += extra[i];
        yo_store_floats(sum->data, m * n, 1, sum->dtype, row, n);
        /* Read again: the gradient knows the sum as it was rounded. */
        float scale = yo_norm_load(row, extra, &l, m, &mean);
        yo_norm_row(row, n, l.weight, l.bias, mean, scale);
        yo_store_floats(out->data, m * n, 1, out->dtype, row, n);
    }
    yo_memory_give(scratch, (size_t)(scratch_rows * n) * sizeof(float));
    return YOSO_OK;
}

/* One row; parts are this chunk's sums for weight, bias and x. */
static void back_one_row(const yo_view *grad_sum, const yo_view *grad_x, const yo_view *grad,
                         const yo_norm_layer *l, float *parts, float *row, int64_t m, double p,
                         uint64_t seed)
{
    int64_t n = l->width;
    float *g = row + n, *of_x = parts + 2 * n, mean;
    float scale = yo_norm_load(row, g, l, m, &mean);
    yo_load_floats(g, grad->data, m * n, 1, grad->dtype, n);
    yo_norm_gradient(row, g, parts, parts + n, l, mean, scale);
    yo_store_floats(grad_sum->data, m * n, 1, grad_sum->dtype, row, n);
    if (p > 0) {
        yo_drop(row, m * n, n, p, seed);
        yo_store_floats(grad_x->data, m * n, 1, grad_x->dtype, row, n);
    }
    for (int64_t i = 0; i < n; i++)
        of_x[i] += row[i];
}

yoso_status YO_CPU(residual_norm_grad)(const yo_view *grad_sum, const yo_view *grad_x,
                                       const yo_view *grad_weight, const yo_view *grad_bias,
                                       const yo_view *grad_x_rows, const yo_view *grad,
                                       const yo_view *sum, const yo_view *weight, double eps,
                                       double p, uint64_t seed, yo_stream *stream)
{
    (void)stream;
    int64_t rows = sum->shape[0], n = sum->shape[1];
    if (n == 0)
        return YOSO_OK;
    int threads = threads_for(sum);
    int64_t part_rows = 3 * YO_NORM_CHUNKS, scratch_rows = 1 + part_rows + 2 * (int64_t)threads;
    float *scratch = NULL;
    YO_TRY(yo_norm_floats(&scratch, scratch_rows, n));
    yo_norm_layer l = {.x = sum, .width = n, .eps = (float)eps};
    l.weight = yo_norm_parameter(scratch, weight);
    float *parts = scratch + n, *buffers = parts + part_rows * n;
    memset(parts, 0, (size_t)(part_rows * n) * sizeof(float));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t chunk = 0; chunk < YO_NORM_CHUNKS; chunk++) {
        float *row = buffers + 2 * omp_get_thread_num() * n;
        int64_t stop = rows * (chunk + 1) / YO_NORM_CHUNKS;
        for (int64_t m = rows * chunk / YO_NORM_CHUNKS; m < stop; m++)
            back_one_row(grad_sum, grad_x, grad, &l, parts + 3 * chunk * n, row, m, p, seed);
    }
    yo_norm_join(grad_weight, parts, 3 * n, n);
    yo_norm_join(grad_bias, parts + n, 3 * n, n);
    yo_norm_join(grad_x_rows, parts + 2 * n, 3 * n, n);
    yo_memory_give(scratch, (size_t)(scratch_rows * n) * sizeof(float));
    return YOSO_OK;
}
