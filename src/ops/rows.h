/* Layers that work on rows: a contiguous tensor seen as a matrix of its last dimension. */
#ifndef YO_OPS_ROWS_H
#define YO_OPS_ROWS_H

#include "core/tensor.h"
#include "core/view.h"

/* [rows, columns] of a contiguous tensor with at least one dimension. */
static inline yo_view yo_as_rows(const yoso_tensor *tensor)
{
    int64_t columns = tensor->shape[tensor->ndim - 1];
    yo_view view = {.data = yo_tensor_data(tensor), .dtype = tensor->dtype, .ndim = 2};
    view.shape[0] = columns > 0 ? yoso_tensor_numel(tensor) / columns : 0;
    view.shape[1] = columns;
    view.stride[0] = columns;
    view.stride[1] = 1;
    return view;
}

/* A contiguous tensor as one list. */
static inline yo_view yo_as_list(const yoso_tensor *dense)
{
    yo_view view = {.data = yo_tensor_data(dense), .dtype = dense->dtype, .ndim = 1};
    view.shape[0] = yoso_tensor_numel(dense);
    view.stride[0] = 1;
    return view;
}

static inline bool yo_same_shape(const yoso_tensor *a, const yoso_tensor *b)
{
    bool same = a->ndim == b->ndim;
    for (int32_t i = 0; same && i < a->ndim; i++)
        same = a->shape[i] == b->shape[i];
    return same;
}

/* A misuse unless all that are not NULL are floats of one dtype on one device. */
yoso_status yo_check_floats(const char *where, int32_t count, const yoso_tensor *const *tensors);

/* A misuse unless tensor (NULL is allowed) has the shape of like; `name` is what it is. */
yoso_status yo_check_like(const char *where, const char *name, const yoso_tensor *tensor,
                          const yoso_tensor *like);

/* Contiguous copies (or views) of up to four tensors as rows; a NULL one stays NULL in given. */
enum { YO_OPERANDS = 4 };
typedef struct yo_operands {
    yoso_tensor *dense[YO_OPERANDS];
    yo_view view[YO_OPERANDS];
    const yo_view *given[YO_OPERANDS];
} yo_operands;
yoso_status yo_take_operands(yo_operands *operands, int count, const yoso_tensor *const *tensors);
void yo_free_operands(yo_operands *operands);

#endif
