/* CUDA's language for g++: the same kernels run on the CPU, one fiber a thread.
 *
 * Blocks run one after another, in order or (YOSO_EMULATE_ORDER=reverse) backwards, and so do
 * the threads of a block between two waits. A thread runs until it waits: at a barrier, or in
 * an operation of its warp. What a device would leave undefined is found and told: a barrier
 * that some threads do not reach, lanes that meet at different places, a lane outside its own
 * mask. Shared memory starts as NaN, each array is a block of the heap for AddressSanitizer to
 * watch, and device memory cannot be read or written outside kernels and copies.
 *
 * Kernels keep to this: launches through launch.cuh; shared memory through SHARED; PTX only
 * in wrappers that have a body for the host; no waiting on memory for another thread; no grid
 * barrier. */
#ifndef YO_EMULATE_H
#define YO_EMULATE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __constant__ static const
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
struct uint3 {
    unsigned x, y, z;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

namespace emulate
{

/* What the running thread knows of itself. */
struct Thread {
    uint3 index;
    unsigned lane;
    unsigned meetings; /* its warp operations so far */
};
extern Thread *self;
extern dim3 block_size, grid_size;
extern uint3 block_index;
extern void *dynamic_shared;

/* Runs every block of the grid; NULL, or what went wrong. */
const char *launch(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(void *),
                   void *argument);

/* One __shared__ array of a kernel: its memory in the running block. */
struct SharedArray {
    uint64_t block = 0;
    void *memory = nullptr;
    void *get(size_t bytes);
};

void barrier(const char *place);

/* Copies into shared memory that a device makes in the background: they arrive when this thread
 * waits for them and not before, and until then the target is NaN. `bytes` of `room` are copied,
 * the rest becomes 0. */
void copy_later(void *to, const void *from, unsigned bytes, unsigned room);
void end_copy_group();
/* Until at most `pending` of this thread's groups are under way. */
void wait_for_copies(unsigned pending);

/* Publishes a lane's value, waits for the lanes in mask, and returns all 32 values. */
enum { LANE_BYTES = 64 };
struct alignas(16) LaneValue {
    unsigned char bytes[LANE_BYTES];
};
const LaneValue *exchange(unsigned mask, const void *value, size_t bytes, const char *place);

template <class T> inline T value_of(const LaneValue *values, unsigned lane)
{
    T value;
    memcpy(&value, values[lane & 31].bytes, sizeof value);
    return value;
}

template <class T> inline T shuffle(unsigned mask, T value, unsigned lane, const char *place)
{
    static_assert(sizeof(T) <= LANE_BYTES, "a lane hands over at most 64 bytes");
    return value_of<T>(exchange(mask, &value, sizeof value, place), lane);
}

inline unsigned ballot(unsigned mask, bool vote, const char *place)
{
    const LaneValue *values = exchange(mask, &vote, sizeof vote, place);
    unsigned votes = 0;
    for (unsigned lane = 0; lane < 32; lane++)
        if (mask >> lane & 1)
            votes |= (unsigned)value_of<bool>(values, lane) << lane;
    return votes;
}

/* The lanes of mask whose value is this lane's. */
inline unsigned match(unsigned mask, int value, const char *place)
{
    const LaneValue *values = exchange(mask, &value, sizeof value, place);
    unsigned same = 0;
    for (unsigned lane = 0; lane < 32; lane++)
        if (mask >> lane & 1)
            same |= (unsigned)(value_of<int>(values, lane) == value) << lane;
    return same;
}

} // namespace emulate

#define YO_EMULATE_TEXT_(x) #x
#define YO_EMULATE_TEXT(x) YO_EMULATE_TEXT_(x)
#define YO_EMULATE_HERE (__FILE__ ":" YO_EMULATE_TEXT(__LINE__))

#define threadIdx (emulate::self->index)
#define blockIdx (emulate::block_index)
#define blockDim (emulate::block_size)
#define gridDim (emulate::grid_size)

#define __syncthreads() emulate::barrier(YO_EMULATE_HERE)
#define __syncwarp() ((void)emulate::exchange(0xffffffffu, "", 1, YO_EMULATE_HERE))
#define __shfl_sync(mask, value, lane) emulate::shuffle(mask, value, lane, YO_EMULATE_HERE)
#define __shfl_xor_sync(mask, value, bits)                                                         \
    emulate::shuffle(mask, value, emulate::self->lane ^ (bits), YO_EMULATE_HERE)
#define __shfl_up_sync(mask, value, delta)                                                         \
    emulate::shuffle(mask, value,                                                                  \
                     emulate::self->lane < (unsigned)(delta) ? emulate::self->lane                 \
                                                             : emulate::self->lane - (delta),      \
                     YO_EMULATE_HERE)
#define __ballot_sync(mask, vote) emulate::ballot(mask, (vote) != 0, YO_EMULATE_HERE)
#define __match_any_sync(mask, value) emulate::match(mask, value, YO_EMULATE_HERE)
#define __any_sync(mask, vote) (__ballot_sync(mask, vote) != 0)

#define SHARED(TYPE, NAME, COUNT)                                                                  \
    static emulate::SharedArray NAME##_array;                                                      \
    TYPE *NAME = (TYPE *)NAME##_array.get(sizeof(TYPE) * (COUNT))
#define DYNAMIC_SHARED(TYPE, NAME) TYPE *NAME = (TYPE *)emulate::dynamic_shared

/* Atomics: one thread runs at a time. */
template <class T, class U> inline T atomicAdd(T *at, U value)
{
    T old = *at;
    *at = (T)(old + (T)value);
    return old;
}
template <class T> inline T atomicMax(T *at, T value)
{
    T old = *at;
    *at = old > value ? old : value;
    return old;
}
template <class T> inline T atomicMin(T *at, T value)
{
    T old = *at;
    *at = old < value ? old : value;
    return old;
}
template <class T> inline T atomicOr(T *at, T value)
{
    T old = *at;
    *at = old | value;
    return old;
}
template <class T> inline T atomicExch(T *at, T value)
{
    T old = *at;
    *at = value;
    return old;
}
template <class T> inline T atomicCAS(T *at, T expected, T value)
{
    T old = *at;
    if (old == expected)
        *at = value;
    return old;
}

inline int __dp4a(int a, int b, int sum)
{
    for (int i = 0; i < 32; i += 8)
        sum += (int8_t)((unsigned)a >> i) * (int8_t)((unsigned)b >> i);
    return sum;
}
inline int __float2int_rn(float x)
{
    return (int)rintf(x);
}
inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
inline float __int_as_float(int bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
inline int __float_as_int(float value)
{
    int bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
inline float __saturatef(float x)
{
    return x > 0 ? (x < 1 ? x : 1) : 0;
}
inline float __fmul_rn(float a, float b)
{
    return a * b;
}
inline float __fadd_rn(float a, float b)
{
    return a + b;
}
inline void __threadfence()
{
}
inline void __threadfence_system()
{
}

#endif
