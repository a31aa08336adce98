/* Products of small tiles in shared memory, a warp at a time: tensor cores for f16 and bf16,
 * plain multiply-adds for f32. The only place with PTX: one wrapper an instruction, each with a
 * body for the host that means the same.
 *
 * A warp's result is 16 x 8. Lane l holds four of it: rows l / 4 and l / 4 + 8, columns
 * 2 (l % 4) and the next: sum[0], sum[1] are of the upper row, sum[2], sum[3] of the lower. */
#ifndef YO_CUDA_TILE_CUH
#define YO_CUDA_TILE_CUH

#include "cuda/number.cuh"

namespace yo_cuda
{

__device__ inline int lane_of_warp()
{
    return (int)(threadIdx.x % WARP);
}

/* Two neighbouring 16-bit elements as one register. */
template <class T> __device__ inline uint32_t pair_at(const T *at)
{
    uint32_t bits;
    memcpy(&bits, at, sizeof bits);
    return bits;
}

/* sum += a b^T with a [16, 16] by rows and b [8, 16] by rows, in the lanes' registers. */
#if defined(__CUDA_ARCH__)
__device__ inline void multiply_16x8x16(float (&sum)[4], const uint32_t (&a)[4],
                                        const uint32_t (&b)[2], bf16)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ inline void multiply_16x8x16(float (&sum)[4], const uint32_t (&a)[4],
                                        const uint32_t (&b)[2], f16)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Two 8 x 8 tiles turned: lanes 0 .. 15 give the addresses of their 16 rows. */
__device__ inline void load_turned(uint32_t (&b)[2], const void *row)
{
    uint32_t address = (uint32_t)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(b[0]), "=r"(b[1])
                 : "r"(address));
}
#elif defined(__CUDACC__)
/* nvcc's pass over the host's code only wants these to exist. */
template <class T>
__device__ void multiply_16x8x16(float (&)[4], const uint32_t (&)[4], const uint32_t (&)[2], T);
__device__ void load_turned(uint32_t (&)[2], const void *);
#else
template <class T>
inline void multiply_16x8x16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], T)
{
    uint32_t mine[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    const emulate::LaneValue *all = emulate::exchange(FULL, mine, sizeof mine, YO_EMULATE_HERE);
    auto element = [&](int lane, int word, int half) {
        uint32_t words[6];
        memcpy(words, all[lane].bytes, sizeof words);
        return to_float(T{(uint16_t)(half ? words[word] >> 16 : words[word])});
    };
    int lane = lane_of_warp();
    for (int i = 0; i < 4; i++) {
        int row = lane / 4, column = lane % 4 * 2 + (i & 1);
        for (int k = 0; k < 16; k++)
            sum[i] += element(row * 4 + k % 8 / 2, i / 2 + 2 * (k / 8), k & 1) *
                      element(column * 4 + k % 8 / 2, 4 + k / 8, k & 1);
    }
}

inline void load_turned(uint32_t (&b)[2], const void *row)
{
    const emulate::LaneValue *all = emulate::exchange(FULL, &row, sizeof row, YO_EMULATE_HERE);
    int lane = lane_of_warp();
    for (int tile = 0; tile < 2; tile++) {
        uint16_t half[2];
        for (int h = 0; h < 2; h++) {
            int from = tile * 8 + lane % 4 * 2 + h;
            half[h] = emulate::value_of<const uint16_t *>(all, (unsigned)from)[lane / 4];
        }
        b[tile] = half[0] | (uint32_t)half[1] << 16;
    }
}
#endif

template <class T> __device__ inline void load_left(uint32_t (&a)[4], const T *tile, int ld, int k)
{
    const T *at = tile + lane_of_warp() / 4 * ld + k + lane_of_warp() % 4 * 2;
    a[0] = pair_at(at);
    a[1] = pair_at(at + 8 * ld);
    a[2] = pair_at(at + 8);
    a[3] = pair_at(at + 8 * ld + 8);
}

/* sum += a b^T: a [16, depth] and b [8, depth] by rows; depth a multiple of 16. */
template <class T>
__device__ inline void add_product_turned(float (&sum)[4], const T *a, int a_ld, const T *b,
                                          int b_ld, int depth)
{
    const T *right = b + lane_of_warp() / 4 * b_ld + lane_of_warp() % 4 * 2;
    for (int k = 0; k < depth; k += 16) {
        uint32_t left[4], pair[2] = {pair_at(right + k), pair_at(right + k + 8)};
        load_left(left, a, a_ld, k);
        multiply_16x8x16(sum, left, pair, T());
    }
}

template <>
__device__ inline void add_product_turned(float (&sum)[4], const float *a, int a_ld, const float *b,
                                          int b_ld, int depth)
{
    const float *upper = a + lane_of_warp() / 4 * a_ld, *lower = upper + 8 * a_ld;
    const float *first = b + lane_of_warp() % 4 * 2 * b_ld, *second = first + b_ld;
#pragma unroll 4
    for (int k = 0; k < depth; k++) {
        sum[0] = fmaf(upper[k], first[k], sum[0]);
        sum[1] = fmaf(upper[k], second[k], sum[1]);
        sum[2] = fmaf(lower[k], first[k], sum[2]);
        sum[3] = fmaf(lower[k], second[k], sum[3]);
    }
}

/* sum += a b: a [16, depth] and b [depth, 8] by rows, b's rows 16-byte aligned. */
template <class T>
__device__ inline void add_product(float (&sum)[4], const T *a, int a_ld, const T *b, int b_ld,
                                   int depth)
{
    for (int k = 0; k < depth; k += 16) {
        uint32_t left[4], right[2];
        load_left(left, a, a_ld, k);
        load_turned(right, b + (k + lane_of_warp() % 16) * b_ld);
        multiply_16x8x16(sum, left, right, T());
    }
}

template <>
__device__ inline void add_product(float (&sum)[4], const float *a, int a_ld, const float *b,
                                   int b_ld, int depth)
{
    const float *upper = a + lane_of_warp() / 4 * a_ld, *lower = upper + 8 * a_ld;
    const float *right = b + lane_of_warp() % 4 * 2;
#pragma unroll 4
    for (int k = 0; k < depth; k++, right += b_ld) {
        sum[0] = fmaf(upper[k], right[0], sum[0]);
        sum[1] = fmaf(upper[k], right[1], sum[1]);
        sum[2] = fmaf(lower[k], right[0], sum[2]);
        sum[3] = fmaf(lower[k], right[1], sum[3]);
    }
}

/* Row and column of the four elements that a lane holds. */
__device__ inline int row_of(int element)
{
    return lane_of_warp() / 4 + element / 2 * 8;
}
__device__ inline int column_of(int element)
{
    return lane_of_warp() % 4 * 2 + element % 2;
}

} // namespace yo_cuda

#endif
