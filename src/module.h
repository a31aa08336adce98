/* What a device module (libyoso-cuda.so) and the library say to each other. The library finds one
 * symbol in the module, calls it once, and checks version and table size before it uses more. */
#ifndef YO_MODULE_H
#define YO_MODULE_H

#include "kernels.h"

/* Changes with this file; a change of the kernel table shows in kernels_bytes. */
enum { YO_MODULE_VERSION = 2 };

/* Directions of a copy. */
enum { YO_WITHIN_DEVICE, YO_TO_DEVICE, YO_TO_HOST };

/* What the module needs of the library: its way to keep a failure's message (yo_fail), and the
 * place for what is made of a weight (yo_derived_find). */
typedef struct yo_module_host {
    yoso_status (*fail)(yoso_status status, const char *format, ...);
    yoso_status (*derived_find)(yo_derived **out, const yo_weight *weight, int32_t kind,
                                yoso_status (*make)(yo_derived **out, const yo_view *source));
} yo_module_host;

typedef struct yo_module {
    int32_t version;
    int32_t abi; /* YOSO_ABI */
    size_t kernels_bytes;
    const yo_kernels *kernels;

    /* Finds driver and device and makes the stream; once, before everything below. */
    yoso_status (*open)(void);
    yo_stream *(*stream)(void);

    /* Device memory, in the order of the stream: a block given back may be taken again at once. */
    yoso_status (*take)(void **block, size_t bytes);
    void (*give)(void *block, size_t bytes);
    yoso_status (*zero)(void *block, size_t bytes);
    /* Source and target may be used again when it returns; waits only for copies to the host. */
    yoso_status (*transfer)(void *target, const void *source, size_t bytes, int32_t direction);
    /* Waits for all queued work and reports what went wrong in it. */
    yoso_status (*synchronize)(void);

    /* Number of devices, and one line about one of them. */
    yoso_status (*count)(int32_t *devices);
    yoso_status (*describe)(char *text, size_t size, int32_t device);

    /* What yoso_cuda_peak and yoso_graph_ say in yoso.h. */
    int64_t (*peak)(int32_t reset);
    yoso_status (*capture_begin)(size_t bytes);
    yoso_status (*capture_end)(void **graph);
    yoso_status (*replay)(void *graph, const uint64_t *seeds, int32_t count);
    int32_t (*graph_seeds)(const void *graph, uint64_t *seeds, int32_t room);
    void (*graph_free)(void *graph);
} yo_module;

#define YO_MODULE_SYMBOL "yoso_module"
typedef const yo_module *(*yo_module_entry)(const yo_module_host *host);

/* src/module.c: the opened CUDA module and its table, loaded at the first call; a status that
 * says why when there is none. */
yoso_status yo_module_cuda(const yo_module **module, const yo_kernels **kernels);

#endif
