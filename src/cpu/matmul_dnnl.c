/* Strided products and linear layers with a packed weight, by oneDNN. */
#include "cpu/matmul_dnnl.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "cpu/dnnl_product.h"

typedef struct packed_weight {
    yo_derived derived;
    int32_t dtype;
    void *bytes;
    size_t size;
    yo_packed_b b;
} packed_weight;

bool yo_dnnl_has_int8(void)
{
    return __builtin_cpu_supports("avx512vnni");
}

/* A stride that repeats becomes a size of 1, which oneDNN broadcasts. */
static void describe_operand(int64_t *size, int64_t *stride, const yo_view *view)
{
    for (int i = 0; i < 3; i++) {
        size[i] = view->shape[i];
        stride[i] = view->stride[i];
    }
    if (view->stride[0] == 0)
        size[0] = 1;
    if (size[0] == 1)
        stride[0] = size[1] * size[2];
    /* A dimension of one element may say any stride; oneDNN likes the dense one. */
    if (size[1] == 1)
        stride[1] = stride[2] == 1 ? size[2] : 1;
    if (size[2] == 1)
        stride[2] = stride[1] == 1 && size[1] > 1 ? size[1] : 1;
}

yoso_status yo_dnnl_matmul(const yo_view *out, const yo_view *a, const yo_view *b)
{
    yo_product_key key;
    memset(&key, 0, sizeof key);
    key.dtype = a->dtype;
    key.threads = yo_dnnl_threads();
    describe_operand(key.a_size, key.a_stride, a);
    describe_operand(key.b_size, key.b_stride, b);
    describe_operand(key.out_size, key.out_stride, out);
    return yo_product_run(&key, out, a, b->data, NULL, NULL);
}

/* -- Packed weights --------------------------------------------------------------------------- */

static void linear_key(yo_product_key *key, int32_t dtype, int64_t m, int64_t n, int64_t k)
{
    memset(key, 0, sizeof *key);
    key->dtype = dtype;
    key->has_packed = 1;
    key->threads = yo_dnnl_threads();
    key->a_size[1] = key->out_size[1] = m;
    key->a_size[2] = key->b_size[1] = key->a_stride[1] = k;
    key->out_size[2] = key->b_size[2] = key->out_stride[1] = n;
    key->a_stride[2] = key->out_stride[2] = 1;
}

static void release_packed(yo_derived *derived)
{
    packed_weight *packed = (packed_weight *)derived;
    if (packed->b.memory)
        dnnl_memory_destroy(packed->b.memory);
    yo_dnnl_drop(&packed->b.desc);
    yo_memory_give(packed->bytes, packed->size);
    free(packed);
}

static yoso_status reorder(const packed_weight *packed, const yo_view *weight, dnnl_engine_t engine,
                           dnnl_stream_t stream)
{
    yo_dnnl_desc plain;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t source = NULL;
    int64_t size[2] = {weight->shape[1], weight->shape[0]};
    int64_t stride[2] = {weight->stride[1], weight->stride[0]};
    YO_TRY_DNNL(yo_dnnl_strided(&plain, 2, size, yo_product_types_of(packed->dtype).b, stride),
                "array");
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(
        &desc, yo_dnnl_ref(&plain), engine, yo_dnnl_ref(&packed->b.desc), engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&primitive, desc);
    if (status == dnnl_success)
        status = dnnl_memory_create(&source, yo_dnnl_ref(&plain), engine, weight->data);
    if (status == dnnl_success) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, packed->b.memory}};
        status = dnnl_primitive_execute(primitive, stream, 2, arguments);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(stream);
    if (source)
        dnnl_memory_destroy(source);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    yo_dnnl_drop(&plain);
    return yo_dnnl_check(status, "reorder");
}

/* The layout does not depend on the number of rows that the products will have. */
static yoso_status fill_packed(packed_weight *packed, const yo_view *weight)
{
    enum { TYPICAL_ROWS = 512 };
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    yo_product_key key;
    linear_key(&key, weight->dtype, TYPICAL_ROWS, weight->shape[0], weight->shape[1]);
    YO_TRY(yo_dnnl_place(&engine, &stream));
    YO_TRY(yo_product_layout(&packed->b.desc, &key));
    size_t size = dnnl_memory_desc_get_size(yo_dnnl_ref(&packed->b.desc));
    YO_TRY(yo_memory_take(&packed->bytes, size));
    packed->size = size;
    YO_TRY_DNNL(
        dnnl_memory_create(&packed->b.memory, yo_dnnl_ref(&packed->b.desc), engine, packed->bytes),
        "memory");
    return reorder(packed, weight, engine, stream);
}

yoso_status yo_dnnl_pack(yo_derived **out, const yo_view *weight)
{
    packed_weight *packed = calloc(1, sizeof *packed);
    if (!packed)
        return yo_fail(YOSO_NO_MEMORY, "linear: out of memory");
    packed->dtype = weight->dtype;
    packed->derived.release = release_packed;
    int before = yo_dnnl_enter_threads();
    yoso_status status = fill_packed(packed, weight);
    yo_dnnl_leave_threads(before);
    if (status != YOSO_OK) {
        release_packed(&packed->derived);
        return status;
    }
    *out = &packed->derived;
    return YOSO_OK;
}

yoso_status yo_dnnl_linear(const yo_view *out, const yo_view *x, const yo_derived *derived,
                           const yo_view *bias, int32_t activation)
{
    const packed_weight *packed = (const packed_weight *)derived;
    yo_product_key key;
    linear_key(&key, packed->dtype, out->shape[0], out->shape[1], x->shape[1]);
    key.has_bias = bias != NULL;
    key.activation = activation;
    return yo_product_run(&key, out, x, NULL, &packed->b, bias);
}
