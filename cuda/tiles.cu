/* Products by tiles in shared memory, summed in f32: what multiplies where cuBLASLt is missing or
 * does not take the strides. */
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

template <class T, class Out>
__global__ void __launch_bounds__(PRODUCT_THREADS)
    product_kernel(Out *out, int64_t out_step, Matrices a, Matrices b, const Out *bias,
                   int32_t activation, bool add, int64_t m, int64_t n, int64_t depth,
                   int64_t batch)
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
                Out *to = out + place * m * n + r * out_step + c;
                float value = bias ? sum[i][j] + to_float(bias[c]) : sum[i][j];
                value = activate(activation, value);
                from_float(to, add ? value + to_float(*to) : value);
            }
    }
}

template <class T, class Out> static yoso_status tiles_of(const Product &p, yo_stream *stream)
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
    return launch("matmul", product_kernel<T, Out>, grid, PRODUCT_THREADS, 0, stream,
                  (Out *)p.out->data, p.out->stride[lead], matrices_of(p.a), matrices_of(p.b),
                  (const Out *)p.bias, p.activation, p.add, m, n, depth, batch);
}

yoso_status yo_cuda::product_by_tiles(const Product &p, yo_stream *stream)
{
    switch (p.a->dtype) {
    case YOSO_F32:
        return tiles_of<float, float>(p, stream);
    case YOSO_F16:
        return tiles_of<f16, f16>(p, stream);
    default:
        return p.out->dtype == YOSO_F32 ? tiles_of<bf16, float>(p, stream)
                                        : tiles_of<bf16, bf16>(p, stream);
    }
}
