/* Linear layers for bf16 by products of f16. */
#include <stdlib.h>

#include "core/memory.h"
#include "cpu/half_product.h"

enum { KIND = 5 };

typedef struct packed {
    yo_derived derived;
    yo_half_right right;
} packed;

static void release(yo_derived *derived)
{
    packed *weight = (packed *)derived;
    yo_memory_give(weight->right.block, weight->right.bytes);
    free(weight);
}

static yoso_status pack(yo_derived **out, const yo_view *source)
{
    packed *weight = calloc(1, sizeof *weight);
    if (!weight)
        return yo_fail(YOSO_NO_MEMORY, "linear: out of memory");
    weight->derived.release = release;
    weight->derived.kind = KIND;
    yo_half_factor columns = yo_half_factor_of(source);
    yoso_status status = YO_CPU(half_right)(&weight->right, &columns);
    if (status != YOSO_OK) {
        free(weight);
        return status;
    }
    *out = &weight->derived;
    return YOSO_OK;
}

yoso_status YO_CPU(half_linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation)
{
    yo_derived *derived;
    if (yo_view_count(out) == 0)
        return YOSO_OK;
    YO_TRY(yo_derived_find(&derived, weight, KIND, pack));
    yo_half_job job = {.out = out,
                       .bias = bias,
                       .a = yo_half_factor_of(x),
                       .right = &((packed *)derived)->right,
                       .activation = activation};
    return YO_CPU(half_multiply)(&job);
}
