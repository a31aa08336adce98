/* Matrix products as oneDNN's primitives: what describes one, and running it. Shared by the two
 * kinds of products in matmul_dnnl.c; nothing else knows oneDNN. */
#ifndef YO_CPU_DNNL_PRODUCT_H
#define YO_CPU_DNNL_PRODUCT_H

#include "core/status.h"
#include "cpu/dnnl_versions.h"
#include "kernels.h"

/* Everything that the generated code depends on. Zeroed before it is filled: compared by bytes. */
typedef struct yo_product_key {
    int32_t dtype, activation, has_bias, has_packed, threads, unused;
    int64_t a_size[3], b_size[3], out_size[3];
    int64_t a_stride[3], b_stride[3], out_stride[3];
} yo_product_key;

/* The element types of a product's a, b and out. */
typedef struct yo_product_types {
    dnnl_data_type_t a, b, out;
} yo_product_types;
yo_product_types yo_product_types_of(int32_t dtype);

/* A b that was packed before. */
typedef struct yo_packed_b {
    yo_dnnl_desc desc;
    dnnl_memory_t memory;
} yo_packed_b;

/* YOSO_OK, or the failure of the oneDNN function that `what` names. */
yoso_status yo_dnnl_check(dnnl_status_t status, const char *what);
#define YO_TRY_DNNL(call, what) YO_TRY(yo_dnnl_check((call), (what)))

/* The engine, and this thread's stream. */
yoso_status yo_dnnl_place(dnnl_engine_t *engine, dnnl_stream_t *stream);

/* oneDNN asks OpenMP for the number of threads: ours between these two, the caller's afterwards. */
int yo_dnnl_enter_threads(void);
void yo_dnnl_leave_threads(int before);
/* How many it will use when called here. */
int yo_dnnl_threads(void);

/* The layout of b that oneDNN likes best for this product, to be dropped by the caller. */
yoso_status yo_product_layout(yo_dnnl_desc *layout, const yo_product_key *key);

/* Runs the product; b is b_data, or packed where that is not NULL. */
yoso_status yo_product_run(const yo_product_key *key, const yo_view *out, const yo_view *a,
                           void *b_data, const yo_packed_b *packed, const yo_view *bias);

#endif
