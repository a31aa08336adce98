/* What the design of the CUDA kernels rests on, measured: integer atomics on shared memory in the
 * scatter's pattern, rows of 128 bytes read at random from the cache, ldmatrix of random rows,
 * adds of 16 bytes to global memory, products of mma.sync, and a copy through device memory.
 *   nvcc -O3 -std=c++17 -arch=native scripts/bench/cuda/rates.cu -o rates && ./rates */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include <cuda_runtime.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        cudaError_t error = (call);                                                                \
        if (error != cudaSuccess) {                                                                \
            fprintf(stderr, "%s: %s\n", #call, cudaGetErrorString(error));                         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

const int THREADS = 512, ROUNDS = 400;
const unsigned TABLE = 128 << 10; /* bytes: 512 buckets of 64 places */

__device__ unsigned next(unsigned &state)
{
    return state = state * 1664525u + 1013904223u;
}

/* Four keys by eight dims a warp, a bucket of each key's own; `equal`: all keys in one bucket. */
__global__ void atomics(int *sink, bool equal)
{
    extern __shared__ int table[];
    int lane = threadIdx.x % 32, key = lane / 8;
    unsigned state = blockIdx.x * 977 + threadIdx.x / 32 * 31 + key;
    for (unsigned i = threadIdx.x; i < TABLE / 4; i += blockDim.x)
        table[i] = 0;
    __syncthreads();
    for (int r = 0; r < ROUNDS; r++) {
        unsigned bucket = equal ? 7 : next(state) >> 23;
#pragma unroll
        for (int turn = 0; turn < 8; turn++)
            atomicAdd(table + bucket * 64 + ((lane ^ (turn * 8)) & 63), r);
    }
    __syncthreads();
    if (table[threadIdx.x] == -1)
        *sink = 1;
}

/* ldmatrix of four tiles whose rows lie in buckets of their own. */
__global__ void matrices(int *sink, bool multiply)
{
    extern __shared__ int table[];
    int lane = threadIdx.x % 32;
    unsigned state = threadIdx.x * 77, r[4], all = 0;
    float sum[4] = {};
    for (unsigned i = threadIdx.x; i < TABLE / 4; i += blockDim.x)
        table[i] = 0;
    __syncthreads();
    unsigned base = (unsigned)__cvta_generic_to_shared(table);
    for (int round = 0; round < ROUNDS; round++) {
        unsigned bucket = next(state) >> 23;
#pragma unroll
        for (int turn = 0; turn < 4; turn++) {
            unsigned at = base + bucket * 256 + (((lane & 7) ^ (2 * turn + lane / 16)) & 7) * 16;
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                         : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                         : "r"(at));
            if (multiply) {
                asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                             "{%0,%1,%2,%3}, {%4,%5,%5,%4}, {%6,%7}, {%0,%1,%2,%3};"
                             : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                             : "r"(0x3c00), "r"(0), "r"(r[0]), "r"(r[1]));
                asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                             "{%0,%1,%2,%3}, {%4,%5,%5,%4}, {%6,%7}, {%0,%1,%2,%3};"
                             : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                             : "r"(0x3c00), "r"(0), "r"(r[2]), "r"(r[3]));
            }
            all ^= r[0] ^ r[3];
        }
    }
    if (all == 1 || sum[0] + sum[3] == 1)
        *sink = 1;
}

/* Eight independent products a warp. */
__global__ void products(int *sink)
{
    float sum[8][4] = {};
    unsigned a = threadIdx.x, b = threadIdx.x * 3;
    for (int r = 0; r < ROUNDS; r++)
#pragma unroll
        for (int i = 0; i < 8; i++)
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                         "{%0,%1,%2,%3}, {%4,%5,%4,%5}, {%5,%4}, {%0,%1,%2,%3};"
                         : "+f"(sum[i][0]), "+f"(sum[i][1]), "+f"(sum[i][2]), "+f"(sum[i][3])
                         : "r"(a), "r"(b));
    if (sum[0][0] + sum[7][3] == 1)
        *sink = 1;
}

/* Eight lanes read one row of 128 bytes. */
__global__ void rows(const uint4 *table, unsigned count, int *sink)
{
    unsigned state = (blockIdx.x * blockDim.x + threadIdx.x) / 8 * 7919u, all = 0;
#pragma unroll 8
    for (int r = 0; r < ROUNDS; r++) {
        uint4 x = table[(size_t)(next(state) % count) * 8 + threadIdx.x % 8];
        all ^= x.x ^ x.y ^ x.z ^ x.w;
    }
    if (all == 1)
        *sink = 1;
}

