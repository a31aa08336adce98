/* Steps of optimisers in f32. Where a master copy is given it is what is updated, and the
 * parameter becomes its rounding. */
#include <math.h>

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { BLOCK = 1024 };

static int threads_for(const yo_view *param)
{
    return param->shape[0] < YO_CPU_GRAIN ? 1 : yo_threads();
}

/* The block of the values to update as floats. */
static void load_values(float *p, const yo_view *param, const yo_view *master, int64_t first,
                        int64_t n)
{
    const yo_view *source = master ? master : param;
    yo_load_floats(p, source->data, first, 1, source->dtype, n);
}

static void store_values(const yo_view *param, const yo_view *master, const float *p, int64_t first,
                         int64_t n)
{
    if (master)
        yo_store_floats(master->data, first, 1, master->dtype, p, n);
    yo_store_floats(param->data, first, 1, param->dtype, p, n);
}

/* p = p (1 - lr decay) - lr m' / (sqrt(v') + eps), with m and v the running means of the gradient
 * and its square, and m' and v' these divided by 1 - beta^step (Loshchilov and Hutter, 2019). */
static void adamw_block(float *restrict p, float *restrict m, float *restrict v,
                        const float *restrict g, int64_t n, const yo_adamw *s)
{
    for (int64_t i = 0; i < n; i++) {
        m[i] += (g[i] - m[i]) * s->rest1;
        v[i] = v[i] * s->beta2 + g[i] * g[i] * s->rest2;
        p[i] = p[i] * s->decay - s->rate * m[i] / (sqrtf(v[i]) / s->root + s->eps);
    }
}

yoso_status YO_CPU(adamw)(const yo_view *param, const yo_view *master, const yo_view *mean,
                          const yo_view *square, const yo_view *grad, const yo_adamw *settings,
                          yo_stream *stream)
{
    (void)stream;
    int64_t count = param->shape[0], blocks = (count + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads_for(param)) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * BLOCK, n = count - first < BLOCK ? count - first : BLOCK;
        float p[BLOCK], g[BLOCK];
        load_values(p, param, master, first, n);
        yo_load_floats(g, grad->data, first, 1, grad->dtype, n);
        adamw_block(p, (float *)mean->data + first, (float *)square->data + first, g, n, settings);
        store_values(param, master, p, first, n);
    }
    return YOSO_OK;
}

/* The first velocity is the gradient itself. */
static void sgd_block(float *restrict p, float *restrict velocity, float *restrict g, int64_t n,
                      const yo_sgd *s)
{
    for (int64_t i = 0; i < n; i++)
        g[i] += s->decay * p[i];
    if (velocity) {
        float keep = s->first ? 0 : s->momentum;
        for (int64_t i = 0; i < n; i++)
            velocity[i] = keep * velocity[i] + g[i];
        for (int64_t i = 0; i < n; i++)
            g[i] = s->nesterov ? g[i] + s->momentum * velocity[i] : velocity[i];
    }
    for (int64_t i = 0; i < n; i++)
        p[i] -= s->rate * g[i];
}

yoso_status YO_CPU(sgd)(const yo_view *param, const yo_view *master, const yo_view *velocity,
                        const yo_view *grad, const yo_sgd *settings, yo_stream *stream)
{
    (void)stream;
    int64_t count = param->shape[0], blocks = (count + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads_for(param)) schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = block * BLOCK, n = count - first < BLOCK ? count - first : BLOCK;
        float p[BLOCK], g[BLOCK];
        load_values(p, param, master, first, n);
        yo_load_floats(g, grad->data, first, 1, grad->dtype, n);
        sgd_block(p, velocity ? (float *)velocity->data + first : NULL, g, n, settings);
        store_values(param, master, p, first, n);
    }
    return YOSO_OK;
}
