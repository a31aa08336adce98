/* Storages and views. Everything that only rearranges strides is here; what moves elements is in
 * src/ops/copy.c. */
#include "core/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "backend.h"

static void drop_storage(yo_storage *storage)
{
    if (atomic_fetch_sub_explicit(&storage->references, 1, memory_order_acq_rel) != 1)
        return;
    yo_derived_release(storage->derived);
    if (storage->release)
        storage->release(storage->owner);
    else
        yo_backend_give(storage->device, storage->data, storage->bytes);
    free(storage);
}

static yoso_tensor *new_view(yo_storage *storage, int32_t dtype, int32_t ndim, const int64_t *shape,
                             const int64_t *stride, int64_t offset)
{
    yoso_tensor *tensor = malloc(sizeof *tensor);
    if (!tensor)
        return NULL;
    *tensor = (yoso_tensor){.storage = storage, .dtype = dtype, .ndim = ndim, .offset = offset};
    for (int32_t i = 0; i < ndim; i++) {
        tensor->shape[i] = shape[i];
        tensor->stride[i] = stride[i];
    }
    atomic_fetch_add_explicit(&storage->references, 1, memory_order_relaxed);
    return tensor;
}

/* Wraps a storage with no references yet into its first tensor; frees both on failure. */
static yoso_status first_view(yoso_tensor **out, yo_storage *storage, int32_t dtype, int32_t ndim,
                              const int64_t *shape)
{
    int64_t stride[YOSO_MAX_DIMS];
    yo_shape_contiguous(stride, ndim, shape);
    yoso_tensor *tensor = new_view(storage, dtype, ndim, shape, stride, 0);
    if (!tensor)
        return yo_fail(YOSO_NO_MEMORY, "out of memory: no room for a tensor handle");
    *out = tensor;
    return YOSO_OK;
}

static yoso_status check_dtype(const char *where, int32_t dtype)
{
    if (yoso_dtype_size(dtype) == 0)
        return yo_fail(YOSO_MISUSE, "%s: unknown dtype %d", where, dtype);
    return YOSO_OK;
}

yoso_status yoso_tensor_new(yoso_tensor **out, int32_t dtype, int32_t device, int32_t ndim,
                            const int64_t *shape)
{
    int64_t count;
    YO_TRY(check_dtype("tensor_new", dtype));
    YO_TRY(yo_shape_count(&count, "tensor_new", ndim, shape));
    yo_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return yo_fail(YOSO_NO_MEMORY, "out of memory: no room for a tensor handle");
    storage->device = device;
    storage->bytes = (size_t)count * (size_t)yoso_dtype_size(dtype);
    yoso_status status = yo_backend_take(device, &storage->data, storage->bytes);
    if (status == YOSO_OK) {
        status = first_view(out, storage, dtype, ndim, shape);
        if (status != YOSO_OK)
            yo_backend_give(device, storage->data, storage->bytes);
    }
    if (status != YOSO_OK)
        free(storage);
    return status;
}

yoso_status yoso_tensor_zeros(yoso_tensor **out, int32_t dtype, int32_t device, int32_t ndim,
                              const int64_t *shape)
{
    yoso_tensor *tensor;
    YO_TRY(yoso_tensor_new(&tensor, dtype, device, ndim, shape));
    yoso_status status = yo_backend_zero(device, tensor->storage->data, tensor->storage->bytes);
    if (status != YOSO_OK) {
        yoso_tensor_free(tensor);
        return status;
    }
    *out = tensor;
    return YOSO_OK;
}

yoso_status yoso_tensor_from_bytes(yoso_tensor **out, int32_t dtype, int32_t ndim,
                                   const int64_t *shape, const void *data, int64_t bytes)
{
    yoso_tensor *tensor;
    YO_TRY(yoso_tensor_new(&tensor, dtype, YOSO_CPU, ndim, shape));
    if (bytes < 0 || (size_t)bytes != tensor->storage->bytes) {
        yoso_status status = yo_fail(
            YOSO_MISUSE, "tensor_from_bytes: %lld bytes for %s %s, which takes %zu",
            (long long)bytes, yoso_dtype_name(dtype), yo_text(tensor).text, tensor->storage->bytes);
        yoso_tensor_free(tensor);
        return status;
    }
    if (bytes > 0)
        memcpy(tensor->storage->data, data, (size_t)bytes);
    *out = tensor;
    return YOSO_OK;
}

