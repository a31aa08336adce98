/* The pretended device: its memory, its copies, and the errors it can be told to give. */
#include "cuda/emulate/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)0)
#endif

struct emulated_graph {
    std::vector<std::function<void()>> work;
};

namespace
{

emulated_graph *capturing;
const size_t ARENA = (size_t)1 << 30, UNIT = 256, PAGE = 4096;

std::recursive_mutex lock; /* over the arena and over running kernels */
char *arena;
size_t top; /* nothing beyond was ever given out */
int open_count;
std::map<size_t, size_t> taken, waiting; /* offset -> bytes, in whole units */
size_t taken_bytes;
cudaError_t last_error;
char launch_message[300];

/* Lets the host touch device memory while it lives. */
struct Opened {
    std::lock_guard<std::recursive_mutex> guard;
    Opened() : guard(lock)
    {
        if (open_count++ == 0)
            protect(PROT_READ | PROT_WRITE);
    }
    ~Opened()
    {
        if (--open_count == 0)
            protect(PROT_NONE);
    }
    static void protect(int access)
    {
        if (arena && top > 0)
            mprotect(arena, (top + PAGE - 1) / PAGE * PAGE, access);
    }
};

bool told_to_fail(const char *how)
{
    const char *wish = getenv("YOSO_EMULATE_FAIL");
    return wish && strcmp(wish, how) == 0;
}

/* Offset of a free range of `units` bytes, first fit, or beyond the arena. */
size_t find_room(size_t bytes)
{
    for (auto &range : waiting)
        if (range.second >= bytes) {
            size_t offset = range.first, rest = range.second - bytes;
            waiting.erase(offset);
            if (rest)
                waiting[offset + bytes] = rest;
            return offset;
        }
    size_t offset = top;
    if (bytes <= ARENA - top) {
        top += bytes;
        Opened::protect(PROT_READ | PROT_WRITE);
    }
    return offset;
}

/* Joins a freed range with its free neighbours. */
void keep_room(size_t offset, size_t bytes)
{
    auto after = waiting.find(offset + bytes);
    if (after != waiting.end()) {
        bytes += after->second;
        waiting.erase(after);
    }
    auto before = waiting.lower_bound(offset);
    if (before != waiting.begin() && (--before)->first + before->second == offset) {
        before->second += bytes;
        return;
    }
    waiting[offset] = bytes;
}

} // namespace

/* Most bytes that the pool ever had in use: beyond these it would ask the driver for more. */
extern "C" __attribute__((visibility("default"))) uint64_t yo_emulate_pool_bytes(void)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    return top;
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorInsufficientDriver:
        return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    case cudaErrorLaunchFailure:
        return launch_message;
    }
    return "unknown error";
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = told_to_fail("driver") ? 0 : 12000;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 0;
    if (told_to_fail("driver") || told_to_fail("old"))
        return cudaErrorInsufficientDriver;
    if (told_to_fail("device"))
        return cudaErrorNoDevice;
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int)
{
    *properties = cudaDeviceProp();
    snprintf(properties->name, sizeof properties->name, "emulated on the CPU");
    properties->totalGlobalMem = ARENA;
    properties->major = 9;
    properties->multiProcessorCount = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (!arena) {
        void *memory =
            mmap(nullptr, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED)
            return cudaErrorMemoryAllocation;
        arena = (char *)memory;
        ASAN_POISON_MEMORY_REGION(arena, ARENA);
    }
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    *stream = (cudaStream_t)&arena; /* any address: work is done when it is queued */
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return capturing ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int)
{
    *pool = nullptr;
    return cudaSuccess;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void *)
{
    return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t)
{
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    *available = ARENA - taken_bytes;
    *total = ARENA;
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **block, size_t bytes, cudaStream_t)
{
    Opened opened;
    if (bytes > ARENA)
        return cudaErrorMemoryAllocation;
    /* One unit more than asked for stays poisoned between neighbours. */
    size_t room = (bytes + UNIT - 1) / UNIT * UNIT + UNIT, offset = find_room(room);
    if (offset + room > ARENA)
        return cudaErrorMemoryAllocation;
    taken[offset] = room;
    taken_bytes += room;
    *block = arena + offset;
    ASAN_UNPOISON_MEMORY_REGION(*block, bytes);
    memset(*block, 0xff, bytes);
    return cudaSuccess;
}

cudaError_t cudaFreeAsync(void *block, cudaStream_t)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    auto range = taken.find((size_t)((char *)block - arena));
    if (range == taken.end())
        return cudaErrorInvalidValue;
    ASAN_POISON_MEMORY_REGION(block, range->second);
    taken_bytes -= range->second;
    keep_room(range->first, range->second);
    taken.erase(range);
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **block, size_t bytes, unsigned)
{
    *block = calloc(1, bytes);
    return *block ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t cudaHostGetDevicePointer(void **device, void *host, unsigned)
{
    *device = host;
    return cudaSuccess;
}

/* -- Work, done at once or kept for a graph ---------------------------------------------------- */

static void do_or_keep(std::function<void()> work)
{
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (capturing)
        capturing->work.push_back(std::move(work));
    else
        work();
}

cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t)
{
    if (capturing && kind != cudaMemcpyDeviceToDevice)
        return cudaErrorStreamCaptureUnsupported;
    do_or_keep([=] {
        Opened opened;
        memcpy(target, source, bytes);
    });
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *target, int value, size_t bytes, cudaStream_t)
{
    do_or_keep([=] {
        Opened opened;
        memset(target, value, bytes);
    });
    return cudaSuccess;
}

void emulate::run(dim3 grid, dim3 block, size_t shared_bytes, std::function<void()> body)
{
    do_or_keep([=] {
        Opened opened;
        auto call = [](void *f) { (*static_cast<std::function<void()> *>(f))(); };
        std::function<void()> copy = body;
        const char *message = launch(grid, block, shared_bytes, call, &copy);
        if (message) {
            snprintf(launch_message, sizeof launch_message, "%s", message);
            last_error = cudaErrorLaunchFailure;
        }
    });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode)
{
    capturing = new emulated_graph;
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *graph)
{
    *graph = capturing;
    capturing = nullptr;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *ready, cudaGraph_t graph,
                                          unsigned long long)
{
    *ready = new emulated_graph(*graph);
    return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t ready, cudaStream_t)
{
    for (std::function<void()> &work : ready->work)
        work();
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t ready)
{
    delete ready;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}
