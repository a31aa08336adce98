/* Shapes: products without overflow, contiguity, broadcasting, and their text in messages.
 * Works on plain arrays; knows nothing of tensors. */
#ifndef YO_CORE_SHAPE_H
#define YO_CORE_SHAPE_H

#include <stdbool.h>

#include "yoso.h"

/* Room for the text of any shape: "[1, 2, 3]". */
enum { YO_SHAPE_TEXT = 8 * 21 + 3 };
typedef struct yo_shape_text {
    char text[YO_SHAPE_TEXT];
} yo_shape_text;
yo_shape_text yo_shape_to_text(int32_t ndim, const int64_t *shape);

/* The number of elements, checked: sizes >= 0, ndim <= YOSO_MAX_DIMS, count * 8 bytes fits. */
yoso_status yo_shape_count(int64_t *count, const char *where, int32_t ndim, const int64_t *shape);

/* Strides of a contiguous tensor of this shape. */
void yo_shape_contiguous(int64_t *stride, int32_t ndim, const int64_t *shape);

/* The common shape of two operands. */
yoso_status yo_shape_broadcast(int32_t *ndim, int64_t *shape, const char *where, int32_t ndim_a,
                               const int64_t *a, int32_t ndim_b, const int64_t *b);

#endif
