/* Matrix products: which dtype they are computed in, and the walk over leading dimensions. oneDNN
 * does the products themselves. f16, and bf16 where it is slower than f32, go through f32. */
#include "core/bf16.h"
#include "core/memory.h"
#include "core/view.h"
#include "cpu/amx_product.h"
#include "cpu/cpu_kernels.h"
#include "cpu/half_product.h"
#include "cpu/matmul_dnnl.h"

enum { PACKED = 1, PACKED_IN_F32 = 2 };

static bool is_native(int32_t dtype)
{
    return dtype == YOSO_F32 || (dtype == YOSO_BF16 && yo_bf16_is_fast());
}

static void make_contiguous(yo_view *view)
{
    int64_t step = 1;
    for (int32_t i = view->ndim - 1; i >= 0; i--) {
        view->stride[i] = step;
        step *= view->shape[i];
    }
}

static size_t bytes_in_f32(const yo_view *view)
{
    return (size_t)yo_view_count(view) * sizeof(float);
}

/* A contiguous f32 copy in memory from yo_memory_take; repeated leading dimensions stay. */
static yoso_status to_f32(yo_view *copy, const yo_view *x)
{
    *copy = *x;
    copy->data = NULL;
    copy->dtype = YOSO_F32;
    make_contiguous(copy);
    YO_TRY(yo_memory_take(&copy->data, bytes_in_f32(copy)));
    return YO_CPU(copy)(copy, x, NULL);
}

/* The last three dimensions of the views, at one index of those before. */
static yo_view slice(const yo_view *view, int64_t index)
{
    int32_t outer = view->ndim - 3;
    yo_view result = {.data = view->data, .dtype = view->dtype, .ndim = 3};
    int64_t offset = 0;
    for (int32_t i = outer - 1; i >= 0; i--) {
        offset += index % view->shape[i] * view->stride[i];
        index /= view->shape[i];
    }
    result.data = (char *)view->data + offset * yoso_dtype_size(view->dtype);
    for (int32_t i = 0; i < 3; i++) {
        result.shape[i] = view->shape[outer + i];
        result.stride[i] = view->stride[outer + i];
    }
    return result;
}

/* Brings a view to at least three dimensions. */
static yo_view raise(const yo_view *view)
{
    if (view->ndim >= 3)
        return *view;
    yo_view result = {.data = view->data, .dtype = view->dtype, .ndim = 3};
    result.shape[0] = 1;
    for (int32_t i = 0; i < 2; i++) {
        result.shape[i + 1] = view->shape[i];
        result.stride[i + 1] = view->stride[i];
    }
    return result;
}

/* out [B, M, N] = a [B, M, K] b [B, K, N] */
static yoso_status multiply(const yo_view *out, const yo_view *a, const yo_view *b)
{
#if defined(__AMX_TILE__)
    yo_view left = *a, right = *b, result = *out;
    left.ndim = right.ndim = result.ndim = 2;
    for (int i = 0; i < 2; i++) {
        left.shape[i] = a->shape[i + 1];
        left.stride[i] = a->stride[i + 1];
        right.shape[i] = b->shape[2 - i]; /* transposed */
        right.stride[i] = b->stride[2 - i];
        result.shape[i] = out->shape[i + 1];
        result.stride[i] = out->stride[i + 1];
    }
    yo_factor of_left = yo_factor_of(&left), of_right = yo_factor_of(&right);
    if (YO_CPU(amx_takes)(&of_left, &of_right)) {
        int64_t size = yoso_dtype_size(out->dtype);
        for (int64_t i = 0; i < out->shape[0]; i++) {
            of_left.data = (const char *)a->data + i * a->stride[0] * size;
            of_right.data = (const char *)b->data + i * b->stride[0] * size;
            result.data = (char *)out->data + i * out->stride[0] * size;
            YO_TRY(YO_CPU(amx_matmul)(&result, &of_left, &of_right));
        }
        return YOSO_OK;
    }
#endif
    return yo_dnnl_matmul(out, a, b);
}

static yoso_status matmul_native(const yo_view *out, const yo_view *a, const yo_view *b)
{
    yo_view o = raise(out), x = raise(a), y = raise(b);
    int64_t count = 1;
    for (int32_t i = 0; i < o.ndim - 3; i++)
        count *= o.shape[i];
    for (int64_t i = 0; i < count; i++) {
        yo_view out_i = slice(&o, i), a_i = slice(&x, i), b_i = slice(&y, i);
        YO_TRY(multiply(&out_i, &a_i, &b_i));
    }
    return YOSO_OK;
}

