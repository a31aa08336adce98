/* The thread count: the caller's wish, else YOSO_THREADS, else the CPU affinity; and the clock. */
#include "core/threads.h"

#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "core/status.h"

static _Thread_local int wish; /* 0: none */
static atomic_int default_count;

static int count_by_default(void)
{
    const char *text = getenv("YOSO_THREADS");
    if (text) {
        char *end;
        long count = strtol(text, &end, 10);
        if (*text && !*end && count >= 1 && count <= YO_MOST_THREADS)
            return (int)count;
    }
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    return 1;
}

int yo_threads(void)
{
    if (wish > 0)
        return wish;
    int count = atomic_load_explicit(&default_count, memory_order_relaxed);
    if (count == 0) {
        count = count_by_default();
        atomic_store_explicit(&default_count, count, memory_order_relaxed);
    }
    return count;
}

int yo_threads_wish(void)
{
    return wish;
}

int32_t yoso_threads(void)
{
    return yo_threads();
}

yoso_status yoso_set_threads(int32_t count)
{
    if (count < 0 || count > YO_MOST_THREADS)
        return yo_fail(YOSO_MISUSE, "set_threads: count is %d, must be 0 (default) to %d", count,
                       YO_MOST_THREADS);
    wish = count;
    omp_set_num_threads(yo_threads()); /* oneDNN asks OpenMP */
    return YOSO_OK;
}

double yoso_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
