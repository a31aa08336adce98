/* Layer normalisation of one row, and its gradient, as the kernels that do it share them. Rows are
 * computed in f32 whatever their dtype; statistics are made anew in the gradient. */
#ifndef YO_CPU_NORM_ROWS_H
#define YO_CPU_NORM_ROWS_H

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

/* A layer norm's operands: x + residual is normalised; weight and bias as floats or NULL. */
typedef struct yo_norm_layer {
    const yo_view *x, *residual;
    const float *weight, *bias;
    int64_t width;
    float eps;
} yo_norm_layer;

/* Mean of the row and 1 / sqrt(variance + eps). */
static inline float yo_norm_statistics(const float *row, int64_t n, float eps, float *mean)
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
static inline float yo_norm_load(float *restrict row, float *restrict extra, const yo_norm_layer *l,
                                 int64_t m, float *mean)
{
    int64_t n = l->width;
    yo_load_floats(row, l->x->data, m * n, 1, l->x->dtype, n);
    if (l->residual) {
        yo_load_floats(extra, l->residual->data, m * n, 1, l->residual->dtype, n);
        for (int64_t i = 0; i < n; i++)
            row[i] += extra[i];
    }
    return yo_norm_statistics(row, n, l->eps, mean);
}

static inline void yo_norm_row(float *restrict row, int64_t n, const float *restrict weight,
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

/* Floats of a parameter, or NULL; `room` has its width. */
static inline const float *yo_norm_parameter(float *room, const yo_view *parameter)
{
    if (!parameter)
        return NULL;
    yo_load_floats(room, parameter->data, 0, 1, parameter->dtype, parameter->shape[1]);
    return room;
}

static inline yoso_status yo_norm_floats(float **out, int64_t rows, int64_t width)
{
    size_t bytes;
    void *block;
    if (!yo_multiply((size_t)rows * sizeof(float), (size_t)width, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "layer_norm: out of memory");
    YO_TRY(yo_memory_take(&block, bytes));
    *out = block;
    return YOSO_OK;
}

/* With h the normalised row and g = grad weight:
 *   grad x = (g - mean(g) - h mean(g h)) / sigma,  grad weight += grad h,  grad bias += grad.
 * row comes in as x + residual and leaves as its gradient. */
static inline void yo_norm_gradient(float *restrict row, const float *restrict grad,
                                    float *restrict of_weight, float *restrict of_bias,
                                    const yo_norm_layer *l, float mean, float scale)
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
enum { YO_NORM_CHUNKS = 32 };

static inline void yo_norm_join(const yo_view *out, const float *parts, int64_t step, int64_t n)
{
    float total[256];
    for (int64_t first = 0; first < n; first += 256) {
        int64_t length = n - first < 256 ? n - first : 256;
        memset(total, 0, sizeof total);
        for (int64_t c = 0; c < YO_NORM_CHUNKS; c++)
            for (int64_t i = 0; i < length; i++)
                total[i] += parts[c * step + first + i];
        yo_store_floats(out->data, first, 1, out->dtype, total, length);
    }
}

#endif
