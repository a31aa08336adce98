/* Products by oneDNN. A product of given shapes, strides, dtype and thread count is a primitive
 * whose code oneDNN generates in half a millisecond; each thread keeps the latest PRODUCTS of
 * them. Scratch comes from our allocator, so a steady state allocates nothing. */
#include "cpu/dnnl_product.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/threads.h"
#include "cpu/matmul_dnnl.h"

enum { PRODUCTS = 256 };

typedef struct product {
    yo_product_key key;
    dnnl_primitive_t primitive;
    dnnl_memory_t a, b, bias, out, scratch; /* b is NULL with a packed weight */
    size_t scratch_bytes;
    yo_dnnl_desc packed; /* with has_packed: the layout it was made for */
} product;

typedef struct workplace {
    dnnl_stream_t stream;
    int64_t uses;
    int count;
    uint64_t hash[PRODUCTS];
    int64_t last_use[PRODUCTS];
    product *products[PRODUCTS];
} workplace;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static pthread_key_t workplace_key;
static dnnl_status_t engine_status;

yoso_status yo_dnnl_check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return YOSO_OK;
    if (status == dnnl_out_of_memory)
        return yo_fail(YOSO_NO_MEMORY, "matmul: out of memory in oneDNN's %s", what);
    return yo_fail(YOSO_UNSUPPORTED, "matmul: oneDNN's %s failed with status %d", what,
                   (int)status);
}

/* -- Products ------------------------------------------------------------------------------- */

static void free_product(product *p)
{
    if (!p)
        return;
    dnnl_memory_t memories[] = {p->a, p->b, p->bias, p->out, p->scratch};
    for (size_t i = 0; i < sizeof memories / sizeof memories[0]; i++)
        if (memories[i])
            dnnl_memory_destroy(memories[i]);
    if (p->primitive)
        dnnl_primitive_destroy(p->primitive);
    yo_dnnl_drop(&p->packed);
    free(p);
}

static void free_workplace(void *pointer)
{
    workplace *place = pointer;
    for (int i = 0; i < place->count; i++)
        free_product(place->products[i]);
    dnnl_stream_destroy(place->stream);
    free(place);
}

static void start(void)
{
    engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0);
    pthread_key_create(&workplace_key, free_workplace);
}

static yoso_status find_workplace(workplace **out)
{
    pthread_once(&once, start);
    YO_TRY_DNNL(engine_status, "engine");
    workplace *place = pthread_getspecific(workplace_key);
    if (!place) {
        place = calloc(1, sizeof *place);
        if (!place)
            return yo_fail(YOSO_NO_MEMORY, "matmul: out of memory");
        yoso_status status = yo_dnnl_check(
            dnnl_stream_create(&place->stream, engine, dnnl_stream_default_flags), "stream");
        if (status != YOSO_OK) {
            free(place);
            return status;
        }
        pthread_setspecific(workplace_key, place);
    }
    *out = place;
    return YOSO_OK;
}

yo_product_types yo_product_types_of(int32_t dtype)
{
    switch (dtype) {
    case YO_DNNL_INT8:
        return (yo_product_types){dnnl_u8, dnnl_s8, dnnl_s32};
    case YOSO_BF16:
        return (yo_product_types){dnnl_bf16, dnnl_bf16, dnnl_bf16};
    default:
        return (yo_product_types){dnnl_f32, dnnl_f32, dnnl_f32};
    }
}

