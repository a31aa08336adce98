/* Matrix products by oneDNN. A product of given shapes, strides, dtype and thread count is a
 * primitive whose code oneDNN generates in half a millisecond; each thread keeps the latest
 * PRODUCTS of them. Scratch comes from our allocator, so a steady state allocates nothing. */
#include "cpu/matmul_dnnl.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/status.h"
#include "core/threads.h"
#include "cpu/dnnl_versions.h"

enum { PRODUCTS = 256 };

/* Everything that the generated code depends on. Zeroed before it is filled: compared by bytes. */
typedef struct product_key {
    int32_t dtype, activation, has_bias, has_packed, threads, unused;
    int64_t a_size[3], b_size[3], out_size[3];
    int64_t a_stride[3], b_stride[3], out_stride[3];
} product_key;

typedef struct product {
    product_key key;
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

typedef struct packed_weight {
    yo_derived derived;
    int32_t dtype;
    void *bytes;
    size_t size;
    yo_dnnl_desc desc;
    dnnl_memory_t memory;
} packed_weight;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static pthread_key_t workplace_key;
static dnnl_status_t engine_status;

static yoso_status check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return YOSO_OK;
    if (status == dnnl_out_of_memory)
        return yo_fail(YOSO_NO_MEMORY, "matmul: out of memory in oneDNN's %s", what);
    return yo_fail(YOSO_UNSUPPORTED, "matmul: oneDNN's %s failed with status %d", what,
                   (int)status);
}
#define TRY_DNNL(call, what) YO_TRY(check((call), (what)))

bool yo_dnnl_has_bf16(void)
{
    return __builtin_cpu_supports("avx512bf16");
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
    TRY_DNNL(engine_status, "engine");
    workplace *place = pthread_getspecific(workplace_key);
    if (!place) {
        place = calloc(1, sizeof *place);
        if (!place)
            return yo_fail(YOSO_NO_MEMORY, "matmul: out of memory");
        yoso_status status =
            check(dnnl_stream_create(&place->stream, engine, dnnl_stream_default_flags), "stream");
        if (status != YOSO_OK) {
            free(place);
            return status;
        }
        pthread_setspecific(workplace_key, place);
    }
    *out = place;
    return YOSO_OK;
}

static dnnl_data_type_t type_of(int32_t dtype)
{
    return dtype == YOSO_BF16 ? dnnl_bf16 : dnnl_f32;
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
static yoso_status describe(product_descs *d, const product_key *key, yo_dnnl_desc_ref packed)
{
    dnnl_data_type_t type = type_of(key->dtype);
    int skip = key->has_packed ? 1 : 0, ndim = 3 - skip;
    TRY_DNNL(yo_dnnl_strided(&d->a, ndim, key->a_size + skip, type, key->a_stride + skip), "array");
    TRY_DNNL(yo_dnnl_strided(&d->out, ndim, key->out_size + skip, type, key->out_stride + skip),
             "array");
    if (packed)
        TRY_DNNL(yo_dnnl_clone(&d->b, packed), "array");
    else if (key->has_packed)
        TRY_DNNL(yo_dnnl_any(&d->b, ndim, key->b_size + skip, type), "array");
    else
        TRY_DNNL(yo_dnnl_strided(&d->b, ndim, key->b_size, type, key->b_stride), "array");
    if (key->has_bias) {
        int64_t size[2] = {1, key->out_size[2]}, stride[2] = {key->out_size[2], 1};
        TRY_DNNL(yo_dnnl_strided(&d->bias, 2, size, type, stride), "array");
    }
    TRY_DNNL(dnnl_primitive_attr_create(&d->attributes), "attributes");
    TRY_DNNL(dnnl_primitive_attr_set_scratchpad_mode(d->attributes, dnnl_scratchpad_mode_user),
             "attributes");
    TRY_DNNL(describe_activation(d->attributes, key->activation), "activation");
    return check(yo_dnnl_product(&d->product, engine, yo_dnnl_ref(&d->a), yo_dnnl_ref(&d->b),
                                 key->has_bias ? yo_dnnl_ref(&d->bias) : NULL, yo_dnnl_ref(&d->out),
                                 d->attributes),
                 "product");
}

static yoso_status fill_product(product *p, product_descs *d, yo_dnnl_desc_ref packed)
{
    YO_TRY(describe(d, &p->key, packed));
    if (packed)
        TRY_DNNL(yo_dnnl_clone(&p->packed, packed), "array");
    TRY_DNNL(dnnl_primitive_create(&p->primitive, d->product), "primitive");
    TRY_DNNL(dnnl_memory_create(&p->a, yo_dnnl_ref(&d->a), engine, NULL), "memory");
    if (!packed)
        TRY_DNNL(dnnl_memory_create(&p->b, yo_dnnl_ref(&d->b), engine, NULL), "memory");
    if (p->key.has_bias)
        TRY_DNNL(dnnl_memory_create(&p->bias, yo_dnnl_ref(&d->bias), engine, NULL), "memory");
    TRY_DNNL(dnnl_memory_create(&p->out, yo_dnnl_ref(&d->out), engine, NULL), "memory");
    yo_dnnl_desc_ref scratch =
        dnnl_primitive_desc_query_md(d->product, dnnl_query_scratchpad_md, 0);
    p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
    return check(dnnl_memory_create(&p->scratch, scratch, engine, NULL), "memory");
}

static yoso_status make_product(product **out, const product_key *key, yo_dnnl_desc_ref packed)
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

static uint64_t hash_of(const product_key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)], hash = 0xcbf29ce484222325u;
    memcpy(words, key, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        hash = (hash ^ words[i]) * 0x100000001b3u + (hash >> 29);
    return hash;
}
_Static_assert(sizeof(product_key) % sizeof(uint64_t) == 0, "the key is hashed by words");

