/* What tensor cores work on: fragments of tiles in registers, their loads from shared memory,
 * and copies into it that run on while others compute. The only place with PTX: one wrapper an
 * instruction, each with a body for the host that means the same.
 *
 * A warp multiplies 16 x 16 by 16 x 8. Lane l holds of the result rows l / 4 and l / 4 + 8,
 * columns 2 (l % 4) and the next: sum[0], sum[1] are of the upper row, sum[2], sum[3] of the
 * lower. Two results side by side are, packed to 16 bits, the left factor of a next product. */
#ifndef YO_CUDA_TILE_CUH
#define YO_CUDA_TILE_CUH

#include "cuda/number.cuh"

namespace yo_cuda
{

__device__ inline int lane_of_warp()
{
    return (int)(threadIdx.x % WARP);
}
__device__ inline int warp_of_block()
{
    return (int)(threadIdx.x / WARP);
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

#if defined(__CUDA_ARCH__)

__device__ inline uint32_t shared_address(const void *at)
{
    return (uint32_t)__cvta_generic_to_shared(at);
}

/* sum += a b^T with a [16, 16] and b [8, 16] by rows, in the lanes' registers. */
__device__ inline void multiply_16x8x16(float (&sum)[4], const uint32_t (&a)[4],
                                        const uint32_t *b, bf16)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ inline void multiply_16x8x16(float (&sum)[4], const uint32_t (&a)[4],
                                        const uint32_t *b, f16)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Four 8 x 8 tiles of 16-bit elements: lane l gives the address of row l % 8 of tile l / 8. */
__device__ inline void load_tiles(uint32_t (&r)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}
/* The same, each tile turned. */
__device__ inline void load_tiles_turned(uint32_t (&r)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/* Two floats as neighbouring 16-bit elements. */
__device__ inline uint32_t pack(float low, float high, bf16)
{
    uint32_t bits;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
}
__device__ inline uint32_t pack(float low, float high, f16)
{
    uint32_t bits;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
    return bits;
}

/* 16 bytes of global memory to shared memory in the background, or zeros where there are none. */
__device__ inline void copy_16(void *to, const void *from, bool there)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)),
                 "l"(from), "r"(there ? 16 : 0)
                 : "memory");
}
/* The same of 4 bytes. */
__device__ inline void copy_4(void *to, const void *from, bool there)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to)),
                 "l"(from), "r"(there ? 4 : 0)
                 : "memory");
}
/* What this thread copied since the last call is one group. */
__device__ inline void copies_end_group()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}
/* Waits until at most PENDING of this thread's groups are under way. */
template <int PENDING> __device__ inline void copies_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

/* Square root to the last two bits, one instruction. */
__device__ inline float quick_root(float x)
{
    float root;
    asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(root) : "f"(x));
    return root;
}
/* 2^x likewise. */
__device__ inline float quick_power_of_2(float x)
{
    float power;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(x));
    return power;
}
/* Bytes of `bits` picked by the four digits of `which`, 4 to 7 standing for 0. */
__device__ inline uint32_t pick_bytes(uint32_t bits, uint32_t which)
{
    return __byte_perm(bits, 0, which);
}

#elif defined(__CUDACC__)
/* nvcc's pass over the host's code only wants these to exist. */
template <class T>
__device__ void multiply_16x8x16(float (&)[4], const uint32_t (&)[4], const uint32_t *, T);
__device__ void load_tiles(uint32_t (&)[4], const void *);
__device__ void load_tiles_turned(uint32_t (&)[4], const void *);
template <class T> __device__ uint32_t pack(float, float, T);
__device__ void copy_16(void *, const void *, bool);
__device__ void copy_4(void *, const void *, bool);
__device__ void copies_end_group();
template <int PENDING> __device__ void copies_wait();
__device__ float quick_root(float);
__device__ float quick_power_of_2(float);
__device__ uint32_t pick_bytes(uint32_t, uint32_t);
#else

template <class T>
inline void multiply_16x8x16(float (&sum)[4], const uint32_t (&a)[4], const uint32_t *b, T)
{
    float mine[12]; /* as numbers: a's four words, b's two */
    for (int i = 0; i < 12; i++) {
        uint32_t word = i < 8 ? a[i / 2] : b[i / 2 - 4];
        mine[i] = to_float(T{(uint16_t)(i % 2 ? word >> 16 : word)});
    }
    const emulate::LaneValue *all = emulate::exchange(FULL, mine, sizeof mine, YO_EMULATE_HERE);
    int lane = lane_of_warp(), row = lane / 4 * 4;
    for (int i = 0; i < 4; i++) {
        int column = (lane % 4 * 2 + (i & 1)) * 4;
        for (int k = 0; k < 16; k++) {
            const float *left = reinterpret_cast<const float *>(all[row + k % 8 / 2].bytes);
            const float *right = reinterpret_cast<const float *>(all[column + k % 8 / 2].bytes);
            sum[i] += left[2 * (i / 2) + 4 * (k / 8) + k % 2] * right[8 + 2 * (k / 8) + k % 2];
        }
    }
}

