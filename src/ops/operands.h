/* What operations of two operands share: bringing both to one dtype. */
#ifndef YO_OPS_OPERANDS_H
#define YO_OPS_OPERANDS_H

#include "core/tensor.h"

/* One device, one dtype: a tensor without dimensions is converted to the other's dtype.
 * *converted is a new tensor to free, or NULL. */
yoso_status yo_operands_agree(const char *where, const yoso_tensor **a, const yoso_tensor **b,
                              yoso_tensor **converted);

#endif
