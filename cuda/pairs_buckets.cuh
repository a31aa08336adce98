/* The form COLLISION of pairs.cuh: which columns rows sorted by code meet, and crowded buckets by
 * way of their matrix. */
#ifndef YO_CUDA_PAIRS_BUCKETS_CUH
#define YO_CUDA_PAIRS_BUCKETS_CUH

#include "cuda/pairs_block.cuh"

namespace yo_cuda
{

template <class C> __device__ Places PairsBlock<C>::columns_of(int code) const
{
    return p.column_sorted.places_of(code, job.sequence, head, hash, job.column, job.columns_end);
}

/* The columns with the rows' codes. Where they are many, bucket by bucket, so that a bucket
 * that many rows share can be met by its matrix. */
template <class C> __device__ void PairsBlock<C>::meet_buckets()
{
    int count = job.count;
    while (count > 0 && shared.row_token[count - 1] < 0)
        count--; /* masked */
    if (count == 0)
        return;
    int low = columns_of(shared.row_code[0]).first;
    int high = columns_of(shared.row_code[count - 1]).end;
    if (high - low <= Matrices::FEW) {
        add_panels(low, high);
        return;
    }
    for (int r = 0; r < count; r++) {
        int code = shared.row_code[r];
        if (r > 0 && code == shared.row_code[r - 1])
            continue;
        Places columns = columns_of(code);
        Places rows =
            p.row_sorted.places_of(code, job.sequence, head, hash, job.rows_first, job.rows_end);
        if (Matrices::worth(rows, columns))
            add_matrix(code, columns);
        else
            add_panels(columns.first, columns.end);
    }
}

/* weighted += count U M for the rows of one code. */
template <class C> __device__ void PairsBlock<C>::add_matrix(int code, const Places &columns)
{
    if constexpr (FORM == COLLISION) {
        float sum[TILES][FRAGMENTS][4] = {};
        int64_t slot = Matrices::slot_of(columns.first, job.column, job.sequence);
        const T *matrix = static_cast<const T *>(p.matrices.matrix) +
                          ((blockIdx.y * gridDim.z + blockIdx.z) * p.matrices.slots + slot) * D * D;
        for (int row = 0; row < D; row += C::COLUMNS) {
            __syncthreads();
            for (int i = threadIdx.x; i < C::COLUMNS * C::CHUNKS; i += PAIR_THREADS)
                copy_16(shared.y(0).chunk(i / C::CHUNKS, i % C::CHUNKS),
                        matrix + row * D + i * Tile<T, C::CHUNKS>::EACH, true);
            copies_end_group();
            copies_wait<0>();
            __syncthreads();
            for (int step = 0; step < C::COLUMNS; step += STEP) {
                float b[TILES][STEP / 8][4];
#pragma unroll
                for (int i = 0; i < TILES * STEP / 2; i++) {
                    int t = i / (STEP / 2), f = i / 4 % (STEP / 8), e = i % 4;
                    int r = row_at(t, e), c = row + step + 8 * f + column_of(e);
                    b[t][f][e] =
                        shared.row_code[r] == code ? to_float(*shared.u.element(r, c)) : 0.0f;
                }
                add(sum, b, shared.y(0), step);
            }
        }
        float count = (float)(columns.end - columns.first);
#pragma unroll
        for (int t = 0; t < TILES; t++)
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    weighted[t][f][e] = fmaf(count, sum[t][f][e], weighted[t][f][e]);
    }
}

} // namespace yo_cuda

#endif
