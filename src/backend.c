/* The CPU's kernel tables and the choice among them; devices that are not in this build. */
#include "backend.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/memory.h"
#include "core/status.h"

extern const yo_kernels yo_cpu_plain_kernels;
#ifdef HAVE_AVX2
extern const yo_kernels yo_cpu_avx2_kernels;
#endif
#ifdef HAVE_AVX512
extern const yo_kernels yo_cpu_avx512_kernels;
#endif

static _Atomic(const yo_kernels *) chosen;

/* The table of that name if this CPU can run it. */
static const yo_kernels *find_isa(const char *name)
{
    __builtin_cpu_init();
#ifdef HAVE_AVX512
    if (strcmp(name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
                   ? &yo_cpu_avx512_kernels
                   : NULL;
#endif
#ifdef HAVE_AVX2
    if (strcmp(name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                   ? &yo_cpu_avx2_kernels
                   : NULL;
#endif
    return strcmp(name, "plain") == 0 ? &yo_cpu_plain_kernels : NULL;
}

static const yo_kernels *best_isa(void)
{
    static const char *const order[] = {"avx512", "avx2", "plain"};
    const char *wish = getenv("YOSO_ISA");
    const yo_kernels *table = wish ? find_isa(wish) : NULL;
    for (size_t i = 0; !table; i++)
        table = find_isa(order[i]);
    return table;
}

static const yo_kernels *cpu_kernels(void)
{
    const yo_kernels *table = atomic_load_explicit(&chosen, memory_order_acquire);
    if (!table) {
        table = best_isa();
        atomic_store_explicit(&chosen, table, memory_order_release);
    }
    return table;
}

const char *yoso_isa(void)
{
    return cpu_kernels()->name;
}

yoso_status yoso_set_isa(const char *name)
{
    const yo_kernels *table = find_isa(name);
    if (!table)
        return yo_fail(YOSO_UNSUPPORTED,
                       "set_isa: no kernels for \"%s\" here; plain, avx2 and avx512 exist where "
                       "the processor has them",
                       name);
    atomic_store_explicit(&chosen, table, memory_order_release);
    return YOSO_OK;
}

int32_t yoso_abi(void)
{
    return YOSO_ABI;
}

static yoso_status check_device(int32_t device)
{
    if (device == YOSO_CPU)
        return YOSO_OK;
    if (device == YOSO_CUDA)
        return yo_fail(YOSO_UNSUPPORTED, "device cuda: this build has no CUDA module");
    return yo_fail(YOSO_MISUSE, "unknown device %d; there are 0 (cpu) and 1 (cuda)", device);
}

yoso_status yo_backend_kernels(const yo_kernels **kernels, int32_t device)
{
    YO_TRY(check_device(device));
    *kernels = cpu_kernels();
    return YOSO_OK;
}

yo_stream *yo_backend_stream(int32_t device)
{
    (void)device;
    return NULL;
}

yoso_status yo_backend_take(int32_t device, void **block, size_t bytes)
{
    YO_TRY(check_device(device));
    return yo_memory_take(block, bytes);
}

void yo_backend_give(int32_t device, void *block, size_t bytes)
{
    (void)device;
    yo_memory_give(block, bytes);
}

yoso_status yo_backend_zero(int32_t device, void *block, size_t bytes)
{
    YO_TRY(check_device(device));
    memset(block, 0, bytes);
    return YOSO_OK;
}

yoso_status yo_backend_transfer(int32_t to, void *target, int32_t from, const void *source,
                                size_t bytes)
{
    YO_TRY(check_device(to));
    YO_TRY(check_device(from));
    memcpy(target, source, bytes);
    return YOSO_OK;
}
