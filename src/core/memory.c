/* The caching allocator. Sizes are rounded up to classes, four to each power of two; freed
 * blocks wait in the list of their class. Scratch of a kernel is taken and given the same way. */
#include "core/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/status.h"

enum { ALIGNMENT = 64, CLASSES = 4 * 48, SMALLEST_SHIFT = 8, HUGE_PAGE = 2 << 20 };

typedef struct free_block {
    struct free_block *next;
} free_block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static free_block *waiting[CLASSES];
static int64_t live, cached, peak;

/* The class that holds `bytes`, and its size: (4 + step) / 4 * 2^shift. */
static int class_of(size_t bytes, size_t *size)
{
    int shift = SMALLEST_SHIFT;
    while (shift < 46 && ((size_t)2 << shift) < bytes)
        shift++;
    for (int step = 0; step < 4; step++) {
        size_t candidate = ((size_t)(4 + step) << shift) >> 2;
        if (candidate >= bytes) {
            *size = candidate;
            return 4 * (shift - SMALLEST_SHIFT) + step;
        }
    }
    *size = (size_t)2 << shift;
    return 4 * (shift + 1 - SMALLEST_SHIFT);
}

/* A block from the system. Large ones lie on huge pages where there are some: matrix products that
 * write rows far apart are a tenth faster then. */
static void *ask_system(size_t size)
{
    void *block = NULL;
    if (posix_memalign(&block, size < HUGE_PAGE ? ALIGNMENT : HUGE_PAGE, size) != 0)
        return NULL;
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE)
        madvise(block, size, MADV_HUGEPAGE); /* a wish: failing changes nothing */
#endif
    return block;
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
}

yoso_status yo_memory_take(void **out, size_t bytes)
{
    size_t size;
    if (bytes > (size_t)1 << 46)
        return yo_fail(YOSO_NO_MEMORY, "out of memory: %zu bytes wanted", bytes);
    int index = class_of(bytes, &size);
    pthread_mutex_lock(&lock);
    void *block = waiting[index];
    if (block) {
        waiting[index] = waiting[index]->next;
        cached -= (int64_t)size;
    } else {
        block = ask_system(size);
        if (!block) {
            release_waiting();
            block = ask_system(size);
        }
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

void yo_memory_give(void *pointer, size_t bytes)
{
    if (!pointer)
        return;
    size_t size;
    int index = class_of(bytes, &size);
    free_block *block = pointer;
    pthread_mutex_lock(&lock);
    live -= (int64_t)size;
    cached += (int64_t)size;
    block->next = waiting[index];
    waiting[index] = block;
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
    return read_counter(&cached);
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
