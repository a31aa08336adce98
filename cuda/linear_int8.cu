/* Linear layers in 8 bits (src/cpu/linear_int8.c). Row m of x is r_m times whole numbers x_mk in
 * -127 .. 127, row n of the weight s_n times w_nk; then y_mn = r_m s_n sum over k of x_mk w_nk +
 * bias_n, with sums that are exact in 32 bits for K up to 131072; wider layers stay as they are. */
#include <new>

#include "core/derived.h"
#include "cuda/activation.cuh"
#include "cuda/device.cuh"
#include "cuda/product.cuh"
#include "cuda/rows.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

const int32_t KIND = 64; /* of derived data: the device's bytes */
const int64_t MOST_COLUMNS = 131072;

/* Rows as bytes, padded with zeros to `padded` columns, and the factor of each: a warp a row. */
__global__ void round_rows_kernel(int8_t *out, float *scale, const void *x, int32_t dtype,
                                  int64_t step, int64_t rows, int64_t columns, int64_t padded)
{
    int64_t row = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    int64_t lane = threadIdx.x % WARP;
    if (row >= rows)
        return;
    float largest = 0;
    for (int64_t i = lane; i < columns; i += WARP)
        largest = fmaxf(largest, fabsf(load_float(x, row * step + i, dtype)));
    largest = warp_reduce(largest, Largest());
    float row_scale = largest / 127, factor = row_scale > 0 ? 1 / row_scale : 0;
    for (int64_t i = lane; i < padded; i += WARP)
        out[row * padded + i] =
            i < columns
                ? (int8_t)__float2int_rn(load_float(x, row * step + i, dtype) * factor)
                : (int8_t)0;
    if (lane == 0)
        scale[row] = row_scale;
}

static yoso_status round_rows(int8_t *out, float *scale, const yo_view *x, int64_t padded,
                              yo_stream *stream)
{
    unsigned blocks = (unsigned)((x->shape[0] * WARP + THREADS - 1) / THREADS);
    return launch("linear_int8", round_rows_kernel, blocks, THREADS, 0, stream, out, scale, x->data,
                  x->dtype, x->stride[0], x->shape[0], x->shape[1], padded);
}

/* A weight's bytes [N, padded] and the factors of its rows. */
struct ByteWeight {
    yo_derived derived = {};
    Scratch bytes, scale;
};

static int64_t pad(int64_t columns)
{
    return (columns + 15) / 16 * 16;
}

static void release(yo_derived *derived)
{
    delete reinterpret_cast<ByteWeight *>(derived);
}

static yoso_status make(yo_derived **out, const yo_view *source)
{
    if (is_capturing())
        return refuse_capture("rounding a weight to 8 bits");
    ByteWeight *weight = new (std::nothrow) ByteWeight();
    if (!weight)
        return yo_cuda_fail(YOSO_NO_MEMORY, "linear_int8: out of memory");
    weight->derived.release = release;
    weight->derived.kind = KIND;
    int64_t rows = source->shape[0], padded = pad(source->shape[1]);
    yoso_status status = weight->bytes.take((size_t)(rows * padded));
    if (status == YOSO_OK)
        status = weight->scale.take((size_t)rows * sizeof(float));
    if (status == YOSO_OK)
        status = round_rows(weight->bytes.as<int8_t>(), weight->scale.as<float>(), source, padded,
                            (yo_stream *)the_stream);
    if (status != YOSO_OK) {
        delete weight;
        return status;
    }
    *out = &weight->derived;
    return YOSO_OK;
}

/* sum[m][n] of bytes [M, padded] and [N, padded], where cuBLASLt is missing: four bytes at a time,
 * a thread for each. */
__global__ void byte_product_kernel(int32_t *sum, const int32_t *x, const int32_t *weight,
                                    int64_t rows, int64_t columns, int64_t words)
{
    FOR_MY_ELEMENTS(i, rows * columns)
    {
        const int32_t *a = x + i / columns * words, *b = weight + i % columns * words;
        int32_t total = 0;
        for (int64_t k = 0; k < words; k++)
            total = __dp4a(a[k], b[k], total);
        sum[i] = total;
    }
}

__global__ void finish_bytes_kernel(void *out, int32_t dtype, const int32_t *sum,
                                    const float *x_scale, const float *weight_scale,
                                    const void *bias, int32_t activation, int64_t rows,
                                    int64_t columns)
{
    FOR_MY_ELEMENTS(i, rows * columns)
    {
        int64_t n = i % columns;
        float y = (float)sum[i] * (x_scale[i / columns] * weight_scale[n]);
        y = bias ? y + load_float(bias, n, dtype) : y;
        store_float(out, i, dtype, activate(activation, y));
    }
}

static yoso_status multiply_bytes(int32_t *sum, int8_t *x, int8_t *weight, int64_t rows,
                                  int64_t columns, int64_t padded, yo_stream *stream)
{
    yo_view out = {sum, YOSO_I32, 2, {rows, columns}, {columns, 1}};
    yo_view a = {x, BYTES, 2, {rows, padded}, {padded, 1}};
    yo_view b = {weight, BYTES, 2, {padded, columns}, {1, padded}};
    bool done = false;
    int32_t left;
    if (columns % 4 == 0) /* what the tensor cores' bytes want */
        YO_TRY(cublas_product(&done, &left, Product{&out, &a, &b, nullptr, YOSO_ACT_NONE, false}, stream));
    if (done)
        return YOSO_OK;
    return launch("linear_int8", byte_product_kernel, blocks_for(rows * columns, THREADS), THREADS,
                  0, stream, sum, reinterpret_cast<const int32_t *>(x),
                  reinterpret_cast<const int32_t *>(weight), rows, columns, padded / 4);
}

yoso_status yo_cuda_linear_int8(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation, yo_stream *stream)
{
    int64_t rows = x->shape[0], columns = out->shape[1], padded = pad(x->shape[1]);
    if (x->shape[1] > MOST_COLUMNS || weight->view.stride[1] != 1)
        return yo_cuda_linear(out, x, weight, bias, activation, stream);
    yo_derived *derived;
    Scratch bytes, scale, sum;
    YO_TRY(host->derived_find(&derived, weight, KIND, make));
    ByteWeight *rounded = reinterpret_cast<ByteWeight *>(derived);
    YO_TRY(bytes.take((size_t)(rows * padded)));
    YO_TRY(scale.take((size_t)rows * sizeof(float)));
    YO_TRY(sum.take((size_t)(rows * columns) * sizeof(int32_t)));
    YO_TRY(round_rows(bytes.as<int8_t>(), scale.as<float>(), x, padded, stream));
    YO_TRY(multiply_bytes(sum.as<int32_t>(), bytes.as<int8_t>(), rounded->bytes.as<int8_t>(), rows,
                          columns, padded, stream));
    return launch("linear_int8", finish_bytes_kernel, blocks_for(rows * columns, THREADS), THREADS,
                  0, stream, out->data, out->dtype, sum.as<int32_t>(), scale.as<float>(),
                  rounded->scale.as<float>(), bias ? bias->data : nullptr, activation, rows,
                  columns);
}
