/* Launching: the same call under nvcc and under emulation, and what every kernel file includes.
 * A launch returns a status; failures inside a running kernel surface at a later call, or at
 * once with YOSO_CUDA_SYNC=1 in the environment. */
#ifndef YO_CUDA_LAUNCH_CUH
#define YO_CUDA_LAUNCH_CUH

#if defined(__CUDACC__)
#include <cuda_runtime.h>
/* TYPE NAME[COUNT] in shared memory; the emulation gives each array a heap block. */
#define SHARED(TYPE, NAME, COUNT) __shared__ TYPE NAME[COUNT]
#define DYNAMIC_SHARED(TYPE, NAME)                                                                 \
    extern __shared__ __align__(1024) unsigned char yo_dynamic_shared[];                           \
    TYPE *NAME = reinterpret_cast<TYPE *>(yo_dynamic_shared)
#else
#include "cuda/emulate/runtime.h"
#endif

#include "cuda/kernels.cuh"

namespace yo_cuda
{

#if defined(__CUDACC__)
const bool EMULATED = false;
#else
/* Some sizes are smaller then, so that small operands reach every path. */
const bool EMULATED = true;
#endif

const unsigned FULL = 0xffffffffu; /* all lanes of a warp */
const int WARP = 32;
const unsigned THREADS = 256; /* of a block, where nothing speaks for another number */

/* Keeps a message and returns status, as yo_fail does in the library. */
#define yo_cuda_fail (yo_cuda::host->fail)
extern const yo_module_host *host;

#define YO_TRY(call)                                                                               \
    do {                                                                                           \
        yoso_status yo_try_status = (call);                                                        \
        if (yo_try_status != YOSO_OK)                                                              \
            return yo_try_status;                                                                  \
    } while (0)

/* Whether the kernel just launched was taken, and whether an earlier one reported a fault. */
yoso_status launched(const char *name);
yoso_status check(cudaError_t error, const char *what);

/* Device memory with these bytes in it, which lives on: what depends on the shapes of a call alone
 * is brought to the device once. */
yoso_status constant(const void **device, const void *bytes, size_t size);

/* A seed as kernels take it: a number; or, in a captured graph, the place where each replay finds
 * its own. */
struct Seed {
    uint64_t number;
    const uint64_t *at;

    __device__ uint64_t value() const
    {
        return at ? *at : number;
    }
};
Seed seed_of(uint64_t number);

/* Scratch that lives until the end of the enclosing scope, in the stream's order. */
class Scratch
{
  public:
    Scratch() = default;
    Scratch(const Scratch &) = delete;
    ~Scratch();
    yoso_status take(size_t bytes);
    yoso_status zero(yo_stream *stream);
    /* *target = number `index` of the scratch; waits for it. */
    yoso_status download(int64_t *target, size_t index = 0);
    template <class T> T *as() const
    {
        return static_cast<T *>(block);
    }

  private:
    void *block = nullptr;
    size_t size = 0;
};

/* Blocks that give every multiprocessor enough to do; kernels stride over what is left. */
inline unsigned blocks_for(int64_t items, int64_t a_block)
{
    int64_t blocks = (items + a_block - 1) / a_block;
    return (unsigned)(blocks < 16384 ? blocks : 16384);
}

/* Queues kernel(arguments...). An empty grid is no work and no failure. */
template <class... P, class... A>
yoso_status launch(const char *name, void (*kernel)(P...), dim3 grid, unsigned threads,
                   size_t shared_bytes, yo_stream *stream, A... arguments)
{
    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        return YOSO_OK;
#if defined(__CUDACC__)
    if (shared_bytes > 48 << 10) {
        yoso_status status =
            check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                       (int)shared_bytes),
                  name);
        if (status != YOSO_OK)
            return status;
    }
    kernel<<<grid, threads, shared_bytes, (cudaStream_t)stream>>>(static_cast<P>(arguments)...);
#else
    (void)stream;
    emulate::run(grid, dim3(threads), shared_bytes,
                 [=] { kernel(static_cast<P>(arguments)...); });
#endif
    return launched(name);
}

} // namespace yo_cuda

#endif
