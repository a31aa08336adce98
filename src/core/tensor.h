/* Tensors inside the library: a reference-counted storage and views of it.
 * Operations read the fields; only tensor.c writes them. */
#ifndef YO_CORE_TENSOR_H
#define YO_CORE_TENSOR_H

#include <stdatomic.h>

#include "core/derived.h"
#include "core/dtype.h"
#include "core/shape.h"
#include "core/status.h"
#include "kernels.h"

typedef struct yo_storage {
    atomic_int references;
    int32_t device;
    _Atomic int64_t version;
    void *data;
    size_t bytes;
    /* Who gives the bytes back: NULL for the device's allocator (yo_backend_give). */
    void (*release)(void *owner);
    void *owner;
    yo_derived *derived; /* see derived.h */
} yo_storage;

struct yoso_tensor {
    yo_storage *storage;
    int32_t dtype;
    int32_t ndim;
    int64_t offset; /* elements */
    int64_t shape[YOSO_MAX_DIMS];
    int64_t stride[YOSO_MAX_DIMS]; /* elements */
};

/* A tensor on bytes of a privately mapped file: `release(owner)` runs with the last view. The data
 * must be aligned for dtype. On failure nothing is released. */
yoso_status yo_tensor_adopt(yoso_tensor **out, int32_t dtype, int32_t ndim, const int64_t *shape,
                            void *data, size_t bytes, void (*release)(void *owner), void *owner);

/* A contiguous tensor like `like` in device, with the given dtype and shape. */
yoso_status yo_tensor_like(yoso_tensor **out, const yoso_tensor *like, int32_t dtype, int32_t ndim,
                           const int64_t *shape);

/* What kernels see: the first element, dtype, shape and strides. */
yo_view yo_tensor_as_view(const yoso_tensor *tensor);

/* A weight as kernels see it: its view and where what is derived from it is kept. */
yo_weight yo_tensor_as_weight(const yoso_tensor *tensor);

/* The view broadcast to shape: stride 0 where the size is 1. The shapes must broadcast. */
yo_view yo_tensor_as_broadcast_view(const yoso_tensor *tensor, int32_t ndim, const int64_t *shape);

/* First element, typed by the caller. */
static inline void *yo_tensor_data(const yoso_tensor *tensor)
{
    return (char *)tensor->storage->data + tensor->offset * (int64_t)yoso_dtype_size(tensor->dtype);
}

/* The shape of a tensor as text, for messages: yo_text(t).text. */
static inline yo_shape_text yo_text(const yoso_tensor *tensor)
{
    return yo_shape_to_text(tensor->ndim, tensor->shape);
}

#endif
