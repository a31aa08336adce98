/* The CPU's kernels by name, in the variant being compiled; table.c lists them. What each does
 * is said in src/kernels.h. */
#ifndef YO_CPU_CPU_KERNELS_H
#define YO_CPU_CPU_KERNELS_H

#include "cpu/cpu.h"

/* copy.c */
yoso_status YO_CPU(copy)(const yo_view *out, const yo_view *x, yo_stream *stream);
yoso_status YO_CPU(fill)(const yo_view *out, double value, yo_stream *stream);

/* elementwise.c */
yoso_status YO_CPU(binary)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream);

/* reduce.c */
yoso_status YO_CPU(reduce)(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream);

/* gather.c, sort.c */

/* random.c */

/* matmul.c */

/* softmax.c, norm.c, embedding.c, conv.c, dropout.c, loss.c, optimizer.c */

/* lsh_hash.c, fast_hash.c, lsh_cumulation.c, yoso_expectation.c, softmax_attention.c */

#endif
