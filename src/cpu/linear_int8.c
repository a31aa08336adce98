/* Linear layers in 8 bits. Row n of the weight is s_n times whole numbers w_nk in -127 .. 127; row
 * m of x is r_m times whole numbers, kept as unsigned bytes u_mk with 128 added. Then
 *   y_mn = r_m s_n (sum over k of u_mk w_nk - 128 sum over k of w_nk) + bias_n,
 * with sums that are exact in 32 bits for K up to 65536. Wider layers, and CPUs without such
 * products, multiply in f32, by the same s_n w_nk: a model is the same one everywhere. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "core/memory.h"
#include "cpu/activate.h"
#include "cpu/amx_product.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/matmul_dnnl.h"

enum { KIND = 3, KIND_IN_F32 = 4, MOST_COLUMNS = 65536, ROWS = 512, BLOCK = 256 };

typedef struct int8_weight {
    yo_derived derived;
    yo_derived *packed;
    float *scale;    /* [N] */
    int32_t *offset; /* [N], 128 times the sum of the row's numbers */
    int64_t rows;
} int8_weight;

/* Rows are rounded by this factor, to the nearest, halves to even, wherever 8 bits are made: here,
 * in amx_pack.c, in cuda/linear_int8.cu and for files in lua/yoso/model/int8.lua. */
static float factor_of(float scale)
{
    return scale > 0 ? 1 / scale : 0;
}

/* -- The weight ---------------------------------------------------------------------------------
 */

static void release(yo_derived *derived)
{
    int8_weight *weight = (int8_weight *)derived;
    if (weight->packed)
        weight->packed->release(weight->packed);
    yo_memory_give(weight->scale, 2 * (size_t)weight->rows * sizeof(float));
    free(weight);
}

static void round_row(int8_t *out, const yo_view *source, int64_t row, float *values, float *scale,
                      int32_t *offset)
{
    int64_t n = source->shape[1];
    int32_t sum = 0;
    yo_load_floats(values, source->data, row * source->stride[0], source->stride[1], source->dtype,
                   n);
    *scale = yo_largest_magnitude(values, n) / 127;
    float factor = factor_of(*scale);
    for (int64_t i = 0; i < n; i++) {
        int32_t number = (int32_t)rintf(values[i] * factor);
        out[i] = (int8_t)number;
        sum += number;
    }
    *offset = 128 * sum;
}

/* Rounds the weight into bytes, in scratch, and packs these. */
static yoso_status fill(int8_weight *weight, const yo_view *source)
{
    int64_t n = source->shape[0], k = source->shape[1];
    int threads = n * k < YO_CPU_GRAIN ? 1 : yo_threads();
    size_t bytes = (size_t)n * (size_t)k, row_bytes = (size_t)(threads * k) * sizeof(float);
    void *block, *numbers, *rows;
    YO_TRY(yo_memory_take(&block, 2 * (size_t)n * sizeof(float)));
    weight->rows = n;
    weight->scale = block;
    weight->offset = (int32_t *)(weight->scale + n);
    YO_TRY(yo_memory_take(&numbers, bytes));
    yoso_status status = yo_memory_take(&rows, row_bytes);
    if (status == YOSO_OK) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < n; i++)
            round_row((int8_t *)numbers + i * k, source, i,
                      (float *)rows + omp_get_thread_num() * k, &weight->scale[i],
                      &weight->offset[i]);
        yo_view whole = {.data = numbers, .dtype = YO_DNNL_INT8, .ndim = 2};
        whole.shape[0] = n;
        whole.shape[1] = whole.stride[0] = k;
        whole.stride[1] = 1;
        status = yo_dnnl_pack(&weight->packed, &whole);
        yo_memory_give(rows, row_bytes);
    }
    yo_memory_give(numbers, bytes);
    return status;
}

static yoso_status make(yo_derived **out, const yo_view *source)
{
    int8_weight *weight = calloc(1, sizeof *weight);
    if (!weight)
        return yo_fail(YOSO_NO_MEMORY, "linear_int8: out of memory");
    weight->derived.release = release;
    weight->derived.kind = KIND;
    yoso_status status = fill(weight, source);
    if (status != YOSO_OK) {
        release(&weight->derived);
        return status;
    }
    *out = &weight->derived;
    return YOSO_OK;
}

/* Row `row` of the source as s_n w_nk. */
static void round_row_in_f32(float *out, const yo_view *source, int64_t row)
{
    int64_t n = source->shape[1];
    yo_load_floats(out, source->data, row * source->stride[0], source->stride[1], source->dtype, n);
    float scale = yo_largest_magnitude(out, n) / 127, factor = factor_of(scale);
    for (int64_t i = 0; i < n; i++)
        out[i] = rintf(out[i] * factor) * scale;
}

static yoso_status make_in_f32(yo_derived **out, const yo_view *source)
{
    int64_t n = source->shape[0], k = source->shape[1];
    int threads = n * k < YO_CPU_GRAIN ? 1 : yo_threads();
    size_t bytes = (size_t)(n * k) * sizeof(float);
    yo_view rounded = {.dtype = YOSO_F32, .ndim = 2, .shape = {n, k}, .stride = {k, 1}};
    YO_TRY(yo_memory_take(&rounded.data, bytes));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < n; i++)
        round_row_in_f32((float *)rounded.data + i * k, source, i);
    yoso_status status = yo_dnnl_pack(out, &rounded);
    if (status == YOSO_OK)
        (*out)->kind = KIND_IN_F32;
    yo_memory_give(rounded.data, bytes);
    return status;
}

