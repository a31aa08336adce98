/* Parts of views. */
#ifndef YO_CORE_VIEW_H
#define YO_CORE_VIEW_H

#include "kernels.h"

/* Rows of a matrix, or elements of a list. */
static inline yo_view yo_some_rows(const yo_view *matrix, int64_t first, int64_t count)
{
    yo_view part = *matrix;
    part.data = (char *)matrix->data + first * matrix->stride[0] * yoso_dtype_size(matrix->dtype);
    part.shape[0] = count;
    return part;
}

#endif
