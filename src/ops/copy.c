/* Operations that move elements: contiguous copies, casts, writes in place, device changes. */
#include <string.h>

#include "backend.h"
#include "core/tensor.h"

static yoso_status copy_views(const yoso_tensor *target, const yo_view *out, const yo_view *x)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, target->storage->device));
    return kernels->copy(out, x, yo_backend_stream(target->storage->device));
}

yoso_status yoso_cast(yoso_tensor **out, const yoso_tensor *tensor, int32_t dtype)
{
    yoso_tensor *copy;
    YO_TRY(yo_tensor_like(&copy, tensor, dtype, tensor->ndim, tensor->shape));
    yo_view target = yo_tensor_as_view(copy), source = yo_tensor_as_view(tensor);
    yoso_status status = copy_views(copy, &target, &source);
    if (status != YOSO_OK) {
        yoso_tensor_free(copy);
        return status;
    }
    *out = copy;
    return YOSO_OK;
}

yoso_status yoso_contiguous(yoso_tensor **out, const yoso_tensor *tensor)
{
    if (yoso_tensor_is_contiguous(tensor))
        return yoso_tensor_view(out, tensor, tensor->ndim, tensor->shape, tensor->stride, 0);
    return yoso_cast(out, tensor, tensor->dtype);
}

yoso_status yoso_reshape(yoso_tensor **out, const yoso_tensor *tensor, int32_t ndim,
                         const int64_t *wanted)
{
    int64_t shape[YOSO_MAX_DIMS], stride[YOSO_MAX_DIMS], count, numel = yoso_tensor_numel(tensor);
    int32_t open = -1;
    if (ndim < 0 || ndim > YOSO_MAX_DIMS)
        return yo_fail(YOSO_MISUSE, "reshape: %d dimensions, must be 0 to %d", ndim, YOSO_MAX_DIMS);
    for (int32_t i = 0; i < ndim; i++) {
        shape[i] = wanted[i];
        if (wanted[i] == -1) {
            if (open >= 0)
                return yo_fail(YOSO_MISUSE, "reshape: %s has more than one -1",
                               yo_shape_to_text(ndim, wanted).text);
            open = i;
            shape[i] = 1;
        }
    }
    YO_TRY(yo_shape_count(&count, "reshape", ndim, shape));
    if (open >= 0 && count > 0 && numel % count == 0) {
        shape[open] = numel / count;
        count = numel;
    }
    if (count != numel || (open >= 0 && numel == 0 && count == 0 && shape[open] != 0))
        return yo_fail(YOSO_MISUSE, "reshape: shape %s cannot become %s", yo_text(tensor).text,
                       yo_shape_to_text(ndim, wanted).text);
    yo_shape_contiguous(stride, ndim, shape);
    if (yoso_tensor_is_contiguous(tensor))
        return yoso_tensor_view(out, tensor, ndim, shape, stride, 0);
    yoso_tensor *copy;
    YO_TRY(yoso_cast(&copy, tensor, tensor->dtype));
    yoso_status status = yoso_tensor_view(out, copy, ndim, shape, stride, 0);
    yoso_tensor_free(copy);
    return status;
}

yoso_status yoso_copy_into(yoso_tensor *target, const yoso_tensor *source)
{
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(yo_shape_broadcast(&ndim, shape, "copy_into", target->ndim, target->shape, source->ndim,
                              source->shape));
    if (ndim != target->ndim || memcmp(shape, target->shape, (size_t)ndim * sizeof shape[0]) != 0)
        return yo_fail(YOSO_MISUSE, "copy_into: shape %s does not fit into %s",
                       yo_text(source).text, yo_text(target).text);
    if (target->storage->device != source->storage->device)
        return yo_fail(YOSO_MISUSE, "copy_into: target and source are on different devices");
    yo_view out = yo_tensor_as_view(target);
    yo_view x = yo_tensor_as_broadcast_view(source, ndim, shape);
    YO_TRY(copy_views(target, &out, &x));
    yoso_tensor_touch(target);
    return YOSO_OK;
}

yoso_status yoso_fill(yoso_tensor *target, double value)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, target->storage->device));
    yo_view out = yo_tensor_as_view(target);
    YO_TRY(kernels->fill(&out, value, yo_backend_stream(target->storage->device)));
    yoso_tensor_touch(target);
    return YOSO_OK;
}

yoso_status yoso_to_device(yoso_tensor **out, const yoso_tensor *tensor, int32_t device)
{
    if (device == tensor->storage->device)
        return yoso_tensor_view(out, tensor, tensor->ndim, tensor->shape, tensor->stride, 0);
    yoso_tensor *source, *copy;
    YO_TRY(yoso_contiguous(&source, tensor));
    yoso_status status = yoso_tensor_new(&copy, tensor->dtype, device, tensor->ndim, tensor->shape);
    if (status == YOSO_OK) {
        status = yo_backend_transfer(device, copy->storage->data, tensor->storage->device,
                                     yo_tensor_data(source), copy->storage->bytes);
        if (status == YOSO_OK)
            *out = copy;
        else
            yoso_tensor_free(copy);
    }
    yoso_tensor_free(source);
    return status;
}
