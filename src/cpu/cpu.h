/* What every CPU kernel file includes: the name of the variant being compiled, the walk over
 * strided views, and the parallel loop's grain. */
#ifndef YO_CPU_CPU_H
#define YO_CPU_CPU_H

#include <stdbool.h>

#include "core/status.h"
#include "core/threads.h"
#include "kernels.h"

#define YO_JOIN3_(a, b, c) a##b##c
#define YO_JOIN3(a, b, c) YO_JOIN3_(a, b, c)
#define YO_STRING_(a) #a
#define YO_STRING(a) YO_STRING_(a)

/* YO_CPU(copy) is yo_cpu_avx2_copy in the AVX2 variant. */
#define YO_CPU(name) YO_JOIN3(yo_cpu_, YO_ISA, _##name)

/* What loops over vectors in registers need: inlined, with constant bounds. */
#define YO_INLINE static inline __attribute__((always_inline))

/* Elements below which starting threads costs more than it saves. */
enum { YO_CPU_GRAIN = 16384 };

static inline int64_t yo_view_count(const yo_view *view)
{
    int64_t count = 1;
    for (int32_t i = 0; i < view->ndim; i++)
        count *= view->shape[i];
    return count;
}

#endif
