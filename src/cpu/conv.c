/* Depth-wise convolution along packed sequences: one filter of W taps a head,
 *   out[t, h, d] = sum over w of weight[h, w] keep[u] value[u, h, d],  u = t + w - W / 2,
 * where u stays inside t's sequence. */
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { BLOCK = 128 }; /* elements of a head computed together */

typedef struct filter {
    const yo_packing *packing;
    const float *weight; /* [heads, taps] */
    int64_t taps, size, width;
    bool turned; /* the gradient's: t = u + w - W / 2 the other way, keep at the target */
} filter;

static bool kept(const yo_packing *packing, int64_t token)
{
    return !packing->keep || packing->keep[token];
}

/* row += the filter's taps at token t of the sequence [start, stop), elements from `at` on. */
static void apply_filter(float *restrict row, float *restrict other, const filter *f,
                         const yo_view *x, int64_t head, int64_t at, int64_t n, int64_t t,
                         int64_t start, int64_t stop)
{
    for (int64_t w = 0; w < f->taps; w++) {
        int64_t shift = w - f->taps / 2, u = f->turned ? t - shift : t + shift;
        if (u < start || u >= stop || !kept(f->packing, f->turned ? t : u))
            continue;
        float factor = f->weight[head * f->taps + w];
        yo_load_floats(other, x->data, u * f->width + head * f->size + at, 1, x->dtype, n);
        for (int64_t i = 0; i < n; i++)
            row[i] += factor * other[i];
    }
}

static void filter_token(const yo_view *out, const filter *f, const yo_view *x, int64_t t,
                         int64_t start, int64_t stop)
{
    float row[BLOCK], other[BLOCK];
    for (int64_t head = 0; head < f->packing->heads; head++)
        for (int64_t at = 0; at < f->size; at += BLOCK) {
            int64_t n = f->size - at < BLOCK ? f->size - at : BLOCK;
            memset(row, 0, sizeof row);
            apply_filter(row, other, f, x, head, at, n, t, start, stop);
            yo_store_floats(out->data, t * f->width + head * f->size + at, 1, out->dtype, row, n);
        }
}

static void filter_all(const yo_view *out, const filter *f, const yo_view *x, int threads)
{
    const yo_packing *p = f->packing;
    for (int64_t s = 0; s < p->sequences; s++) {
        int64_t start = p->offset[s], stop = p->offset[s + 1];
#pragma omp parallel for num_threads(stop - start < 64 ? 1 : threads) schedule(static)
        for (int64_t t = start; t < stop; t++)
            filter_token(out, f, x, t, start, stop);
    }
}

static int threads_for(const yo_view *x)
{
    return yo_view_count(x) < YO_CPU_GRAIN ? 1 : yo_threads();
}

static yoso_status take_filter(filter *f, float **scratch, const yo_view *value,
                               const yo_view *weight, const yo_packing *packing)
{
    int64_t count = yo_view_count(weight);
    void *block;
    YO_TRY(yo_memory_take(&block, (size_t)count * sizeof(float)));
    *scratch = block;
    yo_load_floats(*scratch, weight->data, 0, 1, weight->dtype, count);
    *f = (filter){.packing = packing,
                  .weight = *scratch,
                  .taps = weight->shape[1],
                  .size = value->shape[1] / packing->heads,
                  .width = value->shape[1]};
    return YOSO_OK;
}

yoso_status YO_CPU(depthwise_conv)(const yo_view *out, const yo_view *value, const yo_view *weight,
                                   const yo_packing *packing, yo_stream *stream)
{
    (void)stream;
    filter f;
    float *scratch = NULL;
    YO_TRY(take_filter(&f, &scratch, value, weight, packing));
    filter_all(out, &f, value, threads_for(value));
    yo_memory_give(scratch, (size_t)yo_view_count(weight) * sizeof(float));
    return YOSO_OK;
}

/* The gradient of one tap: the products of grad[t] and the value that this tap read, over all
 * tokens of all sequences. */
static float tap_gradient(const filter *f, const yo_view *grad, const yo_view *value, int64_t head,
                          int64_t tap)
{
    double total = 0;
    float g[BLOCK], v[BLOCK];
    const yo_packing *p = f->packing;
    int64_t shift = tap - f->taps / 2;
    for (int64_t s = 0; s < p->sequences; s++) {
        int64_t start = p->offset[s], stop = p->offset[s + 1];
        for (int64_t t = start; t < stop; t++) {
            int64_t u = t + shift;
            if (u < start || u >= stop || !kept(p, u))
                continue;
            for (int64_t at = 0; at < f->size; at += BLOCK) {
                int64_t n = f->size - at < BLOCK ? f->size - at : BLOCK,
                        first = head * f->size + at;
                float sum = 0;
                yo_load_floats(g, grad->data, t * f->width + first, 1, grad->dtype, n);
                yo_load_floats(v, value->data, u * f->width + first, 1, value->dtype, n);
#pragma omp simd reduction(+ : sum)
                for (int64_t i = 0; i < n; i++)
                    sum += g[i] * v[i];
                total += (double)sum;
            }
        }
    }
    return (float)total;
}

yoso_status YO_CPU(depthwise_conv_grad)(const yo_view *grad_value, const yo_view *grad_weight,
                                        const yo_view *grad, const yo_view *value,
                                        const yo_view *weight, const yo_packing *packing,
                                        yo_stream *stream)
{
    (void)stream;
    filter f;
    float *scratch = NULL;
    YO_TRY(take_filter(&f, &scratch, value, weight, packing));
    int threads = threads_for(value);
    f.turned = true;
    filter_all(grad_value, &f, grad, threads);
    int64_t taps = yo_view_count(weight);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < taps; i++) {
        float gradient = tap_gradient(&f, grad, value, i / f.taps, i % f.taps);
        yo_store_floats(grad_weight->data, i, 1, grad_weight->dtype, &gradient, 1);
    }
    yo_memory_give(scratch, (size_t)yo_view_count(weight) * sizeof(float));
    return YOSO_OK;
}
