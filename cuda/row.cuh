/* A row in a warp's registers: loaded and stored in whole vectors. */
#ifndef YO_CUDA_ROW_CUH
#define YO_CUDA_ROW_CUH

#include "core/philox.h"
#include "cuda/norm.cuh"
#include "cuda/vector.cuh"

namespace yo_cuda
{

const int NORM_WARPS = 4, MOST_BLOCKS = 512;

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
    /* Elements of a row that begins at number `first` are dropped as dropout.cu would drop them. */
    __device__ void drop(int64_t first, int64_t width, float p, uint64_t seed)
    {
        uint64_t numbers = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
        float scale = p < 1 ? 1 / (1 - p) : 0;
        for_each(width, [&](int v, int64_t column) {
#pragma unroll
            for (int g = 0; g < EACH / 4; g++) {
                yo_philox block =
                    yo_philox_at(seed, numbers, (uint64_t)((first + column) / 4 + g));
#pragma unroll
                for (int i = 0; i < 4; i++)
                    x[v][4 * g + i] =
                        yo_uniform_of(block.word[i]) < p ? 0 : x[v][4 * g + i] * scale;
            }
        });
    }
    /* What the elements become when they are stored as T. */
    __device__ void round()
    {
#pragma unroll
        for (int v = 0; v < VECTORS; v++)
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                T rounded;
                from_float(&rounded, x[v][i]);
                x[v][i] = to_float(rounded);
            }
    }
    /* x = x weight + bias, either of which may be NULL. */
    __device__ void scale_and_shift(const void *weight, const void *bias, int64_t width)
    {
        for_each(width, [&](int v, int64_t column) {
            Vector<T> factor, shift;
            if (weight)
                factor.load(static_cast<const T *>(weight) + column);
            if (bias)
                shift.load(static_cast<const T *>(bias) + column);
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                x[v][i] *= weight ? factor.x[i] : 1.0f;
                x[v][i] += bias ? shift.x[i] : 0.0f;
            }
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

/* Back through a norm: h is the normalised row, g the gradient of the result, which becomes that of
 * the row: (g w - mean(g w) - h mean(g w h)) scale. Adds g h and g to the parameters' gradients. */
template <class T, int VECTORS>
__device__ inline void norm_gradient(Row<T, VECTORS> &g, const Row<T, VECTORS> &h,
                                     Row<T, VECTORS> &of_weight, Row<T, VECTORS> &of_bias,
                                     const void *weight, int64_t width, float scale)
{
    const int EACH = Vector<T>::COUNT;
    h.for_each(width, [&](int v, int64_t column) {
        Vector<T> factor;
        if (weight)
            factor.load(static_cast<const T *>(weight) + column);
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            of_weight.x[v][i] += g.x[v][i] * h.x[v][i];
            of_bias.x[v][i] += g.x[v][i];
            g.x[v][i] *= weight ? factor.x[i] : 1.0f;
        }
    });
    float mean = h.sum(width, [&](int v, int i) { return g.x[v][i]; }) / (float)width;
    float along = h.sum(width, [&](int v, int i) { return g.x[v][i] * h.x[v][i]; }) / (float)width;
#pragma unroll
    for (int v = 0; v < VECTORS; v++)
#pragma unroll
        for (int i = 0; i < EACH; i++)
            g.x[v][i] = (g.x[v][i] - mean - h.x[v][i] * along) * scale;
}

/* part[block][which] = this block's sum of its warps' rows, one warp after another in shared[width]. */
template <class T, int VECTORS>
__device__ inline void join_warps(float *part, float *shared, const Row<T, VECTORS> &row,
                                  int64_t width)
{
    int warp = threadIdx.x / WARP;
    for (int turn = 0; turn < NORM_WARPS; turn++) {
        if (warp == turn)
            row.for_each(width, [&](int v, int64_t column) {
#pragma unroll
                for (int i = 0; i < Vector<T>::COUNT; i++)
                    shared[column + i] = (turn ? shared[column + i] : 0) + row.x[v][i];
            });
        __syncthreads();
    }
    for (int64_t i = threadIdx.x; i < width; i += NORM_WARPS * WARP)
        part[i] = shared[i];
    __syncthreads();
}

/* run.of<T, VECTORS>() for a row's dtype and width. */
template <class R> yoso_status for_row(int32_t dtype, int64_t width, R run)
{
    int64_t vectors = (width + elements_of_16_bytes(dtype) * WARP - 1) /
                      (elements_of_16_bytes(dtype) * WARP);
    switch (dtype) {
    case YOSO_F16:
        return vectors <= 3 ? run.template of<f16, 3>() : run.template of<f16, 4>();
    case YOSO_BF16:
        return vectors <= 3 ? run.template of<bf16, 3>() : run.template of<bf16, 4>();
    default:
        return vectors <= 2 ? run.template of<float, 2>() : run.template of<float, 6>();
    }
}

/* Vectors that a lane has registers for: rows of 1024 in 16 bits, of 768 in f32. */
inline int64_t most_vectors(int32_t dtype)
{
    return dtype == YOSO_F32 ? 6 : 4;
}

inline bool row_fits_registers(int32_t dtype, int64_t width)
{
    int64_t each = elements_of_16_bytes(dtype);
    return width % each == 0 && width <= each * WARP * most_vectors(dtype);
}

/* Blocks that take rows in turn, each of which leaves its sums in a part. */
inline int64_t blocks_of_rows(int64_t rows)
{
    int64_t blocks = (rows + NORM_WARPS - 1) / NORM_WARPS;
    return blocks < MOST_BLOCKS ? blocks : MOST_BLOCKS;
}

} // namespace yo_cuda

#endif
