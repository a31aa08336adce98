/* Device memory: the pool in the order of the stream, arenas for captured graphs, what lives on
 * by its content, and scratch. */
#include <stdlib.h>
#include <string.h>

#include <map>
#include <mutex>
#include <new>
#include <unordered_map>
#include <vector>

#include "cuda/device.cuh"

namespace yo_cuda
{

static cudaMemPool_t pool;

yoso_status open_memory()
{
    YO_TRY(check(cudaDeviceGetDefaultMemPool(&pool, 0), "open"));
    /* Freed blocks stay in the pool: a steady state asks the driver for nothing. */
    uint64_t keep = UINT64_MAX;
    return check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "open");
}

static yoso_status out_of_memory(size_t bytes)
{
    size_t available = 0, total = 0;
    cudaMemGetInfo(&available, &total);
    return yo_cuda_fail(YOSO_NO_MEMORY,
                        "device cuda: out of memory: %zu bytes wanted, %zu of %zu free", bytes,
                        available, total);
}

/* -- Arenas ------------------------------------------------------------------------------------ */

class Arena
{
  public:
    static const size_t UNIT = 512;
    char *memory = nullptr;
    size_t bytes = 0;
    bool owned = true;
    std::map<size_t, size_t> free, taken; /* offset -> bytes, in whole units */

    /* First fit; NULL when none is large enough. */
    void *take(size_t wanted)
    {
        wanted = (wanted + UNIT - 1) / UNIT * UNIT;
        for (auto &range : free)
            if (range.second >= wanted) {
                size_t offset = range.first, rest = range.second - wanted;
                free.erase(offset);
                if (rest)
                    free[offset + wanted] = rest;
                taken[offset] = wanted;
                return memory + offset;
            }
        return nullptr;
    }
    /* Joins the block with its free neighbours. */
    void give(void *block)
    {
        size_t offset = (size_t)((char *)block - memory);
        auto range = taken.find(offset);
        size_t size = range->second;
        taken.erase(range);
        auto after = free.find(offset + size);
        if (after != free.end()) {
            size += after->second;
            free.erase(after);
        }
        auto before = free.lower_bound(offset);
        if (before != free.begin() && (--before)->first + before->second == offset)
            before->second += size;
        else
            free[offset] = size;
    }
};

static std::mutex lock;
static Arena *current;
static std::map<char *, Arena *> arenas; /* by the end of their memory */
static std::vector<void *> waiting;      /* given back during a capture, which must not have it */

static void give_to_pool(void *block)
{
    if (current)
        waiting.push_back(block);
    else
        cudaFreeAsync(block, the_stream);
}

static Arena *arena_of(void *block)
{
    auto found = arenas.upper_bound((char *)block);
    return found != arenas.end() && found->second->memory <= block ? found->second : nullptr;
}

static void forget_if_unused(Arena *arena)
{
    if (arena->owned || !arena->taken.empty())
        return;
    arenas.erase(arena->memory + arena->bytes);
    give_to_pool(arena->memory);
    delete arena;
}

yoso_status make_arena(Arena **result, size_t bytes)
{
    Arena *arena = new (std::nothrow) Arena;
    if (!arena)
        return yo_cuda_fail(YOSO_NO_MEMORY, "device cuda: no memory for a graph");
    arena->bytes = (bytes + Arena::UNIT - 1) / Arena::UNIT * Arena::UNIT;
    yoso_status status = take((void **)&arena->memory, arena->bytes);
    if (status != YOSO_OK) {
        delete arena;
        return status;
    }
    arena->free[0] = arena->bytes;
    std::lock_guard<std::mutex> guard(lock);
    arenas[arena->memory + arena->bytes] = arena;
    *result = arena;
    return YOSO_OK;
}

void drop_arena(Arena *arena)
{
    std::lock_guard<std::mutex> guard(lock);
    arena->owned = false;
    forget_if_unused(arena);
}

void use_arena(Arena *arena)
{
    std::lock_guard<std::mutex> guard(lock);
    current = arena;
    for (size_t i = 0; !arena && i < waiting.size(); i++)
        cudaFreeAsync(waiting[i], the_stream);
    if (!arena)
        waiting.clear();
}

/* -- Blocks ------------------------------------------------------------------------------------ */

/* Bytes taken, when peak() was reset, and the most since. */
static int64_t bytes_taken, bytes_at_reset, most_bytes;

static void count(int64_t bytes)
{
    bytes_taken += bytes;
    most_bytes = bytes_taken > most_bytes ? bytes_taken : most_bytes;
}

