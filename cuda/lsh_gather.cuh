/* Queries' sums read from the buckets of their codes: 16 at a time by ldmatrix, row r in turn t the
 * 16 bytes of hash t ^ r, all in different banks; a product with the identity adds them up in
 * f32. */
#ifndef YO_CUDA_LSH_GATHER_CUH
#define YO_CUDA_LSH_GATHER_CUH

#include "cuda/lsh_cumulation.cuh"

namespace yo_cuda
{

/* sum += the buckets of 16 queries' codes, as the lanes of a product hold them. */
template <class T, bool RANGED>
__device__ inline void gather(float (&sum)[4], const unsigned char *table, const uint4 &codes,
                              int base)
{
    /* Tiles 0 and 1 are queries 0 .. 7 and 8 .. 15 in an even turn, 2 and 3 the same in the odd
     * turn after it: the hash is turn ^ first, turn even. */
    int lane = lane_of_warp(), first = (lane & 7) ^ lane / 16;
    TurnedCodes turned(codes, first);
    uint32_t one_row = lane / 4 == column_of(0)   ? 0x3c00u
                       : lane / 4 == column_of(1) ? 0x3c000000u
                                                  : 0;
    const uint32_t identity[4] = {one_row, 0, 0, one_row};
#pragma unroll
    for (int turn = 0; turn < GROUP; turn += 2) {
        uint32_t right[4], at = turned.bucket(turn, first & 1);
        if (RANGED)
            at -= (uint32_t)base << LOG_STEP;
        const unsigned char *from = table + (at | ((uint32_t)(first * 16) ^ (turn * 16)));
        if (RANGED && at >= (uint32_t)BUCKETS << LOG_STEP)
            from = table + (BUCKETS << LOG_STEP); /* zeros lie there */
        load_tiles_turned(right, from);
        multiply_16x8x16(sum, identity, right, f16());
        multiply_16x8x16(sum, identity, right + 2, f16());
        if (sizeof(T) == 4) {
            load_tiles_turned(right, from + 128);
            multiply_16x8x16(sum, identity, right, f16());
            multiply_16x8x16(sum, identity, right + 2, f16());
        }
    }
}

/* A tile of 16 queries' sums in memory, the two of a lane's row at its dims. */
__device__ inline float2 *sums_at(float *sum, const Job &job, int tile, int half)
{
    int row = tile * 16 + row_of(2 * half);
    return row < job.count
               ? reinterpret_cast<float2 *>(sum + (job.first + row) * DIMS + column_of(0))
               : nullptr;
}

/* The codes of the query that this lane looks up for a tile. */
__device__ inline uint4 query_codes(const uint4 *codes, const Job &job, int tile)
{
    int query = tile * 16 + lane_of_warp() % 16;
    return query < job.count ? codes[query] : uint4{0, 0, 0, 0};
}

/* One range of one group's buckets read by all queries, whose sums are in registers. */
template <class T, int KEPT>
__device__ inline void gather_kept(float (&kept)[KEPT][4], const unsigned char *table,
                                   const uint4 *codes, const Job &job)
{
    int tiles = (job.count + 15) / 16;
    uint4 next = query_codes(codes, job, warp_of_block());
#pragma unroll
    for (int t = 0; t < KEPT; t++) {
        int tile = t * CUMULATE_WARPS + warp_of_block();
        uint4 mine = next;
        if (t + 1 < KEPT)
            next = query_codes(codes, job, tile + CUMULATE_WARPS);
        if (tile < tiles)
            gather<T, false>(kept[t], table, mine, 0);
    }
}

/* The same with sums in memory, which this block alone adds to. */
template <class T, bool RANGED>
__device__ inline void gather_in_memory(float *sum, const unsigned char *table, const uint4 *codes,
                                        const Job &job, int base, bool first)
{
    int tiles = (job.count + 15) / 16;
    uint4 next = query_codes(codes, job, warp_of_block());
    for (int tile = warp_of_block(); tile < tiles; tile += CUMULATE_WARPS) {
        uint4 mine = next;
        float part[4] = {};
        float2 *upper = sums_at(sum, job, tile, 0), *lower = sums_at(sum, job, tile, 1);
        if (!first && upper)
            part[0] = upper->x, part[1] = upper->y;
        if (!first && lower)
            part[2] = lower->x, part[3] = lower->y;
        next = query_codes(codes, job, tile + CUMULATE_WARPS);
        gather<T, RANGED>(part, table, mine, base);
        if (upper)
            *upper = float2{part[0], part[1]};
        if (lower)
            *lower = float2{part[2], part[3]};
    }
}

} // namespace yo_cuda

#endif
