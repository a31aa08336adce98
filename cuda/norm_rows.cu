/* Layer normalisation of rows that stay in a warp's registers. */
#include "cuda/norm.cuh"
#include "cuda/vector.cuh"

using namespace yo_cuda;

const int NORM_WARPS = 4, MOST_BLOCKS = 512;

/* Vectors that a lane has registers for: rows of 1024 in 16 bits, of 768 in f32. */
static int64_t most_vectors(int32_t dtype)
{
    return dtype == YOSO_F32 ? 6 : 4;
}

/* Lane l's vectors l, l + 32, ... of a row of T, as floats. */
template <class T, int VECTORS> struct Row {
    static const int EACH = Vector<T>::COUNT;
    float x[VECTORS][EACH];

    /* f(this lane's vector v, its first column) for those in the row. */
    template <class F> __device__ static void for_each(int64_t width, F f)
    {
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            int64_t column = ((int64_t)v * WARP + threadIdx.x % WARP) * EACH;
            if (column < width)
                f(v, column);
        }
    }
    __device__ void load(const void *from, int64_t first, int64_t width)
    {
        for_each(width, [&](int v, int64_t column) {
            Vector<T> part;
            part.load(static_cast<const T *>(from) + first + column);
#pragma unroll
            for (int i = 0; i < EACH; i++)
                x[v][i] = part.x[i];
        });
    }
    __device__ void add(const void *from, int64_t first, int64_t width)
    {
        for_each(width, [&](int v, int64_t column) {
            Vector<T> part;
            part.load(static_cast<const T *>(from) + first + column);
#pragma unroll
            for (int i = 0; i < EACH; i++)
                x[v][i] += part.x[i];
        });
    }
    __device__ void store(void *to, int64_t first, int64_t width) const
    {
        for_each(width, [&](int v, int64_t column) {
            Vector<T> part;
#pragma unroll
            for (int i = 0; i < EACH; i++)
                part.x[i] = x[v][i];
            part.store(static_cast<T *>(to) + first + column);
        });
    }
    /* The sum of f(v, i) over all elements of the row. */
    template <class F> __device__ static float sum(int64_t width, F f)
    {
        float total = 0;
        for_each(width, [&](int v, int64_t) {
#pragma unroll
            for (int i = 0; i < EACH; i++)
                total += f(v, i);
        });
        return warp_reduce(total, Add());
    }
    /* x = (x - mean) scale; returns the scale. */
    __device__ float normalize(int64_t width, float eps)
    {
        float mean = sum(width, [&](int v, int i) { return x[v][i]; }) / (float)width;
        float squares = sum(width, [&](int v, int i) {
            float distance = x[v][i] - mean;
            return distance * distance;
        });
        float scale = 1.0f / sqrtf(squares / (float)width + eps);
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
#pragma unroll
            for (int i = 0; i < EACH; i++)
                x[v][i] = (x[v][i] - mean) * scale;
        return scale;
    }
};

template <class T, int VECTORS>
__global__ void __launch_bounds__(NORM_WARPS *WARP) norm_row_kernel(void *out, Layer l, int64_t rows)
{
    int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP, first = row * l.width;
    if (row >= rows)
        return;
    Row<T, VECTORS> h;
    h.load(l.x, first, l.width);
    if (l.residual)
        h.add(l.residual, first, l.width);
    h.normalize(l.width, l.eps);
    h.for_each(l.width, [&](int v, int64_t column) {
        Vector<T> weight, bias;
        if (l.weight)
            weight.load(static_cast<const T *>(l.weight) + column);
        if (l.bias)
            bias.load(static_cast<const T *>(l.bias) + column);
#pragma unroll
        for (int i = 0; i < Vector<T>::COUNT; i++) {
            h.x[v][i] *= l.weight ? weight.x[i] : 1.0f;
            h.x[v][i] += l.bias ? bias.x[i] : 0.0f;
        }
    });
    h.store(out, first, l.width);
}

/* A block takes rows block, block + blocks, ... NORM_WARPS at a time, and adds up what the
 * parameters' gradients get from them. */
