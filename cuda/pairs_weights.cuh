/* The weights b of pairs.cuh, form by form, of products in the lanes that hold them. */
#ifndef YO_CUDA_PAIRS_WEIGHTS_CUH
#define YO_CUDA_PAIRS_WEIGHTS_CUH

#include "cuda/pairs_block.cuh"

namespace yo_cuda
{

/* weight(product, tile, element, column) for all of b. */
template <int TILES, int FRAGMENTS, class F>
__device__ inline void for_each(float (&b)[TILES][FRAGMENTS][4], int column, F weight)
{
#pragma unroll
    for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
        for (int t = 0; t < TILES; t++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                b[t][f][e] = weight(b[t][f][e], t, e, column + 8 * f + column_of(e));
}

/* Products b of STEP columns from `column` on become weights. */
template <class C>
__device__ void PairsBlock<C>::weigh(float (&b)[TILES][STEP / 8][4], const Columns &columns,
                                     int column)
{
    if (FORM == COLLISION)
        for_each(b, column, [&](float, int t, int e, int c) {
            return columns.code[c] == shared.row_code[row_at(t, e)] ? 1.0f : 0.0f;
        });
    if (FORM == SOFTMAX_GRAD)
        for_each(b, column, [&](float product, int t, int e, int c) {
            float power = p.factor * product - columns.log[c] - row_log[t][e / 2];
            return quick_power_of_2(fminf(LOG2_E * power, 0.0f));
        });
    if (FORM == EXPECTATION && C::NARROW && p.collision.squarings >= 0) {
        for_each(b, column, [&](float product, int t, int e, int c) {
            return quick_base(product * (-0.5f * row_factor[t][e / 2]), columns.factor[c],
                              p.collision);
        });
#pragma unroll
        for (int i = 0; i < MOST_SQUARINGS; i++)
            if (i < p.collision.squarings)
                for_each(b, column, [](float g, int, int, int) { return g * g; });
    } else if (FORM == EXPECTATION) {
        for_each(b, column, [&](float product, int t, int e, int c) {
            return exact_weight(product * (-0.5f * row_factor[t][e / 2]) * columns.factor[c],
                                p.collision);
        });
    }
}

/* SOFTMAX: products become exponentials; the sums so far shrink to the rows' new maxima. */
template <class C>
__device__ void PairsBlock<C>::exponentials(float (&b)[STEP / 8][4], const Columns &columns)
{
#pragma unroll
    for (int half = 0; half < 2; half++) {
        float most = largest[half], sum = 0;
#pragma unroll
        for (int f = 0; f < STEP / 8; f++)
#pragma unroll
            for (int e = 2 * half; e < 2 * half + 2; e++) {
                b[f][e] = LOG2_E * p.factor * b[f][e] - columns.log[8 * f + column_of(e)];
                most = fmaxf(most, b[f][e]);
            }
        most = fmaxf(most, __shfl_xor_sync(FULL, most, 1));
        most = fmaxf(most, __shfl_xor_sync(FULL, most, 2));
        float base = most > -INFINITY ? most : 0.0f;
        float shrink = quick_power_of_2(largest[half] - base);
#pragma unroll
        for (int f = 0; f < STEP / 8; f++)
#pragma unroll
            for (int e = 2 * half; e < 2 * half + 2; e++) {
                b[f][e] = quick_power_of_2(b[f][e] - base);
                sum += b[f][e];
            }
        total[half] = total[half] * shrink + row_sum(sum);
        largest[half] = most;
#pragma unroll
        for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
            for (int e = 2 * half; e < 2 * half + 2; e++)
                plain[0][f][e] *= shrink;
    }
}

} // namespace yo_cuda

#endif
