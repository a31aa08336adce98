/* What the sampled form's gradient asks of lsh_weighted.cu. */
#ifndef YO_CUDA_LSH_WEIGHTED_CUH
#define YO_CUDA_LSH_WEIGHTED_CUH

#include "cuda/sorted.cuh"

namespace yo_cuda
{

/* out_i = scale * sum over h, j with equal codes of (u_i . z_j) y_j, at length 1 where y has
 * factors; where x has, the sum is brought back to before x was normalised. Rows i are side a,
 * columns j side b, both in the order of their codes. Offsets are the host's. */
struct WeightedCumulation {
    yo_rows out;
    float scale;
    Source x, u, z, y;
    const uint8_t *a_keep;
    const int64_t *a_offset, *b_offset;
    SortedRows rows, columns;
};

yoso_status cumulate_weighted(const WeightedCumulation &w, const yo_attention *at,
                              yo_stream *stream);

} // namespace yo_cuda

#endif
