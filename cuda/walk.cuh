/* The walk over strided views of one shape: neighbouring dimensions are merged on the host, and
 * a thread turns an element's number into its offset in every view. */
#ifndef YO_CUDA_WALK_CUH
#define YO_CUDA_WALK_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

template <int VIEWS> struct Walk {
    int32_t ndim;
    bool small; /* element numbers fit 32 bits: cheaper divisions */
    int64_t count;
    int64_t shape[YOSO_MAX_DIMS];
    int64_t stride[VIEWS][YOSO_MAX_DIMS];

    __device__ void offsets(int64_t element, int64_t (&offset)[VIEWS]) const
    {
        for (int v = 0; v < VIEWS; v++)
            offset[v] = 0;
        for (int32_t i = ndim - 1; i >= 0; i--) {
            int64_t index;
            if (i == 0) {
                index = element;
            } else if (small) {
                index = (uint32_t)element % (uint32_t)shape[i];
                element = (uint32_t)element / (uint32_t)shape[i];
            } else {
                index = element % shape[i];
                element /= shape[i];
            }
            for (int v = 0; v < VIEWS; v++)
                offset[v] += index * stride[v][i];
        }
    }
};

template <int VIEWS> Walk<VIEWS> walk_over(const yo_view *const (&view)[VIEWS])
{
    Walk<VIEWS> walk = {};
    walk.count = 1;
    int32_t n = 0;
    for (int32_t i = 0; i < view[0]->ndim; i++) {
        int64_t size = view[0]->shape[i];
        walk.count *= size;
        if (size == 1)
            continue;
        bool mergeable = n > 0;
        for (int v = 0; v < VIEWS && mergeable; v++)
            mergeable = walk.stride[v][n - 1] == size * view[v]->stride[i];
        n -= mergeable;
        walk.shape[n] = mergeable ? walk.shape[n] * size : size;
        for (int v = 0; v < VIEWS; v++)
            walk.stride[v][n] = view[v]->stride[i];
        n++;
    }
    walk.ndim = n;
    walk.small = walk.count <= INT32_MAX;
    return walk;
}

/* The elements of this thread: its number and every grid's width after it. */
#define FOR_MY_ELEMENTS(i, count)                                                                  \
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < (count);                  \
         i += (int64_t)gridDim.x * blockDim.x)

} // namespace yo_cuda

#endif