static bool fits(const product *p, const product_key *key, yo_dnnl_desc_ref packed)
{
    return memcmp(&p->key, key, sizeof *key) == 0 &&
           (!packed || dnnl_memory_desc_equal(yo_dnnl_ref(&p->packed), packed));
}

/* The product for this key, from the workplace or new in place of the one unused longest. */
static yoso_status find_product(product **out, workplace *place, const product_key *key,
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
    return check(status, "execution");
}

/* oneDNN asks OpenMP for the number of threads: ours while it works, the caller's afterwards. */
static int enter_threads(void)
{
    int before = omp_get_max_threads();
    if (before != yo_threads())
        omp_set_num_threads(yo_threads());
    return before;
}

static void leave_threads(int before)
{
    if (before != yo_threads())
        omp_set_num_threads(before);
}

static int thread_count(void)
{
    return omp_in_parallel() ? 1 : yo_threads();
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

static yoso_status matmul(workplace *place, const product_key *key, const yo_view *out,
                          const yo_view *a, const yo_view *b)
{
    product *p;
    YO_TRY(find_product(&p, place, key, NULL));
    return execute(place, p, out, a, b->data, NULL, NULL);
}

yoso_status yo_dnnl_matmul(const yo_view *out, const yo_view *a, const yo_view *b)
{
    workplace *place;
    YO_TRY(find_workplace(&place));
    product_key key;
    memset(&key, 0, sizeof key);
    key.dtype = a->dtype;
    key.threads = thread_count();
    describe_operand(key.a_size, key.a_stride, a);
    describe_operand(key.b_size, key.b_stride, b);
    describe_operand(key.out_size, key.out_stride, out);
    int before = enter_threads();
    yoso_status status = matmul(place, &key, out, a, b);
    leave_threads(before);
    return status;
}

/* -- Packed weights --------------------------------------------------------------------------- */

static void linear_key(product_key *key, int32_t dtype, int64_t m, int64_t n, int64_t k)
{
    memset(key, 0, sizeof *key);
    key->dtype = dtype;
    key->has_packed = 1;
    key->threads = thread_count();
    key->a_size[1] = key->out_size[1] = m;
    key->a_size[2] = key->b_size[1] = key->a_stride[1] = k;
    key->out_size[2] = key->b_size[2] = key->out_stride[1] = n;
    key->a_stride[2] = key->out_stride[2] = 1;
}

static void release_packed(yo_derived *derived)
{
    packed_weight *packed = (packed_weight *)derived;
    if (packed->memory)
        dnnl_memory_destroy(packed->memory);
    yo_dnnl_drop(&packed->desc);
    yo_memory_give(packed->bytes, packed->size);
    free(packed);
}

static yoso_status reorder(workplace *place, const packed_weight *packed, const yo_view *weight)
{
    yo_dnnl_desc plain;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t source = NULL;
    int64_t size[2] = {weight->shape[1], weight->shape[0]};
    int64_t stride[2] = {weight->stride[1], weight->stride[0]};
    TRY_DNNL(yo_dnnl_strided(&plain, 2, size, type_of(weight->dtype), stride), "array");
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(
        &desc, yo_dnnl_ref(&plain), engine, yo_dnnl_ref(&packed->desc), engine, NULL);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&primitive, desc);
    if (status == dnnl_success)
        status = dnnl_memory_create(&source, yo_dnnl_ref(&plain), engine, weight->data);
    if (status == dnnl_success) {
        dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, packed->memory}};
        status = dnnl_primitive_execute(primitive, place->stream, 2, arguments);
    }
    if (status == dnnl_success)
        status = dnnl_stream_wait(place->stream);
    if (source)
        dnnl_memory_destroy(source);
    if (primitive)
        dnnl_primitive_destroy(primitive);
    if (desc)
        dnnl_primitive_desc_destroy(desc);
    yo_dnnl_drop(&plain);
    return check(status, "reorder");
}