__global__ void adds(float4 *table, unsigned count)
{
    unsigned state = (blockIdx.x * blockDim.x + threadIdx.x) / 16 * 7919u;
    for (int r = 0; r < ROUNDS / 4; r++) {
        float4 *at = table + (size_t)(next(state) % count) * 16 + threadIdx.x % 16;
#if __CUDA_ARCH__ >= 900
        asm volatile("red.global.add.v4.f32 [%0], {%1,%1,%1,%1};" ::"l"(at), "f"(1.0f) : "memory");
#else
        float *f = reinterpret_cast<float *>(at);
        for (int i = 0; i < 4; i++)
            atomicAdd(f + i, 1.0f);
#endif
    }
}

static double seconds_of(const std::function<void()> &work)
{
    cudaEvent_t start, stop;
    float best = 1e30f, taken;
    TRY(cudaEventCreate(&start));
    TRY(cudaEventCreate(&stop));
    for (int i = 0; i < 5; i++) {
        TRY(cudaEventRecord(start));
        work();
        TRY(cudaEventRecord(stop));
        TRY(cudaEventSynchronize(stop));
        TRY(cudaGetLastError());
        TRY(cudaEventElapsedTime(&taken, start, stop));
        best = taken < best ? taken : best;
    }
    return best / 1e3;
}

int main()
{
    cudaDeviceProp about;
    int *sink, khz;
    TRY(cudaGetDeviceProperties(&about, 0));
    TRY(cudaDeviceGetAttribute(&khz, cudaDevAttrClockRate, 0));
    TRY(cudaMalloc(&sink, 4));
    int sms = about.multiProcessorCount, warps = THREADS / 32;
    double hertz = khz * 1e3;
    printf("%s, %d multiprocessors, %.0f MHz at most\n", about.name, sms, hertz / 1e6);
    TRY(cudaFuncSetAttribute(atomics, cudaFuncAttributeMaxDynamicSharedMemorySize, TABLE));
    TRY(cudaFuncSetAttribute(matrices, cudaFuncAttributeMaxDynamicSharedMemorySize, TABLE));
    for (bool equal : {false, true}) {
        double s = seconds_of([&] { atomics<<<sms, THREADS, TABLE>>>(sink, equal); });
        printf("atomics on shared memory, %-12s %6.2f cycles an instruction of 32 (2 a row)\n",
               equal ? "one bucket:" : "no conflict:", s * hertz / (ROUNDS * 8.0 * warps));
    }
    for (bool multiply : {false, true}) {
        double s = seconds_of([&] { matrices<<<sms, THREADS, TABLE>>>(sink, multiply); });
        printf("ldmatrix of random rows%-13s %6.2f cycles a row of 128 bytes\n",
               multiply ? ", two mma:" : ":", s * hertz / (ROUNDS * 4.0 * warps * 4));
    }
    double s = seconds_of([&] { products<<<4 * sms, THREADS>>>(sink); });
    printf("mma.sync m16n8k16 bf16:              %6.0f TFLOP/s\n",
           4.0 * sms * warps * ROUNDS * 8 * 4096 / s / 1e12);
    size_t bytes = (size_t)24 << 20, large = (size_t)2 << 30;
    void *table, *copy;
    TRY(cudaMalloc(&table, large));
    TRY(cudaMalloc(&copy, large));
    TRY(cudaMemset(table, 1, large));
    s = seconds_of([&] {
        rows<<<8 * sms, 256>>>(static_cast<uint4 *>(table), (unsigned)(bytes / 128), sink);
    });
    printf("random rows of 128 bytes, 24 MiB:    %6.2f TB/s\n",
           8.0 * sms * 32 * ROUNDS * 128 / s / 1e12);
    s = seconds_of([&] {
        adds<<<8 * sms, 256>>>(static_cast<float4 *>(table), (unsigned)(bytes / 256));
    });
    printf("adds of 16 bytes, rows of 256:       %6.2f TB/s\n",
           8.0 * sms * 256 * (ROUNDS / 4) * 16 / s / 1e12);
    s = seconds_of([&] { cudaMemcpyAsync(copy, table, large, cudaMemcpyDeviceToDevice); });
    printf("copy, read and written:              %6.2f TB/s\n", 2.0 * (double)large / s / 1e12);
    return 0;
}