static dnnl_status_t describe_activation(dnnl_primitive_attr_t attributes, int32_t activation)
{
    static const dnnl_alg_kind_t kinds[] = {
        [YOSO_ACT_GELU] = dnnl_eltwise_gelu_erf,
        [YOSO_ACT_RELU] = dnnl_eltwise_relu,
        [YOSO_ACT_TANH] = dnnl_eltwise_tanh,
    };
    if (activation == YOSO_ACT_NONE)
        return dnnl_success;
    dnnl_post_ops_t ops;
    dnnl_status_t status = dnnl_post_ops_create(&ops);
    if (status != dnnl_success)
        return status;
    status = yo_dnnl_eltwise(ops, kinds[activation]);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attributes, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

typedef struct product_descs {
    yo_dnnl_desc a, b, bias, out;
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t product;
} product_descs;

static void free_descs(product_descs *d)
{
    if (d->product)
        dnnl_primitive_desc_destroy(d->product);
    if (d->attributes)
        dnnl_primitive_attr_destroy(d->attributes);
    yo_dnnl_drop(&d->a);
    yo_dnnl_drop(&d->b);
    yo_dnnl_drop(&d->bias);
    yo_dnnl_drop(&d->out);
}

/* Linear layers are plain two-dimensional products: dimension 0 of the key's three is dropped. */
static yoso_status describe(product_descs *d, const yo_product_key *key, yo_dnnl_desc_ref packed)
{
    yo_product_types type = yo_product_types_of(key->dtype);
    int skip = key->has_packed ? 1 : 0, ndim = 3 - skip;
    YO_TRY_DNNL(yo_dnnl_strided(&d->a, ndim, key->a_size + skip, type.a, key->a_stride + skip),
                "array");
    YO_TRY_DNNL(
        yo_dnnl_strided(&d->out, ndim, key->out_size + skip, type.out, key->out_stride + skip),
        "array");
    if (packed)
        YO_TRY_DNNL(yo_dnnl_clone(&d->b, packed), "array");
    else if (key->has_packed)
        YO_TRY_DNNL(yo_dnnl_any(&d->b, ndim, key->b_size + skip, type.b), "array");
    else
        YO_TRY_DNNL(yo_dnnl_strided(&d->b, ndim, key->b_size, type.b, key->b_stride), "array");
    if (key->has_bias) {
        int64_t size[2] = {1, key->out_size[2]}, stride[2] = {key->out_size[2], 1};
        YO_TRY_DNNL(yo_dnnl_strided(&d->bias, 2, size, type.out, stride), "array");
    }
    YO_TRY_DNNL(dnnl_primitive_attr_create(&d->attributes), "attributes");
    YO_TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(d->attributes, dnnl_scratchpad_mode_user),
                "attributes");
    YO_TRY_DNNL(describe_activation(d->attributes, key->activation), "activation");
    return yo_dnnl_check(yo_dnnl_product(&d->product, engine, yo_dnnl_ref(&d->a),
                                         yo_dnnl_ref(&d->b),
                                         key->has_bias ? yo_dnnl_ref(&d->bias) : NULL,
                                         yo_dnnl_ref(&d->out), d->attributes),
                         "product");
}

static yoso_status fill_product(product *p, product_descs *d, yo_dnnl_desc_ref packed)
{
    YO_TRY(describe(d, &p->key, packed));
    if (packed)
        YO_TRY_DNNL(yo_dnnl_clone(&p->packed, packed), "array");
    YO_TRY_DNNL(dnnl_primitive_create(&p->primitive, d->product), "primitive");
    YO_TRY_DNNL(dnnl_memory_create(&p->a, yo_dnnl_ref(&d->a), engine, NULL), "memory");
    if (!packed)
        YO_TRY_DNNL(dnnl_memory_create(&p->b, yo_dnnl_ref(&d->b), engine, NULL), "memory");
    if (p->key.has_bias)
        YO_TRY_DNNL(dnnl_memory_create(&p->bias, yo_dnnl_ref(&d->bias), engine, NULL), "memory");
    YO_TRY_DNNL(dnnl_memory_create(&p->out, yo_dnnl_ref(&d->out), engine, NULL), "memory");
    yo_dnnl_desc_ref scratch =
        dnnl_primitive_desc_query_md(d->product, dnnl_query_scratchpad_md, 0);
    p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    return yo_dnnl_check(dnnl_memory_create(&p->scratch, scratch, engine, NULL), "memory");
}

static yoso_status make_product(product **out, const yo_product_key *key, yo_dnnl_desc_ref packed)
{
    product *p = calloc(1, sizeof *p);
    if (!p)
        return yo_fail(YOSO_NO_MEMORY, "matmul: out of memory");
    p->key = *key;
    product_descs descs = {0};
    yoso_status status = fill_product(p, &descs, packed);
    free_descs(&descs);
    if (status != YOSO_OK) {
        free_product(p);
        return status;
    }
    *out = p;
    return YOSO_OK;
}

static uint64_t hash_of(const yo_product_key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)], hash = 0xcbf29ce484222325u;
    memcpy(words, key, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        hash = (hash ^ words[i]) * 0x100000001b3u + (hash >> 29);
    return hash;
}
_Static_assert(sizeof(yo_product_key) % sizeof(uint64_t) == 0, "the key is hashed by words");

