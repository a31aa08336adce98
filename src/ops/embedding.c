/* Embedding: rows of a table by id, and the gradient of the table. */
#include "backend.h"
#include "ops/rows.h"

static yoso_status check_lookup(const char *where, const yoso_tensor *ids)
{
    if (ids->dtype != YOSO_I64 && ids->dtype != YOSO_I32)
        return yo_fail(YOSO_MISUSE, "%s: ids are %s, must be i64 or i32", where,
                       yoso_dtype_name(ids->dtype));
    return YOSO_OK;
}

static yoso_status look_up(yoso_tensor *result, const yoso_tensor *ids, const yoso_tensor *table)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, table->storage->device));
    yoso_tensor *dense;
    YO_TRY(yoso_contiguous(&dense, ids));
    yo_view out = yo_as_rows(result), list = yo_as_list(dense), rows = yo_tensor_as_view(table);
    yoso_status status =
        kernels->embedding(&out, &list, &rows, yo_backend_stream(table->storage->device));
    yoso_tensor_free(dense);
    return status;
}

yoso_status yoso_embedding(yoso_tensor **out, const yoso_tensor *ids, const yoso_tensor *table)
{
    int64_t shape[YOSO_MAX_DIMS];
    YO_TRY(check_lookup("embedding", ids));
    if (table->ndim != 2 || !yo_dtype_is_float(table->dtype) || table->stride[1] != 1)
        return yo_fail(YOSO_MISUSE, "embedding: table is %s %s, must be a float [rows, width]",
                       yoso_dtype_name(table->dtype), yo_text(table).text);
    if (ids->storage->device != table->storage->device)
        return yo_fail(YOSO_MISUSE, "embedding: ids and table are on different devices");
    if (ids->ndim == YOSO_MAX_DIMS)
        return yo_fail(YOSO_MISUSE, "embedding: ids are %s, must have at most %d dimensions",
                       yo_text(ids).text, YOSO_MAX_DIMS - 1);
    for (int32_t i = 0; i < ids->ndim; i++)
        shape[i] = ids->shape[i];
    shape[ids->ndim] = table->shape[1];
    yoso_tensor *result;
    YO_TRY(yo_tensor_like(&result, table, table->dtype, ids->ndim + 1, shape));
    yoso_status status = look_up(result, ids, table);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_embedding_grad_into(yoso_tensor *target, const yoso_tensor *grad,
                                     const yoso_tensor *ids, int64_t padding)
{
    const yo_kernels *kernels;
    const yoso_tensor *both[] = {grad, target};
    YO_TRY(check_lookup("embedding_grad", ids));
    YO_TRY(yo_check_floats("embedding_grad", 2, both));
    if (grad->ndim != ids->ndim + 1 || target->ndim != 2 || !yoso_tensor_is_contiguous(target) ||
        target->shape[1] != grad->shape[grad->ndim - 1] ||
        yoso_tensor_numel(grad) != yoso_tensor_numel(ids) * target->shape[1])
        return yo_fail(YOSO_MISUSE, "embedding_grad: grad is %s for ids %s and a table %s",
                       yo_text(grad).text, yo_text(ids).text, yo_text(target).text);
    YO_TRY(yo_backend_kernels(&kernels, grad->storage->device));
    yoso_tensor *dense_grad = NULL, *dense_ids = NULL;
    yoso_status status = yoso_contiguous(&dense_grad, grad);
    if (status == YOSO_OK)
        status = yoso_contiguous(&dense_ids, ids);
    if (status == YOSO_OK) {
        yo_view table = yo_tensor_as_view(target), g = yo_as_rows(dense_grad);
        yo_view list = yo_as_list(dense_ids);
        status = kernels->embedding_grad(&table, &g, &list, padding,
                                         yo_backend_stream(grad->storage->device));
        yoso_tensor_touch(target);
    }
    yoso_tensor_free(dense_grad);
    yoso_tensor_free(dense_ids);
    return status;
}

yoso_status yoso_embedding_grad(yoso_tensor **grad_table, const yoso_tensor *grad,
                                const yoso_tensor *ids, int64_t rows, int64_t padding)
{
    if (grad->ndim < 1 || rows < 0)
        return yo_fail(YOSO_MISUSE, "embedding_grad: grad is %s for %lld rows", yo_text(grad).text,
                       (long long)rows);
    int64_t shape[2] = {rows, grad->shape[grad->ndim - 1]};
    yoso_tensor *table;
    YO_TRY(yoso_tensor_zeros(&table, grad->dtype, grad->storage->device, 2, shape));
    yoso_status status = yoso_embedding_grad_into(table, grad, ids, padding);
    if (status != YOSO_OK) {
        yoso_tensor_free(table);
        return status;
    }
    *grad_table = table;
    return YOSO_OK;
}
