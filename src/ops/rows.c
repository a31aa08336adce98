/* The checks that layers share. */
#include "ops/rows.h"

#include "core/status.h"

yoso_status yo_check_floats(const char *where, int32_t count, const yoso_tensor *const *tensors)
{
    const yoso_tensor *first = tensors[0];
    if (!yo_dtype_is_float(first->dtype))
        return yo_fail(YOSO_MISUSE, "%s: dtype is %s, must be f32, f16 or bf16", where,
                       yoso_dtype_name(first->dtype));
    for (int32_t i = 1; i < count; i++) {
        if (!tensors[i])
            continue;
        if (tensors[i]->dtype != first->dtype)
            return yo_fail(YOSO_MISUSE, "%s: dtypes %s and %s differ; convert one with to()", where,
                           yoso_dtype_name(first->dtype), yoso_dtype_name(tensors[i]->dtype));
        if (tensors[i]->storage->device != first->storage->device)
            return yo_fail(YOSO_MISUSE, "%s: operands are on different devices", where);
    }
    return YOSO_OK;
}

yoso_status yo_check_like(const char *where, const char *name, const yoso_tensor *tensor,
                          const yoso_tensor *like)
{
    if (!tensor || yo_same_shape(tensor, like))
        return YOSO_OK;
    return yo_fail(YOSO_MISUSE, "%s: %s is %s, must be %s", where, name, yo_text(tensor).text,
                   yo_text(like).text);
}

void yo_free_operands(yo_operands *operands)
{
    for (int i = 0; i < YO_OPERANDS; i++)
        yoso_tensor_free(operands->dense[i]);
}

yoso_status yo_take_operands(yo_operands *operands, int count, const yoso_tensor *const *tensors)
{
    *operands = (yo_operands){.dense = {NULL}};
    for (int i = 0; i < count; i++) {
        if (!tensors[i])
            continue;
        yoso_status status = yoso_contiguous(&operands->dense[i], tensors[i]);
        if (status != YOSO_OK) {
            yo_free_operands(operands);
            return status;
        }
        operands->view[i] = yo_as_rows(operands->dense[i]);
        operands->given[i] = &operands->view[i];
    }
    return YOSO_OK;
}