template <class T, int VECTORS>
__global__ void __launch_bounds__(NORM_WARPS *WARP)
    norm_row_grad_kernel(void *grad_x, float *part, const void *grad, Layer l, int64_t rows)
{
    const int EACH = Vector<T>::COUNT;
    DYNAMIC_SHARED(float, shared); /* [2][width], the warps one after another */
    int warp = threadIdx.x / WARP;
    Row<T, VECTORS> of_weight = {}, of_bias = {};
    for (int64_t row = (int64_t)blockIdx.x * NORM_WARPS + warp; row < rows;
         row += (int64_t)gridDim.x * NORM_WARPS) {
        int64_t first = row * l.width;
        Row<T, VECTORS> h, g;
        h.load(l.x, first, l.width);
        if (l.residual)
            h.add(l.residual, first, l.width);
        g.load(grad, first, l.width);
        float scale = h.normalize(l.width, l.eps);
        h.for_each(l.width, [&](int v, int64_t column) {
            Vector<T> weight;
            if (l.weight)
                weight.load(static_cast<const T *>(l.weight) + column);
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                of_weight.x[v][i] += g.x[v][i] * h.x[v][i];
                of_bias.x[v][i] += g.x[v][i];
                g.x[v][i] *= l.weight ? weight.x[i] : 1.0f;
            }
        });
        float mean = h.sum(l.width, [&](int v, int i) { return g.x[v][i]; }) / (float)l.width;
        float along =
            h.sum(l.width, [&](int v, int i) { return g.x[v][i] * h.x[v][i]; }) / (float)l.width;
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
#pragma unroll
            for (int i = 0; i < EACH; i++)
                g.x[v][i] = (g.x[v][i] - mean - h.x[v][i] * along) * scale;
        g.store(grad_x, first, l.width);
    }
    for (int turn = 0; turn < NORM_WARPS; turn++) {
        if (warp == turn)
            of_bias.for_each(l.width, [&](int v, int64_t column) {
#pragma unroll
                for (int i = 0; i < EACH; i++) {
                    float *at = shared + column + i;
                    at[0] = (turn ? at[0] : 0) + of_weight.x[v][i];
                    at[l.width] = (turn ? at[l.width] : 0) + of_bias.x[v][i];
                }
            });
        __syncthreads();
    }
    for (int64_t i = threadIdx.x; i < 2 * l.width; i += NORM_WARPS * WARP)
        part[2 * blockIdx.x * l.width + i] = shared[i];
}

bool yo_cuda::fits_registers(const Layer &l, const void *out, const void *grad)
{
    int64_t each = elements_of_16_bytes(l.dtype);
    const void *all[] = {l.x, l.residual, l.weight, l.bias, out, grad};
    for (const void *one : all)
        if (!is_aligned_16(one))
            return false;
    return l.width % each == 0 && l.width <= each * WARP * most_vectors(l.dtype);
}

int64_t yo_cuda::norm_grad_blocks(int64_t rows)
{
    int64_t blocks = (rows + NORM_WARPS - 1) / NORM_WARPS;
    return blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
}

namespace
{

/* run<T, VECTORS>() for the layer's dtype and width. */
template <class R> yoso_status for_layer(const Layer &l, R run)
{
    int64_t vectors = (l.width + elements_of_16_bytes(l.dtype) * WARP - 1) /
                      (elements_of_16_bytes(l.dtype) * WARP);
    switch (l.dtype) {
    case YOSO_F16:
        return vectors <= 3 ? run.template of<f16, 3>() : run.template of<f16, 4>();
    case YOSO_BF16:
        return vectors <= 3 ? run.template of<bf16, 3>() : run.template of<bf16, 4>();
    default:
        return vectors <= 2 ? run.template of<float, 2>() : run.template of<float, 6>();
    }
}

struct Forward {
    void *out;
    const Layer &l;
    int64_t rows;
    yo_stream *stream;

    template <class T, int VECTORS> yoso_status of()
    {
        return launch("layer_norm", norm_row_kernel<T, VECTORS>,
                      (unsigned)((rows + NORM_WARPS - 1) / NORM_WARPS), NORM_WARPS * WARP, 0,
                      stream, out, l, rows);
    }
};

struct Backward {
    void *grad_x;
    float *part;
    int64_t blocks;
    const void *grad;
    const Layer &l;
    int64_t rows;
    yo_stream *stream;

    template <class T, int VECTORS> yoso_status of()
    {
        return launch("layer_norm_grad", norm_row_grad_kernel<T, VECTORS>, (unsigned)blocks,
                      NORM_WARPS * WARP, (size_t)(2 * l.width) * sizeof(float), stream, grad_x,
                      part, grad, l, rows);
    }
};

} // namespace

yoso_status yo_cuda::layer_norm_in_registers(void *out, const Layer &l, int64_t rows,
                                             yo_stream *stream)
{
    return for_layer(l, Forward{out, l, rows, stream});
}

yoso_status yo_cuda::layer_norm_grad_in_registers(void *grad_x, float *part, int64_t blocks,
                                                  const void *grad, const Layer &l, int64_t rows,
                                                  yo_stream *stream)
{
    return for_layer(l, Backward{grad_x, part, blocks, grad, l, rows, stream});
}
