/* The CPU's kernel tables and the choice among them; the way to other devices. */
#include "backend.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/amx.h"
#include "core/bf16.h"
#include "core/memory.h"
#include "core/status.h"
#include "module.h"

extern const yo_kernels yo_cpu_plain_kernels;
#ifdef HAVE_AVX2
extern const yo_kernels yo_cpu_avx2_kernels;
#endif
#ifdef HAVE_AVX512
extern const yo_kernels yo_cpu_avx512_kernels;
#endif
#ifdef HAVE_AVX512FP16
extern const yo_kernels yo_cpu_avx512fp16_kernels;
#endif
#ifdef HAVE_AMX
extern const yo_kernels yo_cpu_amx_kernels;
#endif

static _Atomic(const yo_kernels *) chosen;

#ifdef HAVE_AVX512
static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/* The table of that name if this CPU can run it. */
static const yo_kernels *find_isa(const char *name)
{
    __builtin_cpu_init();
#ifdef HAVE_AMX
    if (strcmp(name, "amx") == 0)
        return yo_amx_available() ? &yo_cpu_amx_kernels : NULL;
#endif
#ifdef HAVE_AVX512FP16
    if (strcmp(name, "avx512fp16") == 0)
        return has_avx512() && __builtin_cpu_supports("avx512fp16") &&
                       __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("bmi2")
                   ? &yo_cpu_avx512fp16_kernels
                   : NULL;
#endif
#ifdef HAVE_AVX512
    if (strcmp(name, "avx512") == 0)
        return has_avx512() ? &yo_cpu_avx512_kernels : NULL;
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
    static const char *const order[] = {"amx", "avx512fp16", "avx512", "avx2", "plain"};
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

int32_t yoso_has_bf16(void)
{
    return yo_bf16_is_fast() || cpu_kernels()->bf16_by_f16;
}

yoso_status yoso_set_isa(const char *name)
{
    const yo_kernels *table = find_isa(name);
    if (!table)
        return yo_fail(YOSO_UNSUPPORTED,
                       "set_isa: no kernels for \"%s\" here; plain, avx2, avx512, avx512fp16 and "
                       "amx exist where the processor has them",
                       name);
    atomic_store_explicit(&chosen, table, memory_order_release);
    return YOSO_OK;
}

int32_t yoso_abi(void)
{
    return YOSO_ABI;
}

/* *module is NULL for the CPU, which has none. */
static yoso_status find_device(const yo_module **module, const yo_kernels **kernels, int32_t device)
{
    *module = NULL;
    if (device == YOSO_CUDA)
        return yo_module_cuda(module, kernels);
    if (device != YOSO_CPU)
        return yo_fail(YOSO_MISUSE, "unknown device %d; there are 0 (cpu) and 1 (cuda)", device);
    *kernels = cpu_kernels();
    return YOSO_OK;
}

yoso_status yo_backend_kernels(const yo_kernels **kernels, int32_t device)
{
    const yo_module *module;
    return find_device(&module, kernels, device);
}

yo_stream *yo_backend_stream(int32_t device)
{
    const yo_module *module;
    const yo_kernels *kernels;
    return find_device(&module, &kernels, device) == YOSO_OK && module ? module->stream() : NULL;
}

yoso_status yo_backend_take(int32_t device, void **block, size_t bytes)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(find_device(&module, &kernels, device));
    if (!module)
        return yo_memory_take(block, bytes);
    YO_TRY(module->take(block, bytes));
    yo_memory_count((int64_t)bytes);
    return YOSO_OK;
}

void yo_backend_give(int32_t device, void *block, size_t bytes)
{
    const yo_module *module;
    const yo_kernels *kernels;
    if (find_device(&module, &kernels, device) != YOSO_OK || !module) {
        yo_memory_give(block, bytes);
        return;
    }
    module->give(block, bytes);
    yo_memory_count(-(int64_t)bytes);
}

yoso_status yo_backend_zero(int32_t device, void *block, size_t bytes)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(find_device(&module, &kernels, device));
    if (module)
        return module->zero(block, bytes);
    memset(block, 0, bytes);
    return YOSO_OK;
}

yoso_status yo_backend_transfer(int32_t to, void *target, int32_t from, const void *source,
                                size_t bytes)
{
    const yo_module *target_module, *source_module;
    const yo_kernels *kernels;
    YO_TRY(find_device(&target_module, &kernels, to));
    YO_TRY(find_device(&source_module, &kernels, from));
    const yo_module *module = target_module ? target_module : source_module;
    if (module)
        return module->transfer(target, source, bytes,
                                target_module && source_module ? YO_WITHIN_DEVICE
                                : target_module                ? YO_TO_DEVICE
                                                               : YO_TO_HOST);
    memcpy(target, source, bytes);
    return YOSO_OK;
}

yoso_status yoso_cuda_devices(int32_t *count)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(yo_module_cuda(&module, &kernels));
    return module->count(count);
}

yoso_status yoso_cuda_describe(char *text, int64_t size, int32_t device)
{
    const yo_module *module;
    const yo_kernels *kernels;
    int32_t count;
    YO_TRY(yo_module_cuda(&module, &kernels));
    YO_TRY(module->count(&count));
    if (device < 0 || device >= count || size <= 0)
        return yo_fail(YOSO_MISUSE, "cuda_describe: device %d of %d, %lld bytes for the text",
                       device, count, (long long)size);
    return module->describe(text, (size_t)size, device);
}

yoso_status yoso_cuda_synchronize(void)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(yo_module_cuda(&module, &kernels));
    return module->synchronize();
}

int64_t yoso_cuda_peak(int32_t reset)
{
    const yo_module *module;
    const yo_kernels *kernels;
    return yo_module_cuda(&module, &kernels) == YOSO_OK ? module->peak(reset) : 0;
}

yoso_status yoso_graph_begin(int64_t bytes)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(yo_module_cuda(&module, &kernels));
    if (bytes < 1)
        return yo_fail(YOSO_MISUSE, "graph_begin: %lld bytes, must be at least 1",
                       (long long)bytes);
    return module->capture_begin((size_t)bytes);
}

yoso_status yoso_graph_end(yoso_graph **graph)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(yo_module_cuda(&module, &kernels));
    return module->capture_end((void **)graph);
}

yoso_status yoso_graph_replay(yoso_graph *graph, const uint64_t *seeds, int32_t count)
{
    const yo_module *module;
    const yo_kernels *kernels;
    YO_TRY(yo_module_cuda(&module, &kernels));
    return module->replay(graph, seeds, count);
}

int32_t yoso_graph_seeds(const yoso_graph *graph, uint64_t *seeds, int32_t room)
{
    const yo_module *module;
    const yo_kernels *kernels;
    return yo_module_cuda(&module, &kernels) == YOSO_OK ? module->graph_seeds(graph, seeds, room)
                                                        : 0;
}

void yoso_graph_free(yoso_graph *graph)
{
    const yo_module *module;
    const yo_kernels *kernels;
    if (graph && yo_module_cuda(&module, &kernels) == YOSO_OK)
        module->graph_free(graph);
}
