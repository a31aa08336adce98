/* An activation on the way back through a layer, in one pass: its values again, its gradient, and
 * the gradient's sum over the rows. */
#include <omp.h>

#include "cpu/norm_rows.h"
#include "cpu/vmath.h"

enum { COLUMNS = 512 };

/* y = f(z), g = g f'(z). The normal distribution of GELU serves both. */
static void both(int32_t op, float *restrict y, float *restrict g, const float *restrict z,
                 int64_t n)
{
    if (op != YOSO_GELU) {
        YO_CPU(unary_row)(op, y, z, n);
        YO_CPU(unary_grad_row)(op, g, g, z, n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        float density, p = yo_normal(z[i], &density);
        y[i] = z[i] * p;
        g[i] *= YO_FMA(z[i], density, p);
    }
}

static void part_of_row(const yo_view *grad_z, const yo_view *y, int32_t op, const yo_view *z,
                        int64_t at, int64_t n, float *sum)
{
    float g[COLUMNS], value[COLUMNS], before[COLUMNS];
    yo_load_floats(g, grad_z->data, at, 1, grad_z->dtype, n);
    yo_load_floats(before, z->data, at, 1, z->dtype, n);
    both(op, value, g, before, n);
    yo_store_floats(y->data, at, 1, y->dtype, value, n);
    yo_store_floats(grad_z->data, at, 1, grad_z->dtype, g, n);
    for (int64_t i = 0; i < n; i++)
        sum[i] += g[i];
}

yoso_status YO_CPU(activation_grad)(const yo_view *grad_z, const yo_view *y,
                                    const yo_view *rows_sum, int32_t op, const yo_view *z,
                                    yo_stream *stream)
{
    (void)stream;
    int64_t rows = z->shape[0], n = z->shape[1];
    if (n == 0)
        return YOSO_OK;
    int threads = yo_view_count(z) < YO_CPU_GRAIN ? 1 : yo_threads();
    float *parts;
    YO_TRY(yo_norm_floats(&parts, YO_NORM_CHUNKS, n));
    memset(parts, 0, (size_t)(YO_NORM_CHUNKS * n) * sizeof(float));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t chunk = 0; chunk < YO_NORM_CHUNKS; chunk++) {
        int64_t stop = rows * (chunk + 1) / YO_NORM_CHUNKS;
        for (int64_t m = rows * chunk / YO_NORM_CHUNKS; m < stop; m++)
            for (int64_t j = 0; j < n; j += COLUMNS)
                part_of_row(grad_z, y, op, z, m * n + j, n - j < COLUMNS ? n - j : COLUMNS,
                            parts + chunk * n + j);
    }
    yo_norm_join(rows_sum, parts, n, n);
    yo_memory_give(parts, (size_t)(YO_NORM_CHUNKS * n) * sizeof(float));
    return YOSO_OK;
}
