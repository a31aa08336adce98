/* The caching allocator. Small sizes are rounded up to classes, four to each power of two; freed
 * blocks wait in the list of their class. Large ones are extents. Scratch of a kernel is taken and
 * given the same way. */
#include "core/memory.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/extents.h"
#include "core/status.h"

enum { ALIGNMENT = 64, SMALLEST_SHIFT = 8, LARGE_SHIFT = 20, CLASSES = 4 * 12 + 1 };
#define LARGE ((size_t)1 << LARGE_SHIFT)

typedef struct free_block {
    struct free_block *next;
} free_block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static free_block *waiting[CLASSES];
static int64_t live, cached, peak;

/* The class that holds `bytes`, less than LARGE, and its size: (4 + step) / 4 * 2^shift. */
static int class_of(size_t bytes, size_t *size)
{
    int shift = SMALLEST_SHIFT;
    while (((size_t)2 << shift) < bytes)
        shift++;
    int step = 0;
    while (((size_t)(4 + step) << shift) >> 2 < bytes)
        step++;
    *size = ((size_t)(4 + step) << shift) >> 2;
    return 4 * (shift - SMALLEST_SHIFT) + step;
}

static void release_waiting(void)
{
    for (int i = 0; i < CLASSES; i++) {
        while (waiting[i]) {
            free_block *block = waiting[i];
            waiting[i] = block->next;
            free(block);
        }
    }
    cached = 0;
    yo_extents_trim();
}

static void *take_small(size_t bytes, size_t *size)
{
    int index = class_of(bytes, size);
    free_block *block = waiting[index];
    if (block) {
        waiting[index] = block->next;
        cached -= (int64_t)*size;
        return block;
    }
    void *fresh = NULL;
    return posix_memalign(&fresh, ALIGNMENT, *size) == 0 ? fresh : NULL;
}

static void *take(size_t bytes, size_t *size)
{
    if (bytes < LARGE)
        return take_small(bytes, size);
    *size = yo_extent_size(bytes);
    return yo_extents_take(*size);
}

yoso_status yo_memory_take(void **out, size_t bytes)
{
    size_t size;
    if (bytes > (size_t)1 << 46)
        return yo_fail(YOSO_NO_MEMORY, "out of memory: %zu bytes wanted", bytes);
    pthread_mutex_lock(&lock);
    void *block = take(bytes, &size);
    if (!block) {
        release_waiting();
        block = take(bytes, &size);
    }
    int64_t alive = live;
    if (block) {
        live += (int64_t)size;
        if (live > peak)
            peak = live;
    }
    pthread_mutex_unlock(&lock);
    if (!block)
        return yo_fail(YOSO_NO_MEMORY,
                       "out of memory: %zu bytes wanted, %lld bytes of tensors alive", bytes,
                       (long long)alive);
    *out = block;
    return YOSO_OK;
}

static size_t give_small(free_block *block, size_t bytes)
{
    size_t size;
    int index = class_of(bytes, &size);
    cached += (int64_t)size;
    block->next = waiting[index];
    waiting[index] = block;
    return size;
}

void yo_memory_give(void *block, size_t bytes)
{
    if (!block)
        return;
    pthread_mutex_lock(&lock);
    if (bytes < LARGE) {
        live -= (int64_t)give_small(block, bytes);
    } else {
        yo_extents_give(block);
        live -= (int64_t)yo_extent_size(bytes);
    }
    pthread_mutex_unlock(&lock);
}

void yo_memory_count(int64_t bytes)
{
    pthread_mutex_lock(&lock);
    live += bytes;
    if (live > peak)
        peak = live;
    pthread_mutex_unlock(&lock);
}

static int64_t read_counter(const int64_t *counter)
{
    pthread_mutex_lock(&lock);
    int64_t value = *counter;
    pthread_mutex_unlock(&lock);
    return value;
}

int64_t yoso_memory_live(void)
{
    return read_counter(&live);
}

int64_t yoso_memory_cached(void)
{
    pthread_mutex_lock(&lock);
    int64_t value = cached + (int64_t)yo_extents_cached();
    pthread_mutex_unlock(&lock);
    return value;
}

int64_t yoso_memory_peak(void)
{
    return read_counter(&peak);
}

void yoso_memory_reset_peak(void)
{
    pthread_mutex_lock(&lock);
    peak = live;
    pthread_mutex_unlock(&lock);
}

void yoso_memory_trim(void)
{
    pthread_mutex_lock(&lock);
    release_waiting();
    pthread_mutex_unlock(&lock);
}
