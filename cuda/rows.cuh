/* A block for each row: sums and maxima over its threads, the same bits every time. */
#ifndef YO_CUDA_ROWS_CUH
#define YO_CUDA_ROWS_CUH

#include "cuda/number.cuh"

namespace yo_cuda
{

const unsigned ROW_THREADS = 128;

struct Add {
    template <class T> __device__ T operator()(T a, T b) const
    {
        return a + b;
    }
};

struct Largest {
    __device__ float operator()(float a, float b) const
    {
        return a > b ? a : b;
    }
};

template <class T, class Op> __device__ inline T warp_reduce(T x, Op op)
{
    for (int step = WARP / 2; step > 0; step /= 2)
        x = op(x, __shfl_xor_sync(FULL, x, step));
    return x;
}

/* op over all threads of the block; every thread gets the result. */
template <class T, class Op> __device__ inline T block_reduce(T x, T identity, Op op)
{
    SHARED(T, part, WARP);
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    x = warp_reduce(x, op);
    __syncthreads(); /* nobody still reads what an earlier call left */
    if (lane == 0)
        part[warp] = x;
    __syncthreads();
    return warp_reduce(lane < warps ? part[lane] : identity, op);
}

template <class T> __device__ inline T block_sum(T x)
{
    return block_reduce(x, T(0), Add());
}

__device__ inline float block_max(float x)
{
    return block_reduce(x, -INFINITY, Largest());
}

/* The columns of this thread. */
#define FOR_MY_COLUMNS(i, count) for (int64_t i = threadIdx.x; i < (count); i += blockDim.x)

} // namespace yo_cuda

#endif
