/* What the kernels of lsh_cumulation.cu work on. */
#ifndef YO_CUDA_LSH_CUMULATION_CUH
#define YO_CUDA_LSH_CUMULATION_CUH

#include "cuda/lsh_table.cuh"

namespace yo_cuda
{

/* What a block works on. */
struct Cumulation {
    const Job *jobs; /* one for each sequence: its queries and its keys */
    Codes q, k;
    Source v;
    const int32_t *exponent; /* [sequence][head][dim] k of 2^k */
    float *sum;              /* [share][head][slice][row][dim of the slice] */
    int64_t heads;
    int32_t slices, shares, buckets, ranges;
};

/* The scales of all values, by sequence, head and dim (lsh_scales.cu). */
yoso_status find_exponents(Scratch *exponent, const Source &v, const int64_t *offset,
                           const yo_attention *at, yo_stream *stream);

} // namespace yo_cuda

#endif
