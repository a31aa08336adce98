/* Rows of two sides that share buckets, for the sampled form's gradient (arXiv 2111.09714, section
 * 3.3): sum_i += sum over h, j with equal codes of (u_i . z_j) y_j. */
#ifndef YO_CPU_LSH_MEET_H
#define YO_CPU_LSH_MEET_H

#include "cpu/lsh.h"

/* Floats of working space for at most a and b rows. */
size_t YO_CPU(lsh_meet_scratch)(const yo_attention *at, int64_t a, int64_t b, int64_t ld,
                                int64_t y_ld);
void YO_CPU(lsh_meet)(const yo_weighted *w, const yo_attention *at, const yo_side *a,
                      const yo_side *b, float *scratch);

/* One bucket with many rows of both sides (lsh_meet_many.c). */
size_t YO_CPU(lsh_meet_many_scratch)(int64_t ld, int64_t y_ld);
void YO_CPU(lsh_meet_many)(const yo_weighted *w, const int32_t *a, int64_t a_rows, const int32_t *b,
                           int64_t b_rows, float *scratch);

#endif