static bool fits(const product *p, const yo_product_key *key, yo_dnnl_desc_ref packed)
{
    return memcmp(&p->key, key, sizeof *key) == 0 &&
           (!packed || dnnl_memory_desc_equal(yo_dnnl_ref(&p->packed), packed));
}

/* The product for this key, from the workplace or new in place of the one unused longest. */
static yoso_status find_product(product **out, workplace *place, const yo_product_key *key,
                                yo_dnnl_desc_ref packed)
{
    uint64_t hash = hash_of(key);
    int slot = 0;
    place->uses++;
    for (int i = 0; i < place->count; i++) {
        if (place->hash[i] == hash && fits(place->products[i], key, packed)) {
            place->last_use[i] = place->uses;
            *out = place->products[i];
            return YOSO_OK;
        }
        if (place->last_use[i] < place->last_use[slot])
            slot = i;
    }
    product *made;
    YO_TRY(make_product(&made, key, packed));
    if (place->count < PRODUCTS)
        slot = place->count++;
    else
        free_product(place->products[slot]);
    place->last_use[slot] = place->uses;
    place->hash[slot] = hash;
    place->products[slot] = made;
    *out = made;
    return YOSO_OK;
}

/* -- Running ---------------------------------------------------------------------------------- */

static yoso_status execute(workplace *place, product *p, const yo_view *out, const yo_view *a,
                           void *b_data, dnnl_memory_t packed, const yo_view *bias)
{
    void *scratch;
    YO_TRY(yo_memory_take(&scratch, p->scratch_bytes));
    dnnl_status_t status = dnnl_memory_set_data_handle(p->a, a->data);
    if (status == dnnl_success && p->b)
        status = dnnl_memory_set_data_handle(p->b, b_data);
    if (status == dnnl_success && bias)
        status = dnnl_memory_set_data_handle(p->bias, bias->data);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(p->out, out->data);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(p->scratch, scratch);
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, p->a},
                                   {DNNL_ARG_WEIGHTS, packed ? packed : p->b},
                                   {DNNL_ARG_DST, p->out},
                                   {DNNL_ARG_SCRATCHPAD, p->scratch},
                                   {DNNL_ARG_BIAS, p->bias}};
    if (status == dnnl_success)
        status = dnnl_primitive_execute(p->primitive, place->stream, bias ? 5 : 4, arguments);
    if (status == dnnl_success)
        status = dnnl_stream_wait(place->stream);
    yo_memory_give(scratch, p->scratch_bytes);
    return yo_dnnl_check(status, "execution");
}

int yo_dnnl_enter_threads(void)
{
    int before = omp_get_max_threads();
    if (before != yo_threads())
        omp_set_num_threads(yo_threads());
    return before;
}

void yo_dnnl_leave_threads(int before)
{
    if (before != yo_threads())
        omp_set_num_threads(before);
}

int yo_dnnl_threads(void)
{
    return omp_in_parallel() ? 1 : yo_threads();
}

yoso_status yo_dnnl_place(dnnl_engine_t *where, dnnl_stream_t *stream)
{
    workplace *place;
    YO_TRY(find_workplace(&place));
    *where = engine;
    *stream = place->stream;
    return YOSO_OK;
}

yoso_status yo_product_layout(yo_dnnl_desc *layout, const yo_product_key *key)
{
    product_descs descs = {0};
    yoso_status status = describe(&descs, key, NULL);
    if (status == YOSO_OK)
        status = yo_dnnl_check(yo_dnnl_clone(layout, dnnl_primitive_desc_query_md(
                                                         descs.product, dnnl_query_weights_md, 0)),
                               "array");
    free_descs(&descs);
    return status;
}

static yoso_status run(const yo_product_key *key, const yo_view *out, const yo_view *a,
                       void *b_data, const yo_packed_b *packed, const yo_view *bias)
{
    workplace *place;
    product *p;
    YO_TRY(find_workplace(&place));
    YO_TRY(find_product(&p, place, key, packed ? yo_dnnl_ref(&packed->desc) : NULL));
    return execute(place, p, out, a, b_data, packed ? packed->memory : NULL, bias);
}

yoso_status yo_product_run(const yo_product_key *key, const yo_view *out, const yo_view *a,
                           void *b_data, const yo_packed_b *packed, const yo_view *bias)
{
    int before = yo_dnnl_enter_threads();
    yoso_status status = run(key, out, a, b_data, packed, bias);
    yo_dnnl_leave_threads(before);
    return status;
}
