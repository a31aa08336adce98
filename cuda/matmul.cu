/* Matrix products: cuBLASLt where it is, else tiles in shared memory, summed in f32. */
#include "cuda/activation.cuh"
#include "cuda/number.cuh"
#include "cuda/product.cuh"

using namespace yo_cuda;

/* A block computes TILE x TILE of the result, a thread 4 x 4 of that; K comes DEPTH at a time. */
const int TILE = 64, DEPTH = 16, EACH = 4, PRODUCT_THREADS = 256;

/* A matrix in each of `count` leading places, with any strides. */
struct Matrices {
    const void *data;
    int64_t row, column; /* strides */
    int32_t lead;
    int64_t shape[YOSO_MAX_DIMS], stride[YOSO_MAX_DIMS];

    __device__ int64_t offset(int64_t index) const
    {
        int64_t result = 0;
        for (int32_t i = lead - 1; i >= 0; i--) {
            result += index % shape[i] * stride[i];
            index /= shape[i];
        }
        return result;
    }
};

static Matrices matrices_of(const yo_view *view)
{
    Matrices m = {};
    m.data = view->data;
    m.lead = view->ndim - 2;
    m.row = view->stride[m.lead];
    m.column = view->stride[m.lead + 1];
    for (int32_t i = 0; i < m.lead; i++) {
        m.shape[i] = view->shape[i];
        m.stride[i] = view->stride[i];
    }
    return m;
}

/* tile[k][i] = element (first + i, start + k) of a matrix of rows x depth, 0 outside. Neighbouring
 * threads read neighbours in memory, whichever stride is 1. */
template <class T>
__device__ static void load_tile(float *tile, const T *x, int64_t row, int64_t column,
                                 int64_t first, int64_t rows, int64_t start, int64_t depth)
{
    for (int at = threadIdx.x; at < TILE * DEPTH; at += PRODUCT_THREADS) {
        int i = column == 1 ? at / DEPTH : at % TILE, k = column == 1 ? at % DEPTH : at / TILE;
        bool inside = first + i < rows && start + k < depth;
        tile[k * (TILE + 1) + i] =
            inside ? to_float(x[(first + i) * row + (start + k) * column]) : 0.0f;
    }
}

template <class T>
__global__ void __launch_bounds__(PRODUCT_THREADS)
    product_kernel(T *out, Matrices a, Matrices b, const T *bias, int32_t activation, int64_t m,
                   int64_t n, int64_t depth, int64_t batch)
{
    SHARED(float, a_tile, DEPTH *(TILE + 1));
    SHARED(float, b_tile, DEPTH *(TILE + 1));
    int64_t row0 = (int64_t)blockIdx.x * TILE, column0 = (int64_t)blockIdx.y * TILE;
    int row = threadIdx.x / (TILE / EACH), column = threadIdx.x % (TILE / EACH);
    for (int64_t place = blockIdx.z; place < batch; place += gridDim.z) {
        const T *x = (const T *)a.data + a.offset(place), *y = (const T *)b.data + b.offset(place);
        float sum[EACH][EACH] = {};
        for (int64_t start = 0; start < depth; start += DEPTH) {
            __syncthreads();
            load_tile(a_tile, x, a.row, a.column, row0, m, start, depth);
            load_tile(b_tile, y, b.column, b.row, column0, n, start, depth);
            __syncthreads();
            for (int k = 0; k < DEPTH; k++)
                for (int i = 0; i < EACH; i++)
                    for (int j = 0; j < EACH; j++)
                        sum[i][j] += a_tile[k * (TILE + 1) + row + i * (TILE / EACH)] *
                                     b_tile[k * (TILE + 1) + column + j * (TILE / EACH)];
        }
        for (int i = 0; i < EACH; i++)
            for (int j = 0; j < EACH; j++) {
                int64_t r = row0 + row + i * (TILE / EACH),
                        c = column0 + column + j * (TILE / EACH);
                if (r >= m || c >= n)
                    continue;
                float value = bias ? sum[i][j] + to_float(bias[c]) : sum[i][j];
                from_float(out + (place * m + r) * n + c, activate(activation, value));
            }
    }
}

template <class T> static yoso_status product_of(const Product &p, yo_stream *stream)
{
    int32_t lead = p.out->ndim - 2;
    int64_t m = p.out->shape[lead], n = p.out->shape[lead + 1], depth = p.a->shape[lead + 1];
    int64_t batch = 1, columns = (n + TILE - 1) / TILE;
    for (int32_t i = 0; i < lead; i++)
        batch *= p.out->shape[i];
    if (columns > 65535)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "matmul: device cuda: %lld columns without cuBLASLt",
                            (long long)n);
    dim3 grid((unsigned)((m + TILE - 1) / TILE), (unsigned)columns,
              (unsigned)(batch < 65535 ? batch : 65535));
    return launch("matmul", product_kernel<T>, grid, PRODUCT_THREADS, 0, stream, (T *)p.out->data,
                  matrices_of(p.a), matrices_of(p.b), (const T *)p.bias, p.activation, m, n, depth,
                  batch);
}

static yoso_status multiply(const Product &p, yo_stream *stream)
{
    static const int32_t unary[] = {YOSO_LINEAR, YOSO_GELU, YOSO_RELU, YOSO_TANH};
    bool done;
    int32_t left;
    YO_TRY(cublas_product(&done, &left, p, stream));
    if (done)
        return left == YOSO_ACT_NONE ? YOSO_OK : yo_cuda_unary(p.out, unary[left], p.out, stream);
    switch (p.out->dtype) {
    case YOSO_F32:
        return product_of<float>(p, stream);
    case YOSO_F16:
        return product_of<f16>(p, stream);
    default:
        return product_of<bf16>(p, stream);
    }
}

yoso_status yo_cuda_matmul(const yo_view *out, const yo_view *a, const yo_view *b,
                           yo_stream *stream)
{
    return multiply(Product{out, a, b, nullptr, YOSO_ACT_NONE}, stream);
}

yoso_status yo_cuda_linear(const yo_view *out, const yo_view *x, const yo_weight *weight,
                           const yo_view *bias, int32_t activation, yo_stream *stream)
{
    yo_view turned = weight->view; /* [N, K] as [K, N] */
    for (int i = 0; i < 2; i++) {
        turned.shape[i] = weight->view.shape[1 - i];
        turned.stride[i] = weight->view.stride[1 - i];
    }
    return multiply(Product{out, x, &turned, bias ? bias->data : nullptr, activation}, stream);
}
