/* Linear layers on AMX tiles. A weight is packed once; the packed copy stays beside its storage. */
#include <stdlib.h>

#include "core/memory.h"
#include "cpu/amx_finish.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { FIRST_KIND = 16 }; /* of derived data: other makers are below */

typedef struct packed_weight {
    yo_derived derived;
    yo_amx_right right;
} packed_weight;

/* -- Packing --------------------------------------------------------------------------------------
 */

static void release(yo_derived *derived)
{
    packed_weight *packed = (packed_weight *)derived;
    YO_CPU(amx_free_right)(&packed->right);
    free(packed);
}

static yoso_status pack_factor(yo_derived **out, const yo_factor *factor, yo_amx_kind kind)
{
    packed_weight *packed = calloc(1, sizeof *packed);
    if (!packed)
        return yo_fail(YOSO_NO_MEMORY, "linear: out of memory");
    yoso_status status = YO_CPU(amx_pack_right)(&packed->right, kind, factor);
    if (status != YOSO_OK) {
        free(packed);
        return status;
    }
    packed->derived.kind = FIRST_KIND + (int32_t)kind;
    packed->derived.release = release;
    *out = &packed->derived;
    return YOSO_OK;
}

/* Bytes are rounded along K; the other kinds are packed from either order. */
static yoso_status pack(yo_derived **out, const yo_view *weight, yo_amx_kind kind)
{
    yo_factor factor = yo_factor_of(weight);
    if (factor.depth_stride == 1 || (factor.row_stride == 1 && kind != YO_AMX_INT8))
        return pack_factor(out, &factor, kind);
    size_t bytes = (size_t)yo_view_count(weight) * (size_t)yoso_dtype_size(weight->dtype);
    yo_view copy = *weight;
    copy.stride[0] = weight->shape[1];
    copy.stride[1] = 1;
    YO_TRY(yo_memory_take(&copy.data, bytes));
    yoso_status status = YO_CPU(copy)(&copy, weight, NULL);
    factor = yo_factor_of(&copy);
    if (status == YOSO_OK)
        status = pack_factor(out, &factor, kind);
    yo_memory_give(copy.data, bytes);
    return status;
}

static yoso_status pack_bf16(yo_derived **out, const yo_view *weight)
{
    return pack(out, weight, YO_AMX_BF16);
}

static yoso_status pack_f32(yo_derived **out, const yo_view *weight)
{
    return pack(out, weight, YO_AMX_F32);
}

static yoso_status pack_int8(yo_derived **out, const yo_view *weight)
{
    return pack(out, weight, YO_AMX_INT8);
}

static yoso_status find_packed(const yo_amx_right **right, const yo_weight *weight,
                               yo_amx_kind kind)
{
    static const yo_derived_make makers[] = {
        [YO_AMX_BF16] = pack_bf16, [YO_AMX_F32] = pack_f32, [YO_AMX_INT8] = pack_int8};
    yo_derived *derived;
    YO_TRY(yo_derived_find(&derived, weight, FIRST_KIND + (int32_t)kind, makers[kind]));
    *right = &((const packed_weight *)derived)->right;
    return YOSO_OK;
}

/* -- The layer ------------------------------------------------------------------------------------
 */

/* Floats of a vector, with zeros behind up to `room`; NULL stays NULL. */
static const float *load_vector(float *to, const yo_view *vector, int64_t n, int64_t room)
{
    if (!vector)
        return NULL;
    yo_load_floats(to, vector->data, 0, 1, vector->dtype, n);
    memset(to + n, 0, (size_t)(room - n) * sizeof *to);
    return to;
}

yoso_status YO_CPU(amx_linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                               const yo_view *bias, int32_t activation, const yo_norm *norm,
                               bool int8)
{
    yo_amx_kind kind = int8 ? YO_AMX_INT8 : x->dtype == YOSO_BF16 ? YO_AMX_BF16 : YO_AMX_F32;
    const yo_amx_right *right;
    YO_TRY(find_packed(&right, weight, kind));
    int64_t n = right->rows, room = (n + YO_AMX_BLOCK - 1) / YO_AMX_BLOCK * YO_AMX_BLOCK;
    size_t bytes = 3 * (size_t)room * sizeof(float);
    float *vectors;
    YO_TRY(yo_memory_take((void **)&vectors, bytes));
    yo_amx_finish finish = {.out = out,
                            .kind = kind,
                            .bias = load_vector(vectors, bias, n, room),
                            .scale = right->scale,
                            .activation = activation};
    if (activation == YOSO_ACT_GELU)
        finish.pieces = yo_gelu_pieces(kind == YO_AMX_F32 ? YO_GELU_F32_DEGREE : YO_GELU_DEGREE);
    if (norm) {
        finish.norm_weight = load_vector(vectors + room, norm->weight, n, room);
        finish.norm_bias = load_vector(vectors + 2 * room, norm->bias, n, room);
        finish.residual = norm->residual;
        finish.eps = (float)norm->eps;
    }
    yo_factor left = yo_factor_of(x);
    yoso_status status = YO_CPU(amx_product)(&left, right, &finish);
    yo_memory_give(vectors, bytes);
    return status;
}
