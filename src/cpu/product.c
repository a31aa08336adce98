/* The product that layers are trained with: strided operands, a bias, and sums that go on. On the
 * matrix unit where there is one, bf16 by f16 where that is fast, by oneDNN elsewhere. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/amx_direct.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/half_product.h"

/* -- By oneDNN: the bias, and what out held, are added afterwards ------------------------------ */

static void add_bias(float *row, const yo_view *bias, float *room, int64_t n)
{
    yo_load_floats(room, bias->data, 0, 1, bias->dtype, n);
    for (int64_t j = 0; j < n; j++)
        row[j] += room[j];
}

/* out = result (+ bias) (+ out), row by row. */
static yoso_status finish(const yo_view *out, const yo_view *result, const yo_view *bias, bool add)
{
    int64_t rows = out->shape[0], n = out->shape[1];
    int threads = yo_view_count(out) < YO_CPU_GRAIN ? 1 : yo_threads();
    size_t bytes = 2 * (size_t)threads * (size_t)n * sizeof(float);
    float *rooms;
    YO_TRY(yo_memory_take((void **)&rooms, bytes));
#pragma omp parallel num_threads(threads)
    {
        float *row = rooms + 2 * omp_get_thread_num() * n, *room = row + n;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < rows; i++) {
            yo_load_floats(row, result->data, i * result->stride[0], 1, result->dtype, n);
            if (bias)
                add_bias(row, bias, room, n);
            if (add) {
                yo_load_floats(room, out->data, i * out->stride[0], 1, out->dtype, n);
                for (int64_t j = 0; j < n; j++)
                    row[j] += room[j];
            }
            yo_store_floats(out->data, i * out->stride[0], 1, out->dtype, row, n);
        }
    }
    yo_memory_give(rooms, bytes);
    return YOSO_OK;
}

static yoso_status by_library(const yo_view *out, const yo_view *a, const yo_view *b,
                              const yo_view *bias, bool add)
{
    bool dense = out->stride[0] == out->shape[1];
    if (!add && dense) {
        YO_TRY(YO_CPU(matmul)(out, a, b, NULL));
        return bias ? finish(out, out, bias, false) : YOSO_OK;
    }
    yo_view result = *out;
    result.stride[0] = out->shape[1];
    size_t bytes = (size_t)yo_view_count(out) * (size_t)yoso_dtype_size(out->dtype);
    YO_TRY(yo_memory_take(&result.data, bytes));
    yoso_status status = YO_CPU(matmul)(&result, a, b, NULL);
    if (status == YOSO_OK)
        status = finish(out, &result, bias, add);
    yo_memory_give(result.data, bytes);
    return status;
}

/* -- On the matrix unit ------------------------------------------------------------------------ */

#if defined(__AMX_TILE__)

static yo_amx_operand operand_of(const yo_view *x, bool is_a)
{
    int row = is_a ? 0 : 1, k = is_a ? 1 : 0;
    yo_amx_operand operand = {x->data,        x->dtype,     x->shape[row], x->shape[k],
                              x->stride[row], x->stride[k], is_a};
    if (operand.depth == 1 && operand.row_stride != 1)
        operand.k_stride = 1; /* a column says any stride */
    return operand;
}

static bool fits(const yo_amx_operand *x)
{
    return x->row_stride == 1 || x->k_stride == 1;
}

static yoso_status on_tiles(const yo_view *out, yo_amx_direct *p, const yo_view *bias)
{
    float *row = NULL;
    size_t bytes = (size_t)(out->shape[1] + YO_WIDE) * sizeof(float);
    if (bias) {
        YO_TRY(yo_memory_take((void **)&row, bytes));
        memset(row, 0, bytes);
        yo_load_floats(row, bias->data, 0, 1, bias->dtype, out->shape[1]);
        p->bias = row;
    }
    yoso_status status = YO_CPU(amx_direct)(p);
    yo_memory_give(row, bytes);
    return status;
}

/* A long sum of bf16 must not be rounded on the way: it is made in f32. */
static yoso_status by_way_of_floats(const yo_view *out, yo_amx_direct *p, const yo_view *bias,
                                    bool add)
{
    yo_view sums = *out;
    size_t bytes = (size_t)yo_view_count(out) * sizeof(float);
    sums.dtype = YOSO_F32;
    sums.stride[0] = out->shape[1];
    YO_TRY(yo_memory_take(&sums.data, bytes));
    p->out = sums.data;
    p->out_stride = sums.stride[0];
    p->add = false;
    yoso_status status = on_tiles(out, p, bias);
    if (status == YOSO_OK)
        status = finish(out, &sums, NULL, add);
    yo_memory_give(sums.data, bytes);
    return status;
}

static bool try_tiles(yoso_status *status, const yo_view *out, const yo_view *a, const yo_view *b,
                      const yo_view *bias, int32_t how)
{
    enum { LONGEST = 4096 }; /* numbers along K that are summed without a stop */
    bool f32 = a->dtype == YOSO_F32, split = how & YO_PRODUCT_SPLIT, add = how & YO_PRODUCT_ADD;
    yo_amx_direct p = {.a = operand_of(a, true),
                        .b = operand_of(b, false),
                        .pieces = f32 ? 2 : 1,
                        .out = f32 ? out->data : NULL,
                        .out16 = f32 ? NULL : out->data,
                        .out_stride = out->stride[0],
                        .add = add};
    if (!(f32 ? split : a->dtype == YOSO_BF16) || !fits(&p.a) || !fits(&p.b))
        return false;
    if (!f32 && p.a.depth > LONGEST)
        *status = by_way_of_floats(out, &p, bias, add);
    else
        *status = on_tiles(out, &p, bias);
    return true;
}

#endif

/* -- By f16 ------------------------------------------------------------------------------------ */

#if defined(YO_HALF_PRODUCTS)

static yoso_status by_halves(const yo_view *out, const yo_view *a, const yo_view *columns,
                             const yo_view *bias, bool add)
{
    yo_half_right right;
    yo_half_factor factor = yo_half_factor_of(columns);
    YO_TRY(YO_CPU(half_right)(&right, &factor));
    yo_half_job job = {.out = out,
                       .bias = bias,
                       .a = yo_half_factor_of(a),
                       .right = &right,
                       .activation = YOSO_ACT_NONE,
                       .add = add};
    yoso_status status = YO_CPU(half_multiply)(&job);
    yo_memory_give(right.block, right.bytes);
    return status;
}

static bool try_halves(yoso_status *status, const yo_view *out, const yo_view *a, const yo_view *b,
                       const yo_view *bias, bool add)
{
    yo_view columns = *b;
    for (int i = 0; i < 2; i++) {
        columns.shape[i] = b->shape[1 - i];
        columns.stride[i] = b->stride[1 - i];
    }
    if (!yo_half_fits(a) || !yo_half_fits(&columns) || out->dtype != YOSO_BF16)
        return false;
    *status = by_halves(out, a, &columns, bias, add);
    return true;
}

#endif

yoso_status YO_CPU(product)(const yo_view *out, const yo_view *a, const yo_view *b,
                            const yo_view *bias, int32_t how, yo_stream *stream)
{
    (void)stream;
#if defined(__AMX_TILE__)
    yoso_status status;
    if (try_tiles(&status, out, a, b, bias, how))
        return status;
#elif defined(YO_HALF_PRODUCTS)
    yoso_status status;
    if (try_halves(&status, out, a, b, bias, how & YO_PRODUCT_ADD))
        return status;
#endif
    return by_library(out, a, b, bias, how & YO_PRODUCT_ADD);
}
