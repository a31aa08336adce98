/* Gradients of all pairs of a short sequence at once; see short_pairs.c. */
#ifndef YO_CPU_SHORT_PAIRS_H
#define YO_CPU_SHORT_PAIRS_H

#include "cpu/pairs.h"

/* The longest sequence whose matrices of pairs stay in the second cache. */
enum { YO_SHORT = 128 };

/* As in pairs.h, with x and y the queries' and keys' vectors, u the gradients of the results and z
 * the values: dx_i = scale sum_j b_ij (u_i . z_j) y_j, dy_j = scale sum_i b_ij (u_i . z_j) x_i and
 * dz_j = sum_i b_ij u_i. pairs has at, x, u, y, z and scale. */
yoso_status YO_CPU(short_pairs_grad)(const yo_rows *dx, const yo_rows *dy, const yo_rows *dz,
                                     const yo_pairs *pairs, yo_weigh *weigh);

/* Whether sequences attend to themselves and are all short. */
static inline bool yo_are_short(const yo_attention *at)
{
    return at->q_offset == at->k_offset && yo_longest(at->q_offset, at->sequences) <= YO_SHORT;
}

#endif