yoso_status yo_tensor_adopt(yoso_tensor **out, int32_t dtype, int32_t ndim, const int64_t *shape,
                            void *data, size_t bytes, void (*release)(void *owner), void *owner)
{
    int64_t count;
    YO_TRY(check_dtype("tensor_adopt", dtype));
    YO_TRY(yo_shape_count(&count, "tensor_adopt", ndim, shape));
    if ((size_t)count * (size_t)yoso_dtype_size(dtype) != bytes)
        return yo_fail(YOSO_MISUSE, "tensor_adopt: %zu bytes for %s %s", bytes,
                       yoso_dtype_name(dtype), yo_shape_to_text(ndim, shape).text);
    yo_storage *storage = calloc(1, sizeof *storage);
    if (!storage)
        return yo_fail(YOSO_NO_MEMORY, "out of memory: no room for a tensor handle");
    storage->device = YOSO_CPU;
    storage->data = data;
    storage->bytes = bytes;
    storage->release = release;
    storage->owner = owner;
    yoso_status status = first_view(out, storage, dtype, ndim, shape);
    if (status != YOSO_OK)
        free(storage);
    return status;
}

yoso_status yo_tensor_like(yoso_tensor **out, const yoso_tensor *like, int32_t dtype, int32_t ndim,
                           const int64_t *shape)
{
    return yoso_tensor_new(out, dtype, like->storage->device, ndim, shape);
}

void yoso_tensor_free(yoso_tensor *tensor)
{
    if (!tensor)
        return;
    drop_storage(tensor->storage);
    free(tensor);
}

int32_t yoso_tensor_dtype(const yoso_tensor *tensor)
{
    return tensor->dtype;
}

int32_t yoso_tensor_device(const yoso_tensor *tensor)
{
    return tensor->storage->device;
}

int32_t yoso_tensor_ndim(const yoso_tensor *tensor)
{
    return tensor->ndim;
}

int64_t yoso_tensor_numel(const yoso_tensor *tensor)
{
    int64_t count = 1;
    for (int32_t i = 0; i < tensor->ndim; i++)
        count *= tensor->shape[i];
    return count;
}

int64_t yoso_tensor_size(const yoso_tensor *tensor, int32_t dim)
{
    return dim >= 0 && dim < tensor->ndim ? tensor->shape[dim] : 0;
}

int64_t yoso_tensor_stride(const yoso_tensor *tensor, int32_t dim)
{
    return dim >= 0 && dim < tensor->ndim ? tensor->stride[dim] : 0;
}

int32_t yoso_tensor_is_contiguous(const yoso_tensor *tensor)
{
    int64_t step = 1;
    for (int32_t i = tensor->ndim - 1; i >= 0; i--) {
        if (tensor->shape[i] == 0)
            return 1;
        if (tensor->shape[i] != 1 && tensor->stride[i] != step)
            return 0;
        step *= tensor->shape[i];
    }
    return 1;
}

void *yoso_tensor_data(const yoso_tensor *tensor)
{
    return tensor->storage->device == YOSO_CPU ? yo_tensor_data(tensor) : NULL;
}

int64_t yoso_tensor_version(const yoso_tensor *tensor)
{
    return atomic_load_explicit(&tensor->storage->version, memory_order_relaxed);
}

void yoso_tensor_touch(yoso_tensor *tensor)
{
    atomic_fetch_add_explicit(&tensor->storage->version, 1, memory_order_relaxed);
}

int32_t yoso_tensor_same_storage(const yoso_tensor *a, const yoso_tensor *b)
{
    return a->storage == b->storage;
}

int32_t yoso_tensor_is_shared(const yoso_tensor *tensor)
{
    return atomic_load_explicit(&tensor->storage->references, memory_order_relaxed) > 1;
}

int32_t yoso_tensor_same_shape(const yoso_tensor *a, const yoso_tensor *b)
{
    return a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]) == 0;
}

yoso_status yoso_tensor_view(yoso_tensor **out, const yoso_tensor *tensor, int32_t ndim,
                             const int64_t *shape, const int64_t *stride, int64_t offset)
{
    int64_t count;
    YO_TRY(yo_shape_count(&count, "view", ndim, shape));
    int64_t first, last;
    bool bad = offset < 0 || __builtin_add_overflow(tensor->offset, offset, &first);
    last = bad ? 0 : first;
    for (int32_t i = 0; i < ndim && !bad; i++) {
        int64_t span;
        bad = stride[i] < 0 ||
              (shape[i] > 0 && (__builtin_mul_overflow(shape[i] - 1, stride[i], &span) ||
                                __builtin_add_overflow(last, span, &last)));
    }
    int64_t room = (int64_t)(tensor->storage->bytes / (size_t)yoso_dtype_size(tensor->dtype));
    if (bad || (count > 0 ? last >= room : first > room))
        return yo_fail(YOSO_MISUSE,
                       "view: shape %s with strides %s leaves the storage of %lld "
                       "elements",
                       yo_shape_to_text(ndim, shape).text, yo_shape_to_text(ndim, stride).text,
                       (long long)room);
    yoso_tensor *view = new_view(tensor->storage, tensor->dtype, ndim, shape, stride, first);
    if (!view)
        return yo_fail(YOSO_NO_MEMORY, "out of memory: no room for a tensor handle");
    *out = view;
    return YOSO_OK;
}