int64_t peak(int32_t reset)
{
    std::lock_guard<std::mutex> guard(lock);
    int64_t most = most_bytes - bytes_at_reset;
    if (reset)
        bytes_at_reset = most_bytes = bytes_taken;
    return most;
}

yoso_status take(void **block, size_t bytes)
{
    size_t wanted = bytes ? bytes : 1;
    {
        std::lock_guard<std::mutex> guard(lock);
        /* In whole units, as an arena would count them. */
        count((int64_t)((wanted + Arena::UNIT - 1) / Arena::UNIT * Arena::UNIT));
        if (current) {
            *block = current->take(wanted);
            if (*block)
                return YOSO_OK;
            return yo_cuda_fail(YOSO_NO_MEMORY,
                                "device cuda: the graph's %zu bytes do not suffice: %zu wanted",
                                current->bytes, bytes);
        }
    }
    cudaError_t error = cudaMallocAsync(block, wanted, the_stream);
    if (error == cudaErrorMemoryAllocation) { /* once more, with nothing kept for reuse */
        cudaGetLastError();
        cudaStreamSynchronize(the_stream);
        cudaMemPoolTrimTo(pool, 0);
        error = cudaMallocAsync(block, wanted, the_stream);
    }
    if (error != cudaErrorMemoryAllocation)
        return check(error, "take");
    cudaGetLastError();
    return out_of_memory(bytes);
}

void give(void *block, size_t bytes)
{
    if (!block)
        return;
    std::lock_guard<std::mutex> guard(lock);
    size_t wanted = bytes ? bytes : 1;
    count(-(int64_t)((wanted + Arena::UNIT - 1) / Arena::UNIT * Arena::UNIT));
    Arena *arena = arena_of(block);
    if (arena) {
        arena->give(block);
        forget_if_unused(arena);
    } else {
        give_to_pool(block);
    }
}

yoso_status zero(void *block, size_t bytes)
{
    return check(cudaMemsetAsync(block, 0, bytes, the_stream), "zero");
}

/* -- Constants --------------------------------------------------------------------------------- */

namespace
{

struct Constant {
    std::vector<char> bytes;
    void *device;
    uint64_t used; /* when last, by the count of uses */
    bool pinned;   /* a captured graph has its address */
};

const size_t MOST_CONSTANTS = 512;
std::unordered_multimap<uint64_t, Constant> constants;
uint64_t uses;

/* FNV-1a, eight bytes at a time. */
uint64_t hash_of(const char *bytes, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u ^ size;
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < 8 ? size - i : 8);
        hash = (hash ^ word) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash;
}

void forget_oldest()
{
    auto oldest = constants.end();
    for (auto at = constants.begin(); at != constants.end(); ++at)
        if (!at->second.pinned && (oldest == constants.end() || at->second.used < oldest->second.used))
            oldest = at;
    if (oldest == constants.end())
        return;
    cudaFreeAsync(oldest->second.device, the_stream); /* behind all that reads it */
    constants.erase(oldest);
}

} // namespace

yoso_status constant(const void **device, const void *bytes, size_t size)
{
    static std::mutex own;
    std::lock_guard<std::mutex> guard(own);
    const char *content = static_cast<const char *>(bytes);
    uint64_t hash = hash_of(content, size);
    auto range = constants.equal_range(hash);
    for (auto at = range.first; at != range.second; ++at) {
        Constant &known = at->second;
        if (known.bytes.size() == size && memcmp(known.bytes.data(), content, size) == 0) {
            known.used = ++uses;
            known.pinned |= is_capturing();
            *device = known.device;
            return YOSO_OK;
        }
    }
    if (is_capturing()) /* its bytes would be read at every replay, from where they are no more */
        return refuse_capture("work on lengths that the pass before did not have");
    if (constants.size() >= MOST_CONSTANTS)
        forget_oldest();
    Constant made = {std::vector<char>(content, content + size), nullptr, ++uses, false};
    YO_TRY(take(&made.device, size));
    yoso_status status = check(cudaMemcpyAsync(made.device, made.bytes.data(), size,
                                               cudaMemcpyHostToDevice, the_stream),
                               "constant");
    if (status != YOSO_OK) {
        give(made.device, size);
        return status;
    }
    *device = made.device;
    constants.emplace(hash, std::move(made));
    return YOSO_OK;
}

/* -- Scratch ----------------------------------------------------------------------------------- */

Scratch::~Scratch()
{
    give(block, size);
}

yoso_status Scratch::take(size_t bytes)
{
    size = bytes;
    return yo_cuda::take(&block, bytes);
}

yoso_status Scratch::zero(yo_stream *)
{
    return yo_cuda::zero(block, size);
}

} // namespace yo_cuda
