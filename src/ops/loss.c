/* Losses: cross entropy with ignored labels, squared error, binary cross entropy of logits. Each
 * gives f32: one loss a row (or element), which a reduction joins. */
#include "backend.h"
#include "ops/rows.h"

static yoso_status check_labels(const char *where, const yoso_tensor *logits,
                                const yoso_tensor *labels)
{
    YO_TRY(yo_check_floats(where, 1, &logits));
    if (logits->ndim != 2 || labels->ndim != 1 || labels->shape[0] != logits->shape[0])
        return yo_fail(YOSO_MISUSE, "%s: logits are %s, labels %s; must be [n, classes] and [n]",
                       where, yo_text(logits).text, yo_text(labels).text);
    if (labels->dtype != YOSO_I64 && labels->dtype != YOSO_I32)
        return yo_fail(YOSO_MISUSE, "%s: labels are %s, must be i64 or i32", where,
                       yoso_dtype_name(labels->dtype));
    if (labels->storage->device != logits->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: logits and labels are on different devices", where);
    return YOSO_OK;
}

yoso_status yoso_cross_entropy(yoso_tensor **loss, int64_t *kept, const yoso_tensor *logits,
                               const yoso_tensor *labels, int64_t ignore_index)
{
    const yo_kernels *kernels;
    yo_operands o;
    yoso_tensor *result;
    const yoso_tensor *inputs[] = {logits, labels};
    YO_TRY(check_labels("cross_entropy", logits, labels));
    YO_TRY(yo_backend_kernels(&kernels, logits->storage->device));
    YO_TRY(yo_take_operands(&o, 2, inputs));
    yoso_status status = yo_tensor_like(&result, logits, YOSO_F32, 1, logits->shape);
    if (status == YOSO_OK) {
        int64_t unwanted;
        yo_view target = yo_as_rows(result);
        if (!kept && logits->storage->device == YOSO_CPU)
            kept = &unwanted;
        status = kernels->cross_entropy(&target, kept, o.given[0], o.given[1], ignore_index,
                                        yo_backend_stream(logits->storage->device));
        if (status == YOSO_OK)
            *loss = result;
        else
            yoso_tensor_free(result);
    }
    yo_free_operands(&o);
    return status;
}

yoso_status yoso_cross_entropy_grad(yoso_tensor **grad_logits, const yoso_tensor *grad,
                                    double scale, const yoso_tensor *logits,
                                    const yoso_tensor *labels, int64_t ignore_index)
{
    const yo_kernels *kernels;
    yo_operands o;
    yoso_tensor *result;
    const yoso_tensor *inputs[] = {grad, logits, labels};
    YO_TRY(check_labels("cross_entropy_grad", logits, labels));
    if (grad->dtype != YOSO_F32 || (grad->ndim != 0 && !yo_same_shape(grad, labels)))
        return yo_fail(YOSO_MISUSE, "cross_entropy_grad: grad is %s %s, must be f32 [] or %s",
                       yoso_dtype_name(grad->dtype), yo_text(grad).text, yo_text(labels).text);
    YO_TRY(yo_backend_kernels(&kernels, logits->storage->device));
    YO_TRY(yo_tensor_like(&result, logits, logits->dtype, 2, logits->shape));
    yoso_status status = yo_take_operands(&o, 2, inputs + 1);
    if (status == YOSO_OK) {
        yo_view target = yo_as_rows(result);
        yo_view g = yo_tensor_as_broadcast_view(grad, 1, labels->shape);
        status =
            kernels->cross_entropy_grad(&target, &g, scale, o.given[0], o.given[1], ignore_index,
                                        yo_backend_stream(logits->storage->device));
        yo_free_operands(&o);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *grad_logits = result;
    return YOSO_OK;
}

/* -- Losses of single elements
 * ---------------------------------------------------------------------- */

static yoso_status check_pointwise(const char *where, int32_t kind, const yoso_tensor *x,
                                   const yoso_tensor *target)
{
    const yoso_tensor *inputs[] = {x, target};
    if (kind != YOSO_LOSS_SQUARED && kind != YOSO_LOSS_BINARY)
        return yo_fail(YOSO_MISUSE, "%s: unknown loss %d", where, kind);
    YO_TRY(yo_check_like(where, "the target", target, x));
    return yo_check_floats(where, 2, inputs);
}

static yo_view as_flat(const yoso_tensor *dense)
{
    yo_view view = {.data = yo_tensor_data(dense), .dtype = dense->dtype, .ndim = 1};
    view.shape[0] = yoso_tensor_numel(dense);
    view.stride[0] = 1;
    return view;
}

static yoso_status run_pointwise(yoso_tensor *result, int32_t kind, const yoso_tensor *grad,
                                 double scale, const yoso_tensor *x, const yoso_tensor *target)
{
    const yo_kernels *kernels;
    yoso_tensor *dense_x = NULL, *dense_target = NULL, *dense_grad = NULL;
    YO_TRY(yo_backend_kernels(&kernels, x->storage->device));
    yo_stream *stream = yo_backend_stream(x->storage->device);
    yoso_status status = yoso_contiguous(&dense_x, x);
    if (status == YOSO_OK)
        status = yoso_contiguous(&dense_target, target);
    if (status == YOSO_OK && grad)
        status = yoso_contiguous(&dense_grad, grad);
    if (status == YOSO_OK) {
        yo_view out = as_flat(result), values = as_flat(dense_x), wanted = as_flat(dense_target);
        if (grad) {
            yo_view g = as_flat(dense_grad);
            g.stride[0] = grad->ndim == 0 ? 0 : 1;
            g.shape[0] = values.shape[0];
            status = kernels->pointwise_loss_grad(&out, kind, &g, scale, &values, &wanted, stream);
        } else {
            status = kernels->pointwise_loss(&out, kind, &values, &wanted, stream);
        }
    }
    yoso_tensor_free(dense_grad);
    yoso_tensor_free(dense_target);
    yoso_tensor_free(dense_x);
    return status;
}

yoso_status yoso_pointwise_loss(yoso_tensor **loss, int32_t kind, const yoso_tensor *x,
                                const yoso_tensor *target)
{
    yoso_tensor *result;
    YO_TRY(check_pointwise("loss", kind, x, target));
    YO_TRY(yo_tensor_like(&result, x, YOSO_F32, x->ndim, x->shape));
    yoso_status status = run_pointwise(result, kind, NULL, 1, x, target);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *loss = result;
    return YOSO_OK;
}

yoso_status yoso_pointwise_loss_grad(yoso_tensor **grad_x, int32_t kind, const yoso_tensor *grad,
                                     double scale, const yoso_tensor *x, const yoso_tensor *target)
{
    yoso_tensor *result;
    YO_TRY(check_pointwise("loss_grad", kind, x, target));
    if (grad->dtype != YOSO_F32 || (grad->ndim != 0 && !yo_same_shape(grad, x)))
        return yo_fail(YOSO_MISUSE, "loss_grad: grad is %s %s, must be f32 [] or %s",
                       yoso_dtype_name(grad->dtype), yo_text(grad).text, yo_text(x).text);
    YO_TRY(yo_tensor_like(&result, x, x->dtype, x->ndim, x->shape));
    yoso_status status = run_pointwise(result, kind, grad, scale, x, target);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *grad_x = result;
    return YOSO_OK;
}
