/* How the sums of pairs.cuh leave a block: divided, normalised or brought back to before the rows
 * were, and written in whole rows. */
#ifndef YO_CUDA_PAIRS_RESULTS_CUH
#define YO_CUDA_PAIRS_RESULTS_CUH

#include "cuda/pairs_block.cuh"

namespace yo_cuda
{

/* Element of a row at length 1; 0 where rows are taken as they are. */
template <class C> __device__ float PairsBlock<C>::unit(int row, int column, float inverse) const
{
    if constexpr (FORM == EXPECTATION)
        return p.x.inverse ? to_float(*shared.x.element(row, column)) * inverse : 0.0f;
    else
        return 0.0f;
}

template <class C> __device__ void PairsBlock<C>::write_plain()
{
    if constexpr (PLAIN)
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                float factor = 1, stat = 1, squares = 0;
#pragma unroll
                for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++)
                        squares += plain[t][f][e] * plain[t][f][e];
                squares = row_sum(squares);
                if (p.normalize_plain)
                    factor = stat = inverse_length(squares);
                if (FORM == SOFTMAX) {
                    factor = total[half] > 0 ? 1 / total[half] : 0;
                    stat = largest[half] / LOG2_E + logf(total[half]);
                }
                int64_t token = shared.row_token[row_at(t, 2 * half)];
                if (p.stat && token >= 0 && lane_of_warp() % 4 == 0)
                    p.stat[token * p.heads + head] = stat;
                bool kept = token >= 0 && (!p.row_keep || p.row_keep[token]);
#pragma unroll
                for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++)
                        plain[t][f][e] = kept ? plain[t][f][e] * factor : 0.0f;
            }
            write(p.plain, plain[t], t, p.z.size, 0, T());
        }
}

/* Scaled, and brought back to before x was normalised: (g - x (x . g)) / length. */
template <class C> __device__ void PairsBlock<C>::write_weighted()
{
    if constexpr (WEIGHTED)
#pragma unroll
        for (int t = 0; t < TILES; t++) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int row = row_at(t, 2 * half);
                int64_t token = shared.row_token[row];
                bool kept = token >= 0 && (!p.row_keep || p.row_keep[token]);
                float inverse = row_factor[t][half], along = 0;
#pragma unroll
                for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++) {
                        weighted[t][f][e] *= p.scale;
                        along += weighted[t][f][e] * unit(row, 8 * f + column_of(e), inverse);
                    }
                along = row_sum(along);
#pragma unroll
                for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                    for (int e = 2 * half; e < 2 * half + 2; e++) {
                        float g =
                            weighted[t][f][e] - along * unit(row, 8 * f + column_of(e), inverse);
                        weighted[t][f][e] = kept ? g * inverse : 0.0f;
                    }
            }
            using Part = typename PartOf<FORM == COLLISION, T>::type;
            write(p.weighted, weighted[t], t, p.y.size, blockIdx.z * p.hash_out_step, Part());
        }
}

/* A tile of sums to rows of `out`, by way of shared memory, whole rows at a time. */
template <class C>
template <class E>
__device__ void PairsBlock<C>::write(const yo_rows &out, const float (&sum)[FRAGMENTS][4], int t,
                                     int64_t size, int64_t offset, E)
{
    const int CHUNKS = D * (int)sizeof(E) / 16;
    Tile<E, CHUNKS> tile;
    tile.data = reinterpret_cast<E *>(reinterpret_cast<unsigned char *>(shared.panels) +
                                      warp_of_block() * Tile<E, CHUNKS>::bytes(16));
    __syncwarp();
#pragma unroll
    for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
        for (int e = 0; e < 4; e++)
            from_float(tile.element(row_of(e), 8 * f + column_of(e)), sum[f][e]);
    __syncwarp();
    unstage<16>(out, tile, size, FORM == COLLISION ? blockIdx.y : head, offset,
                [&](int r) { return shared.row_token[first_row + 16 * t + r]; });
}

} // namespace yo_cuda

#endif
