/* The bucket table of the sampled sum (lsh_cumulation.cu) in shared memory: where a code's bucket
 * lies, values as fixed point while they are added, f16 when they are read.
 *
 * A bucket is 64 places, [hash][dim] of 32-bit sums; converted, [hash][dim] of f16 in its first 128
 * bytes, and for f32 what that leaves in the other 128. */
#ifndef YO_CUDA_LSH_TABLE_CUH
#define YO_CUDA_LSH_TABLE_CUH

#include "cuda/lsh.cuh"
#include "cuda/tile.cuh"

namespace yo_cuda
{

const int CUMULATE_WARPS = EMULATED ? 4 : 16, CUMULATE_THREADS = CUMULATE_WARPS * WARP;
const int DIMS = 8, PLACES = GROUP * DIMS; /* of a bucket */
const int BUCKETS = 512;                   /* that fit; more come range by range */
const int LOG_STEP = 8;                    /* of a bucket: 256 bytes */

/* Eight codes, two a word, whose words are exchanged so that word t / 2 has the code of hash
 * t ^ first but for its half: `first` even turns the low one up, odd the high one. */
struct TurnedCodes {
    uint32_t word[GROUP / 2];

    __device__ TurnedCodes(const uint4 &codes, int first)
    {
        bool near = first & 2, far = first & 4;
        uint32_t a = near ? codes.y : codes.x, b = near ? codes.x : codes.y;
        uint32_t c = near ? codes.w : codes.z, d = near ? codes.z : codes.w;
        word[0] = far ? c : a;
        word[1] = far ? d : b;
        word[2] = far ? a : c;
        word[3] = far ? b : d;
    }
    /* The code's bucket, as bytes of the table: the code times 256. */
    __device__ uint32_t bucket(int turn, bool odd) const
    {
        return pick_bytes(word[turn / 2], ((turn & 1) != 0) == odd ? 0x4104u : 0x4324u);
    }
};

/* x 2^k rounded to a whole number: of 16-bit values by an addition that leaves it in the low
 * bits. */
template <class T> __device__ inline int fixed_point(float x, float scale)
{
    const float MAGIC = 12582912.0f; /* 1.5 2^23 */
    return __float_as_int(fmaf(x, scale, MAGIC)) - __float_as_int(MAGIC);
}
template <> __device__ inline int fixed_point<float>(float x, float scale)
{
    return __float2int_rn(x * scale);
}

/* sum / 2^15: of 16-bit values by shifts and an addition, which keep 22 bits of 30. */
template <class T> __device__ inline float to_table(int sum)
{
    const float MAGIC = 12582912.0f;
    return (__int_as_float(((sum + 128) >> 8) + __float_as_int(MAGIC)) - MAGIC) * 0x1p-7f;
}
template <> __device__ inline float to_table<float>(int sum)
{
    return (float)sum * 0x1p-15f;
}

/* A bucket's 64 sums, of at most 2^30, become f16 of at most 2^15, and for f32 64 remainders
 * behind them. Half a warp a bucket. */
template <class T> __device__ inline void convert(unsigned char *table, int buckets)
{
    const int EACH = 4, LANES = PLACES / EACH;
    int lane = threadIdx.x % LANES;
    for (int bucket = threadIdx.x / LANES; bucket < buckets; bucket += CUMULATE_THREADS / LANES) {
        unsigned char *row = table + (bucket << LOG_STEP);
        int4 sum = reinterpret_cast<int4 *>(row)[lane];
        float x[EACH] = {to_table<T>(sum.x), to_table<T>(sum.y), to_table<T>(sum.z),
                         to_table<T>(sum.w)};
        __syncwarp(); /* all have read */
        uint2 high = {pack(x[0], x[1], f16()), pack(x[2], x[3], f16())}, low = {0, 0};
        if (sizeof(T) == 4) {
#pragma unroll
            for (int e = 0; e < EACH; e++) {
                f16 part;
                from_float(&part, x[e]);
                x[e] -= to_float(part);
            }
            low = uint2{pack(x[0], x[1], f16()), pack(x[2], x[3], f16())};
        }
        reinterpret_cast<uint2 *>(row)[lane] = high;
        reinterpret_cast<uint2 *>(row + 128)[lane] = low;
        __syncwarp();
    }
}

/* The first `bytes` of each bucket. */
__device__ inline void clear(unsigned char *table, int buckets, int bytes)
{
    int chunks = bytes / 16;
    for (int i = threadIdx.x; i < buckets * chunks; i += CUMULATE_THREADS)
        reinterpret_cast<uint4 *>(table + (i / chunks << LOG_STEP))[i % chunks] = uint4{0, 0, 0, 0};
}

} // namespace yo_cuda

#endif
