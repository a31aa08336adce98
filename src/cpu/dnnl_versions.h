/* The two programming interfaces of oneDNN, 2.x and 3.x, as one: descriptors of arrays, of matrix
 * products and of reorders. Included by dnnl_product.h only. All functions return dnnl_status_t. */
#ifndef YO_CPU_DNNL_VERSIONS_H
#define YO_CPU_DNNL_VERSIONS_H

#include <dnnl.h>
#include <string.h>

/* oneDNN's functions want arrays of DNNL_MAX_NDIMS sizes. */
static inline const int64_t *yo_dnnl_widen(dnnl_dims_t wide, int ndim, const int64_t *narrow)
{
    memset(wide, 0, sizeof(dnnl_dims_t));
    memcpy(wide, narrow, (size_t)ndim * sizeof narrow[0]);
    return wide;
}

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t yo_dnnl_desc; /* owned: give it back with yo_dnnl_drop */
typedef const_dnnl_memory_desc_t yo_dnnl_desc_ref;

static inline yo_dnnl_desc_ref yo_dnnl_ref(const yo_dnnl_desc *desc)
{
    return *desc;
}

static inline dnnl_status_t yo_dnnl_strided(yo_dnnl_desc *desc, int ndim, const int64_t *dims,
                                            dnnl_data_type_t type, const int64_t *strides)
{
    dnnl_dims_t d, s;
    return dnnl_memory_desc_create_with_strides(desc, ndim, yo_dnnl_widen(d, ndim, dims), type,
                                                yo_dnnl_widen(s, ndim, strides));
}

/* The layout is left to oneDNN. */
static inline dnnl_status_t yo_dnnl_any(yo_dnnl_desc *desc, int ndim, const int64_t *dims,
                                        dnnl_data_type_t type)
{
    dnnl_dims_t d;
    return dnnl_memory_desc_create_with_tag(desc, ndim, yo_dnnl_widen(d, ndim, dims), type,
                                            dnnl_format_tag_any);
}

static inline dnnl_status_t yo_dnnl_clone(yo_dnnl_desc *desc, yo_dnnl_desc_ref source)
{
    return dnnl_memory_desc_clone(desc, source);
}

static inline void yo_dnnl_drop(yo_dnnl_desc *desc)
{
    if (*desc)
        dnnl_memory_desc_destroy(*desc);
}

static inline dnnl_status_t yo_dnnl_product(dnnl_primitive_desc_t *product, dnnl_engine_t engine,
                                            yo_dnnl_desc_ref a, yo_dnnl_desc_ref b,
                                            yo_dnnl_desc_ref bias, yo_dnnl_desc_ref out,
                                            const_dnnl_primitive_attr_t attributes)
{
    return dnnl_matmul_primitive_desc_create(product, engine, a, b, bias, out, attributes);
}

static inline dnnl_status_t yo_dnnl_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind)
{
    return dnnl_post_ops_append_eltwise(ops, kind, 0.0f, 0.0f);
}

#else

typedef dnnl_memory_desc_t yo_dnnl_desc;
typedef const dnnl_memory_desc_t *yo_dnnl_desc_ref;

static inline yo_dnnl_desc_ref yo_dnnl_ref(const yo_dnnl_desc *desc)
{
    return desc;
}

static inline dnnl_status_t yo_dnnl_strided(yo_dnnl_desc *desc, int ndim, const int64_t *dims,
                                            dnnl_data_type_t type, const int64_t *strides)
{
    dnnl_dims_t d, s;
    return dnnl_memory_desc_init_by_strides(desc, ndim, yo_dnnl_widen(d, ndim, dims), type,
                                            yo_dnnl_widen(s, ndim, strides));
}

/* The layout is left to oneDNN. */
static inline dnnl_status_t yo_dnnl_any(yo_dnnl_desc *desc, int ndim, const int64_t *dims,
                                        dnnl_data_type_t type)
{
    dnnl_dims_t d;
    return dnnl_memory_desc_init_by_tag(desc, ndim, yo_dnnl_widen(d, ndim, dims), type,
                                        dnnl_format_tag_any);
}

static inline dnnl_status_t yo_dnnl_clone(yo_dnnl_desc *desc, yo_dnnl_desc_ref source)
{
    *desc = *source;
    return dnnl_success;
}

static inline void yo_dnnl_drop(yo_dnnl_desc *desc)
{
    (void)desc;
}

static inline dnnl_status_t yo_dnnl_product(dnnl_primitive_desc_t *product, dnnl_engine_t engine,
                                            yo_dnnl_desc_ref a, yo_dnnl_desc_ref b,
                                            yo_dnnl_desc_ref bias, yo_dnnl_desc_ref out,
                                            const_dnnl_primitive_attr_t attributes)
{
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = dnnl_matmul_desc_init(&desc, a, b, bias, out);
    return status != dnnl_success
               ? status
               : dnnl_primitive_desc_create(product, &desc, attributes, engine, NULL);
}

static inline dnnl_status_t yo_dnnl_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, 0.0f, 0.0f);
}

#endif
#endif