/* -- The product --------------------------------------------------------------------------------
 */

/* Row m of x as bytes; returns its scale. */
static float round_x(uint8_t *out, float *values, const yo_view *x, int64_t m)
{
    int64_t n = x->shape[1];
    yo_load_floats(values, x->data, m * n, 1, x->dtype, n);
    float largest = yo_largest_magnitude(values, n), factor = largest > 0 ? 127 / largest : 0;
    for (int64_t i = 0; i < n; i++) /* never negative: 128.5 and cutting rounds to nearest */
        out[i] = (uint8_t)(int32_t)(values[i] * factor + 128.5f);
    return largest / 127;
}

static void finish_row(const yo_view *out, int64_t m, const int32_t *sums, float row_scale,
                       const int8_weight *weight, const yo_view *bias, int32_t activation)
{
    int64_t columns = out->shape[1];
    float row[BLOCK], shift[BLOCK];
    for (int64_t first = 0; first < columns; first += BLOCK) {
        int64_t n = columns - first < BLOCK ? columns - first : BLOCK;
        const float *scale = weight->scale + first;
        const int32_t *offset = weight->offset + first;
        for (int64_t i = 0; i < n; i++)
            row[i] = (float)(sums[first + i] - offset[i]) * (row_scale * scale[i]);
        if (bias) {
            yo_load_floats(shift, bias->data, first, 1, bias->dtype, n);
            for (int64_t i = 0; i < n; i++)
                row[i] += shift[i];
        }
        yo_activate_row(row, n, activation);
        yo_store_floats(out->data, m * columns + first, 1, out->dtype, row, n);
    }
}

/* What some rows need beside the result, in one block. */
typedef struct scratch {
    void *block;
    size_t bytes;
    uint8_t *x;    /* [rows, K] */
    int32_t *sums; /* [rows, N] */
    float *scale;  /* [rows] */
    float *values; /* [threads, K] */
} scratch;

static yoso_status take_scratch(scratch *s, int64_t rows, int64_t n, int64_t k, int threads)
{
    size_t x = ((size_t)(rows * k) + 63) / 64 * 64, sums = (size_t)(rows * n) * sizeof(int32_t);
    size_t scale = (size_t)rows * sizeof(float);
    s->bytes = x + sums + scale + (size_t)(threads * k) * sizeof(float);
    YO_TRY(yo_memory_take(&s->block, s->bytes));
    s->x = s->block;
    s->sums = (int32_t *)(s->x + x);
    s->scale = (float *)(s->sums + rows * n);
    s->values = s->scale + rows;
    return YOSO_OK;
}

static yoso_status some_rows(const yo_view *out, const yo_view *x, int64_t first, int64_t rows,
                             const int8_weight *weight, const yo_view *bias, int32_t activation,
                             scratch *s, int threads)
{
    int64_t k = x->shape[1], n = out->shape[1];
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++)
        s->scale[m] = round_x(s->x + m * k, s->values + omp_get_thread_num() * k, x, first + m);
    yo_view bytes = {.data = s->x, .ndim = 2, .shape = {rows, k}};
    yo_view sums = {.data = s->sums, .ndim = 2, .shape = {rows, n}};
    YO_TRY(yo_dnnl_linear(&sums, &bytes, weight->packed, NULL, YOSO_ACT_NONE));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t m = 0; m < rows; m++)
        finish_row(out, first + m, s->sums + m * n, s->scale[m], weight, bias, activation);
    return YOSO_OK;
}

yoso_status YO_CPU(linear_int8)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation, yo_stream *stream)
{
#if defined(__AMX_TILE__)
    if (x->shape[1] <= MOST_COLUMNS)
        return YO_CPU(amx_linear)(out, x, weight, bias, activation, NULL, true);
#endif
    yo_derived *derived;
    if (!yo_dnnl_has_int8() || x->shape[1] > MOST_COLUMNS) {
        YO_TRY(yo_derived_find(&derived, weight, KIND_IN_F32, make_in_f32));
        return YO_CPU(linear_in_f32)(out, x, derived, bias, activation, stream);
    }
    YO_TRY(yo_derived_find(&derived, weight, KIND, make));
    int64_t rows = x->shape[0], most = rows < ROWS ? rows : ROWS;
    int threads = yo_view_count(x) < YO_CPU_GRAIN ? 1 : yo_threads();
    scratch s;
    YO_TRY(take_scratch(&s, most, out->shape[1], x->shape[1], threads));
    yoso_status status = YOSO_OK;
    for (int64_t first = 0; first < rows && status == YOSO_OK; first += most) {
        int64_t count = rows - first < most ? rows - first : most;
        status = some_rows(out, x, first, count, (const int8_weight *)derived, bias, activation, &s,
                           threads);
    }
    yo_memory_give(s.block, s.bytes);
    return status;
}
