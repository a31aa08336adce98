/* Finding and loading the CUDA module, once for the process, when a device is first asked for. */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/derived.h"
#include "core/status.h"
#include "module.h"

#define MODULE_FILE "libyoso-cuda.so"

enum { PATH_SIZE = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const yo_module *opened;
static yo_kernels table;

static yoso_status lacking(void)
{
    return yo_fail(YOSO_UNSUPPORTED, "device cuda: its module has no kernel for this operation");
}

/* The module's table, with `lacking` where it has nothing, so that asking is never a crash; but
 * for the kernels that operations know how to do without. */
static void fill_table(const yo_kernels *kernels)
{
    yoso_status (*stub)(void) = lacking;
    table = *kernels;
    for (size_t at = offsetof(yo_kernels, copy); at < sizeof table; at += sizeof stub) {
        yoso_status (*entry)(void);
        memcpy(&entry, (char *)&table + at, sizeof entry);
        if (!entry)
            memcpy((char *)&table + at, &stub, sizeof stub);
    }
    table.linear_int8 = kernels->linear_int8;
    table.linear_norm = kernels->linear_norm;
    table.product = kernels->product;
    table.residual_norm = kernels->residual_norm;
    table.residual_norm_grad = kernels->residual_norm_grad;
    table.activation_grad = kernels->activation_grad;
}

/* Opens the module: what YOSO_CUDA_MODULE names; else beside this library, where it is
 * installed; in the build's cuda folder; wherever the system looks. */
static void *load(char *path)
{
    const char *wish = getenv("YOSO_CUDA_MODULE");
    if (wish && *wish) {
        snprintf(path, PATH_SIZE, "%s", wish);
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    Dl_info self;
    if (dladdr((const void *)&yoso_abi, &self) && self.dli_fname) {
        static const char *const places[] = {"", "../cuda/"};
        const char *slash = strrchr(self.dli_fname, '/');
        int folder = slash ? (int)(slash - self.dli_fname) + 1 : 0;
        for (size_t i = 0; i < sizeof places / sizeof places[0] && folder > 0; i++) {
            snprintf(path, PATH_SIZE, "%.*s%s%s", folder, self.dli_fname, places[i], MODULE_FILE);
            void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (handle)
                return handle;
        }
    }
    snprintf(path, PATH_SIZE, "%s", MODULE_FILE);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static yoso_status open_module(void)
{
    static const yo_module_host host = {.fail = yo_fail, .derived_find = yo_derived_find};
    char path[PATH_SIZE];
    void *handle = load(path);
    if (!handle)
        return yo_fail(YOSO_UNSUPPORTED,
                       "device cuda: no module: %s (it is built where nvcc is; YOSO_CUDA_MODULE "
                       "names another place)",
                       dlerror());
    yo_module_entry entry;
    void *symbol = dlsym(handle, YO_MODULE_SYMBOL);
    memcpy(&entry, &symbol, sizeof entry);
    const yo_module *module = symbol ? entry(&host) : NULL;
    yoso_status status;
    if (!module || module->version != YO_MODULE_VERSION || module->abi != YOSO_ABI ||
        module->kernels_bytes != sizeof(yo_kernels))
        status = yo_fail(YOSO_UNSUPPORTED,
                         "device cuda: wrong version: %s belongs to another libyoso", path);
    else
        status = module->open();
    if (status != YOSO_OK) {
        dlclose(handle);
        return status;
    }
    fill_table(module->kernels);
    opened = module;
    return YOSO_OK;
}

yoso_status yo_module_cuda(const yo_module **module, const yo_kernels **kernels)
{
    pthread_mutex_lock(&lock);
    yoso_status status = opened ? YOSO_OK : open_module();
    pthread_mutex_unlock(&lock);
    if (status != YOSO_OK)
        return status;
    *module = opened;
    *kernels = &table;
    return YOSO_OK;
}