inline void load_tiles(uint32_t (&r)[4], const void *row)
{
    const emulate::LaneValue *all = emulate::exchange(FULL, &row, sizeof row, YO_EMULATE_HERE);
    int lane = lane_of_warp();
    for (int tile = 0; tile < 4; tile++)
        memcpy(&r[tile],
               emulate::value_of<const uint32_t *>(all, (unsigned)(tile * 8 + lane / 4)) + lane % 4,
               sizeof r[tile]);
}

inline void load_tiles_turned(uint32_t (&r)[4], const void *row)
{
    const emulate::LaneValue *all = emulate::exchange(FULL, &row, sizeof row, YO_EMULATE_HERE);
    int lane = lane_of_warp();
    for (int tile = 0; tile < 4; tile++) {
        uint16_t half[2];
        for (int h = 0; h < 2; h++) {
            int from = tile * 8 + lane % 4 * 2 + h;
            half[h] = emulate::value_of<const uint16_t *>(all, (unsigned)from)[lane / 4];
        }
        r[tile] = half[0] | (uint32_t)half[1] << 16;
    }
}

template <class T> inline uint32_t pack(float low, float high, T)
{
    T pair[2];
    from_float(&pair[0], low);
    from_float(&pair[1], high);
    return pair[0].bits | (uint32_t)pair[1].bits << 16;
}

inline void copy_16(void *to, const void *from, bool there)
{
    emulate::copy_later(to, from, there ? 16 : 0, 16);
}
inline void copy_4(void *to, const void *from, bool there)
{
    emulate::copy_later(to, from, there ? 4 : 0, 4);
}
inline void copies_end_group()
{
    emulate::end_copy_group();
}
template <int PENDING> inline void copies_wait()
{
    emulate::wait_for_copies(PENDING);
}

inline float quick_root(float x)
{
    return sqrtf(x);
}
inline float quick_power_of_2(float x)
{
    return exp2f(x);
}
inline uint32_t pick_bytes(uint32_t bits, uint32_t which)
{
    uint32_t picked = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t from = which >> 4 * i & 7;
        picked |= (from < 4 ? bits >> 8 * from & 255 : 0) << 8 * i;
    }
    return picked;
}
#endif

/* A tile in shared memory of rows of CHUNKS times 16 bytes, a power of two from 8 on. Chunks of
 * a row are permuted by the row's number, so that eight rows' chunks of one number lie in
 * different banks. */
template <class T, int CHUNKS> struct Tile {
    static const int EACH = 16 / sizeof(T); /* elements of a chunk */
    T *data;

    __device__ T *chunk(int row, int number) const
    {
        return data + (row * CHUNKS + (number ^ (row & 7))) * EACH;
    }
    __device__ T *element(int row, int column) const
    {
        return chunk(row, column / EACH) + column % EACH;
    }
    __host__ __device__ static int bytes(int rows)
    {
        return rows * CHUNKS * 16;
    }

    /* Chunk 2 k + odd of row first + row. `first` is a multiple of 8, so that the permutation is
     * the row's, and k only changes bits that are 0 in the address of every row: what the lane
     * decides is computed once. Needs data aligned to a row. */
    __device__ T *chunk(int first, int row, int odd, int k) const
    {
        uintptr_t at = reinterpret_cast<uintptr_t>(chunk(row, odd) + first * (CHUNKS * EACH));
        return reinterpret_cast<T *>(at ^ (uintptr_t)(32 * k));
    }

    /* Rows `first` .. + 15, columns 16 k .. + 15 as a left factor. */
    __device__ void load_left(uint32_t (&a)[4], int first, int k) const
    {
        int lane = lane_of_warp();
        load_tiles(a, chunk(first, lane % 16, lane / 16, k));
    }
    /* Rows `first` .. + 15 as columns of two right factors [16, 8] side by side, of columns
     * 16 k .. + 15: what is multiplied by these rows turned. */
    __device__ void load_right_turned(uint32_t (&b)[4], int first, int k) const
    {
        int lane = lane_of_warp();
        load_tiles(b, chunk(first, lane / 16 * 8 + lane % 8, lane / 8 % 2, k));
    }
    /* Rows `first` .. + 15 and columns 16 n .. + 15 as two right factors [16, 8] side by side. */
    __device__ void load_right(uint32_t (&b)[4], int first, int n) const
    {
        int lane = lane_of_warp();
        load_tiles_turned(b, chunk(first, lane % 16, lane / 16, n));
    }
};

/* Two 16 x 8 results side by side as a left factor. */
template <class T>
__device__ inline void left_of(uint32_t (&a)[4], const float (&first)[4], const float (&second)[4],
                               T type)
{
    a[0] = pack(first[0], first[1], type);
    a[1] = pack(first[2], first[3], type);
    a[2] = pack(second[0], second[1], type);
    a[3] = pack(second[2], second[3], type);
}

} // namespace yo_cuda

#endif