yoso_status yoso_transpose(yoso_tensor **out, const yoso_tensor *tensor, int32_t dim0, int32_t dim1)
{
    int64_t shape[YOSO_MAX_DIMS], stride[YOSO_MAX_DIMS];
    if (dim0 < 0 || dim0 >= tensor->ndim || dim1 < 0 || dim1 >= tensor->ndim)
        return yo_fail(YOSO_MISUSE, "transpose: dimensions %d and %d of a tensor of shape %s", dim0,
                       dim1, yo_text(tensor).text);
    memcpy(shape, tensor->shape, sizeof shape);
    memcpy(stride, tensor->stride, sizeof stride);
    shape[dim0] = tensor->shape[dim1];
    shape[dim1] = tensor->shape[dim0];
    stride[dim0] = tensor->stride[dim1];
    stride[dim1] = tensor->stride[dim0];
    return yoso_tensor_view(out, tensor, tensor->ndim, shape, stride, 0);
}

yoso_status yoso_narrow(yoso_tensor **out, const yoso_tensor *tensor, int32_t dim, int64_t start,
                        int64_t length)
{
    int64_t shape[YOSO_MAX_DIMS];
    if (dim < 0 || dim >= tensor->ndim)
        return yo_fail(YOSO_MISUSE, "narrow: dimension %d of a tensor of shape %s", dim,
                       yo_text(tensor).text);
    if (start < 0 || length < 0 || start > tensor->shape[dim] ||
        length > tensor->shape[dim] - start)
        return yo_fail(YOSO_MISUSE, "narrow: %lld elements from %lld of dimension %d of shape %s",
                       (long long)length, (long long)start, dim, yo_text(tensor).text);
    memcpy(shape, tensor->shape, sizeof shape);
    shape[dim] = length;
    /* A view without elements begins at the start: further on there may be no storage. */
    bool empty = length == 0 || yoso_tensor_numel(tensor) == 0;
    return yoso_tensor_view(out, tensor, tensor->ndim, shape, tensor->stride,
                            empty ? 0 : start * tensor->stride[dim]);
}

yoso_status yoso_expand(yoso_tensor **out, const yoso_tensor *tensor, int32_t ndim,
                        const int64_t *shape)
{
    int64_t count, stride[YOSO_MAX_DIMS];
    YO_TRY(yo_shape_count(&count, "expand", ndim, shape));
    int32_t missing = ndim - tensor->ndim;
    bool bad = missing < 0;
    for (int32_t i = 0; i < ndim && !bad; i++) {
        int64_t size = i < missing ? 1 : tensor->shape[i - missing];
        bad = size != shape[i] && size != 1;
        stride[i] = i < missing || size != shape[i] ? 0 : tensor->stride[i - missing];
    }
    if (bad)
        return yo_fail(YOSO_MISUSE, "expand: shape %s cannot become %s", yo_text(tensor).text,
                       yo_shape_to_text(ndim, shape).text);
    return yoso_tensor_view(out, tensor, ndim, shape, stride, 0);
}

yo_view yo_tensor_as_view(const yoso_tensor *tensor)
{
    yo_view view = {.data = yo_tensor_data(tensor), .dtype = tensor->dtype, .ndim = tensor->ndim};
    memcpy(view.shape, tensor->shape, sizeof view.shape);
    memcpy(view.stride, tensor->stride, sizeof view.stride);
    return view;
}

yo_view yo_tensor_as_broadcast_view(const yoso_tensor *tensor, int32_t ndim, const int64_t *shape)
{
    yo_view view = {.data = yo_tensor_data(tensor), .dtype = tensor->dtype, .ndim = ndim};
    int32_t missing = ndim - tensor->ndim;
    for (int32_t i = 0; i < ndim; i++) {
        bool repeated = i < missing || (tensor->shape[i - missing] == 1 && shape[i] != 1);
        view.shape[i] = shape[i];
        view.stride[i] = repeated ? 0 : tensor->stride[i - missing];
    }
    return view;
}

yo_weight yo_tensor_as_weight(const yoso_tensor *tensor)
{
    return (yo_weight){.view = yo_tensor_as_view(tensor),
                       .derived = &tensor->storage->derived,
                       .version = yoso_tensor_version(tensor),
                       .from_file = tensor->storage->release && yoso_tensor_version(tensor) == 0};
}