/* The layout that oneDNN likes best for this weight; it does not depend on the row count. */
static yoso_status choose_layout(packed_weight *packed, const yo_view *weight)
{
    enum { TYPICAL_ROWS = 512 };
    product_key key;
    linear_key(&key, weight->dtype, TYPICAL_ROWS, weight->shape[0], weight->shape[1]);
    product_descs descs = {0};
    yoso_status status = describe(&descs, &key, NULL);
    if (status == YOSO_OK)
        status = check(yo_dnnl_clone(&packed->desc, dnnl_primitive_desc_query_md(
                                                        descs.product, dnnl_query_weights_md, 0)),
                       "array");
    free_descs(&descs);
    return status;
}

static yoso_status fill_packed(workplace *place, packed_weight *packed, const yo_view *weight)
{
    YO_TRY(choose_layout(packed, weight));
    size_t size = dnnl_memory_desc_get_size(yo_dnnl_ref(&packed->desc));
    YO_TRY(yo_memory_take(&packed->bytes, size));
    packed->size = size;
    TRY_DNNL(dnnl_memory_create(&packed->memory, yo_dnnl_ref(&packed->desc), engine, packed->bytes),
             "memory");
    return reorder(place, packed, weight);
}

yoso_status yo_dnnl_pack(yo_derived **out, const yo_view *weight)
{
    workplace *place;
    YO_TRY(find_workplace(&place));
    packed_weight *packed = calloc(1, sizeof *packed);
    if (!packed)
        return yo_fail(YOSO_NO_MEMORY, "linear: out of memory");
    packed->dtype = weight->dtype;
    packed->derived.release = release_packed;
    int before = enter_threads();
    yoso_status status = fill_packed(place, packed, weight);
    leave_threads(before);
    if (status != YOSO_OK) {
        release_packed(&packed->derived);
        return status;
    }
    *out = &packed->derived;
    return YOSO_OK;
}

static yoso_status linear(workplace *place, const product_key *key, const yo_view *out,
                          const yo_view *x, const packed_weight *packed, const yo_view *bias)
{
    product *p;
    YO_TRY(find_product(&p, place, key, yo_dnnl_ref(&packed->desc)));
    return execute(place, p, out, x, NULL, packed->memory, bias);
}

yoso_status yo_dnnl_linear(const yo_view *out, const yo_view *x, const yo_derived *derived,
                           const yo_view *bias, int32_t activation)
{
    const packed_weight *packed = (const packed_weight *)derived;
    workplace *place;
    YO_TRY(find_workplace(&place));
    product_key key;
    linear_key(&key, packed->dtype, out->shape[0], out->shape[1], x->shape[1]);
    key.has_bias = bias != NULL;
    key.activation = activation;
    int before = enter_threads();
    yoso_status status = linear(place, &key, out, x, packed, bias);
    leave_threads(before);
    return status;
}
