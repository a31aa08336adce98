/* Keys' values added to the buckets of their codes: a warp four keys at a time, each lane one dim
 * of one key, in eight turns. In turn t key i adds to hash t ^ i, so that whatever the codes all
 * lanes have banks of their own. */
#ifndef YO_CUDA_LSH_SCATTER_CUH
#define YO_CUDA_LSH_SCATTER_CUH

#include "cuda/lsh_cumulation.cuh"

namespace yo_cuda
{

/* A lane's way through the keys: what it adds, and to which buckets. */
template <class T> struct Walker {
    const uint4 *codes;
    const T *value;
    const uint8_t *keep;
    int64_t value_step;
    int left, step; /* keys to go, and from one to the next */
    bool there;

    __device__ Walker(const Cumulation &c, const Job &job, int64_t head, int group, int64_t dim,
                      int first, int step_)
    {
        int64_t key = job.column + first;
        codes = reinterpret_cast<const uint4 *>(c.k.of(head, group, key));
        value = static_cast<const T *>(c.v.rows.data) + key * c.v.rows.token +
                head * c.v.rows.head + dim;
        keep = c.v.keep ? c.v.keep + key : nullptr;
        left = job.columns_end - job.column - first;
        step = step_;
        value_step = step * c.v.rows.token;
        there = dim < c.v.size;
    }
    /* The key's codes and number. Where there is no key, or it is masked, the number is 0 and the
     * codes stay what they were. */
    __device__ void read(uint4 *code, float *number)
    {
        bool here = left > 0;
        if (here)
            *code = *codes;
        if (here && keep)
            here = *keep != 0;
        *number = here && there ? to_float(*value) : 0.0f;
        codes += step;
        value += value_step;
        keep += keep ? step : 0;
        left -= step;
    }
};

const int BATCH = 2; /* keys of a lane whose loads are under way together */

/* Adds a number to the eight hashes' buckets, those from `base` on. */
template <bool RANGED>
__device__ inline void add(unsigned char *table, const uint4 &codes, int number, int hashes,
                           int base)
{
    int i = lane_of_warp() / DIMS;
    uint32_t place = (uint32_t)lane_of_warp() * 4;
    TurnedCodes turned(codes, i);
#pragma unroll
    for (int turn = 0; turn < GROUP; turn++) {
        uint32_t at = turned.bucket(turn, i & 1);
        if (RANGED)
            at -= (uint32_t)base << LOG_STEP;
        int *to = reinterpret_cast<int *>(table + (at | (place ^ (turn * DIMS * 4))));
        if (!RANGED || at < (uint32_t)BUCKETS << LOG_STEP)
            atomicAdd(to, hashes >= GROUP || (turn ^ i) < hashes ? number : 0);
    }
}

/* Adds the values of all keys to the buckets `base` .. of the hashes of one group. */
template <class T, bool RANGED>
__device__ inline void scatter(unsigned char *table, const Cumulation &c, const Job &job,
                               int64_t head, int group, int64_t dim0, float scale, int base)
{
    const int TOGETHER = WARP / DIMS, STEP = CUMULATE_WARPS * TOGETHER;
    int hashes = c.k.num_hash - group * GROUP;
    int first = warp_of_block() * TOGETHER + lane_of_warp() / DIMS;
    Walker<T> keys(c, job, head, group, dim0 + lane_of_warp() % DIMS, first, STEP);
    uint4 codes[BATCH], next_codes[BATCH] = {};
    float number[BATCH], next_number[BATCH];
#pragma unroll
    for (int b = 0; b < BATCH; b++)
        keys.read(&next_codes[b], &next_number[b]);
    int count = job.columns_end - job.column - warp_of_block() * TOGETHER;
    for (int done = 0; done < count; done += BATCH * STEP) {
#pragma unroll
        for (int b = 0; b < BATCH; b++) {
            codes[b] = next_codes[b];
            number[b] = next_number[b];
            keys.read(&next_codes[b], &next_number[b]);
        }
#pragma unroll
        for (int b = 0; b < BATCH; b++)
            if (hashes >= GROUP)
                add<RANGED>(table, codes[b], fixed_point<T>(number[b], scale), GROUP, base);
            else
                add<RANGED>(table, codes[b], fixed_point<T>(number[b], scale), hashes, base);
    }
}

} // namespace yo_cuda

#endif
