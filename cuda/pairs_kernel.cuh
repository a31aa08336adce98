/* The kernel of pairs.cuh, and the choice of one by dtype and head size. */
#ifndef YO_CUDA_PAIRS_KERNEL_CUH
#define YO_CUDA_PAIRS_KERNEL_CUH

#include "cuda/pairs_panels.cuh"
#include "cuda/pairs_sums.cuh"
#include "cuda/pairs_buckets.cuh"
#include "cuda/pairs_results.cuh"

namespace yo_cuda
{

template <class T, Form FORM, int D, bool PLAIN, bool WEIGHTED>
__global__ void __launch_bounds__(PAIR_THREADS) pairs_kernel(Pairs pairs)
{
    DYNAMIC_SHARED(unsigned char, shared);
    PairsBlock<Cut<T, FORM, D, PLAIN, WEIGHTED>> block(pairs, shared);
    block.run();
}

template <class T, Form FORM, int D, bool PLAIN, bool WEIGHTED>
yoso_status pairs_of(const char *name, const Pairs &pairs, dim3 grid, yo_stream *stream)
{
    size_t bytes = (size_t)Shared<Cut<T, FORM, D, PLAIN, WEIGHTED>>(nullptr).bytes;
    return launch(name, pairs_kernel<T, FORM, D, PLAIN, WEIGHTED>, grid, PAIR_THREADS, bytes,
                  stream, pairs);
}

/* Sums in the dtype of the rows y. grid: jobs of rows_of_block() rows, heads, hashes. */
template <Form FORM, bool PLAIN, bool WEIGHTED>
yoso_status pairs_sum(const char *name, const Pairs &pairs, dim3 grid, yo_stream *stream)
{
    int64_t size = pairs.y.size > pairs.z.size ? pairs.y.size : pairs.z.size;
    if (size > 128)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "%s: device cuda: heads of %lld, must be at most 128",
                            name, (long long)size);
    switch (pairs.y.rows.dtype) {
    case YOSO_F16:
        return size > 64 ? pairs_of<f16, FORM, 128, PLAIN, WEIGHTED>(name, pairs, grid, stream)
                         : pairs_of<f16, FORM, 64, PLAIN, WEIGHTED>(name, pairs, grid, stream);
    case YOSO_BF16:
        return size > 64 ? pairs_of<bf16, FORM, 128, PLAIN, WEIGHTED>(name, pairs, grid, stream)
                         : pairs_of<bf16, FORM, 64, PLAIN, WEIGHTED>(name, pairs, grid, stream);
    default:
        return size > 64 ? pairs_of<float, FORM, 128, PLAIN, WEIGHTED>(name, pairs, grid, stream)
                         : pairs_of<float, FORM, 64, PLAIN, WEIGHTED>(name, pairs, grid, stream);
    }
}

} // namespace yo_cuda

#endif
