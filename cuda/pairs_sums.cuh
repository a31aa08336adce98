/* The sums of pairs.cuh: products of rows and columns become weights, and weights times columns
 * are added. */
#ifndef YO_CUDA_PAIRS_SUMS_CUH
#define YO_CUDA_PAIRS_SUMS_CUH

#include "cuda/pairs_weights.cuh"

namespace yo_cuda
{

/* sum += b times rows of `right` from `column` on. */
template <class C>
__device__ void PairsBlock<C>::add(float (&sum)[TILES][FRAGMENTS][4],
                                   const float (&b)[TILES][STEP / 8][4],
                                   const Tile<T, C::CHUNKS> &right, int column)
{
#pragma unroll
    for (int f = 0; f < STEP / 8; f += 2)
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            Weights<T> weights;
            weights.set(b[t][f], b[t][f + 1],
                        shared.weight + warp_of_block() * (Weights<T>::BYTES / (int)sizeof(T)));
            weights.template multiply<D>(sum[t], right, column + 8 * f);
        }
}

/* sum = rows times columns turned, STEP columns. */
template <class C>
__device__ void PairsBlock<C>::product(float (&sum)[TILES][STEP / 8][4],
                                       const LeftRows<T, D, TILES> &rows,
                                       const Tile<T, C::CHUNKS> &columns, int column)
{
#pragma unroll
    for (int f = 0; f < STEP / 8; f += 2) {
        float part[TILES][2][4] = {};
        rows.multiply_turned(part, columns, column + 8 * f);
#pragma unroll
        for (int t = 0; t < TILES; t++)
#pragma unroll
            for (int e = 0; e < 8; e++)
                sum[t][f + e / 4][e % 4] = part[t][e / 4][e % 4];
    }
}

/* STEP columns of a panel, from `column` on. */
template <class C> __device__ void PairsBlock<C>::add_columns(int at, int column)
{
    const Columns &columns = shared.columns[at];
    float b[TILES][STEP / 8][4];
    if (FORM != COLLISION)
        product(b, x, shared.y(at), column);
    if constexpr (FORM == SOFTMAX)
        exponentials(b[0], columns);
    else
        weigh(b, columns, column);
    if constexpr (PLAIN)
        add(plain, b, shared.z(at), column);
    if constexpr (WEIGHTED) {
        float w[TILES][STEP / 8][4];
        product(w, u, shared.z(at), column);
        for_each(w, column, [&](float product, int t, int e, int c) {
            if (FORM == SOFTMAX_GRAD)
                product -= row_shift[t][e / 2] + columns.shift[c];
            return product * columns.factor[c];
        });
#pragma unroll
        for (int i = 0; i < TILES * STEP / 2; i++) {
            int t = i / (STEP / 2), f = i / 4 % (STEP / 8);
            b[t][f][i % 4] *= w[t][f][i % 4];
        }
        add(weighted, b, shared.y(at), column);
    }
}

} // namespace yo_cuda

#endif