yoso_status YO_CPU(matmul)(const yo_view *out, const yo_view *a, const yo_view *b,
                           yo_stream *stream)
{
    if (is_native(a->dtype))
        return matmul_native(out, a, b);
    yo_view o = *out, x = {.data = NULL}, y = {.data = NULL};
    o.dtype = YOSO_F32;
    YO_TRY(yo_memory_take(&o.data, bytes_in_f32(&o)));
    yoso_status status = to_f32(&x, a);
    if (status == YOSO_OK)
        status = to_f32(&y, b);
    if (status == YOSO_OK)
        status = matmul_native(&o, &x, &y);
    if (status == YOSO_OK)
        status = YO_CPU(copy)(out, &o, stream);
    yo_memory_give(y.data, bytes_in_f32(&y));
    yo_memory_give(x.data, bytes_in_f32(&x));
    yo_memory_give(o.data, bytes_in_f32(&o));
    return status;
}

/* -- Linear layers ---------------------------------------------------------------------------- */

static yoso_status pack(yo_derived **out, const yo_view *weight)
{
    YO_TRY(yo_dnnl_pack(out, weight));
    (*out)->kind = PACKED;
    return YOSO_OK;
}

static yoso_status pack_in_f32(yo_derived **out, const yo_view *weight)
{
    yo_view copy;
    yoso_status status = to_f32(&copy, weight);
    if (status == YOSO_OK)
        status = yo_dnnl_pack(out, &copy);
    if (status == YOSO_OK)
        (*out)->kind = PACKED_IN_F32;
    yo_memory_give(copy.data, bytes_in_f32(&copy));
    return status;
}

/* Rows of x through `wide_x` and `wide_out`, which have room for as many. */
static yoso_status rows_in_f32(const yo_view *out, const yo_view *x, const yo_derived *packed,
                               const yo_view *bias, int32_t activation, float *wide_x,
                               float *wide_out)
{
    yo_view to = *out, from = *x;
    to.dtype = from.dtype = YOSO_F32;
    to.data = wide_out;
    from.data = wide_x;
    make_contiguous(&to);
    make_contiguous(&from);
    YO_TRY(YO_CPU(copy)(&from, x, NULL));
    YO_TRY(yo_dnnl_linear(&to, &from, packed, bias, activation));
    return YO_CPU(copy)(out, &to, NULL);
}

yoso_status YO_CPU(linear_in_f32)(const yo_view *out, const yo_view *x, const yo_derived *packed,
                                  const yo_view *bias, int32_t activation, yo_stream *stream)
{
    enum { ROWS = 1024 }; /* at a time: what is wide stays near the processor */
    (void)stream;
    int64_t rows = x->shape[0], most = rows < ROWS ? rows : ROWS;
    yo_view wide_bias = {.data = NULL};
    if (bias)
        YO_TRY(to_f32(&wide_bias, bias));
    size_t bytes = (size_t)most * (size_t)(x->shape[1] + out->shape[1]) * sizeof(float);
    float *wide;
    yoso_status status = yo_memory_take((void **)&wide, bytes);
    if (status == YOSO_OK) {
        for (int64_t first = 0; first < rows && status == YOSO_OK; first += most) {
            int64_t count = rows - first < most ? rows - first : most;
            yo_view from = yo_some_rows(x, first, count), to = yo_some_rows(out, first, count);
            status = rows_in_f32(&to, &from, packed, bias ? &wide_bias : NULL, activation, wide,
                                 wide + most * x->shape[1]);
        }
        yo_memory_give(wide, bytes);
    }
    yo_memory_give(wide_bias.data, bytes_in_f32(&wide_bias));
    return status;
}

yoso_status YO_CPU(linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                           const yo_view *bias, int32_t activation, yo_stream *stream)
{
#if defined(__AMX_TILE__)
    return YO_CPU(amx_linear)(out, x, weight, bias, activation, NULL, false);
#endif
#if defined(YO_HALF_PRODUCTS)
    if (out->dtype == YOSO_BF16 && yo_half_fits(x) && yo_half_fits(&weight->view))
        return YO_CPU(half_linear)(out, x, weight, bias, activation);
#endif
    yo_derived *packed;
    if (is_native(x->dtype)) {
        YO_TRY(yo_derived_find(&packed, weight, PACKED, pack));
        return yo_dnnl_linear(out, x, packed, bias, activation);
    }
    YO_TRY(yo_derived_find(&packed, weight, PACKED_IN_F32, pack_in_f32));
    return YO_CPU(linear_in_f32)(out, x, packed, bias, activation, stream);
}

yoso_status YO_CPU(linear_norm)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, const yo_norm *norm, bool int8,
                                yo_stream *stream)
{
#if defined(__AMX_TILE__)
    return YO_CPU(amx_linear)(out, x, weight, bias, YOSO_ACT_NONE, norm, int8);
#endif
    YO_TRY(
        (int8 ? YO_CPU(linear_int8) : YO_CPU(linear))(out, x, weight, bias, YOSO_ACT_NONE, stream));
    return YO_CPU(layer_norm)(out, out, norm->weight, norm->bias, norm->residual, norm->eps,
                              stream);
}
