/* What the attention's operations share: operands as rows, masks and offsets checked. */
#ifndef YO_OPS_ATTENTION_H
#define YO_OPS_ATTENTION_H

#include "backend.h"
#include "core/tensor.h"

/* An operand ready for the kernels, and the copy it may have needed (to free). */
typedef struct yo_operand {
    yo_rows rows;
    yoso_tensor *copy;
} yo_operand;

/* x is [rows, heads * size] or, with heads 1, any shape whose leading dimensions are the rows. */
yoso_status yo_operand_of(yo_operand *operand, const yoso_tensor *x, int64_t head_size);

/* The mask as one byte a row: *bytes is NULL when mask is, *copy is to be freed. */
yoso_status yo_mask_of(const uint8_t **bytes, yoso_tensor **copy, const char *where,
                       const char *name, const yoso_tensor *mask, const yoso_tensor *like,
                       int64_t rows);

/* yoso_attention_grad with the gradients of part[0 .. 2], query, key and value of one width, side
 * by side in the rows of `fused`, which is contiguous. */
yoso_status yo_attention_grad_into(const yoso_tensor *fused, const yoso_tensor *grad,
                                   const yoso_tensor *out, const yoso_tensor *stat,
                                   yoso_tensor *const part[3], const yoso_tensor *offset,
                                   const yoso_tensor *keep, const yoso_attention_options *options);

yoso_status yo_check_code_len(const char *where, int32_t hash_code_len);
yoso_status yo_check_num_hash(const char *where, int32_t num_hash);

#endif
