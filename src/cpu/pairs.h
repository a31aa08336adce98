/* Sums over all pairs of rows and columns, tile by tile, with no matrix of pairs in memory.
 *
 * Rows i have vectors x_i and u_i, columns j have y_j and z_j; b_ij is a function of x_i . y_j.
 *     plain_i    = sum_j b_ij z_j
 *     weighted_i = scale * sum_j w_ij y_j,   w_ij = b_ij (u_i . z_j - row_shift_i - column_shift_j)
 * The forward pass is the plain sum with x, y, z = q, k, v; the gradient of q the weighted one
 * with u = the result's gradient; those of v and k are both with the roles of rows and columns
 * exchanged. A row's sums do not depend on how rows are dealt to threads. */
#ifndef YO_CPU_PAIRS_H
#define YO_CPU_PAIRS_H

#include "cpu/attention.h"
#include "cpu/tile.h"

/* Columns a panel, rows a block: a panel's vectors stay in the nearest cache while all rows of
 * the block pass by. */
enum { YO_PANEL = 64, YO_BLOCK = 128 * YO_TILE_ROWS };

typedef struct yo_pairs {
    const yo_attention *at;
    const int64_t *row_offset, *column_offset;
    yo_source x, u, y, z;            /* u.rows is NULL when no weighted sum is wanted */
    const yo_rows *plain, *weighted; /* NULL: not wanted */
    bool normalize_plain;
    float *stat; /* takes 1 / length of the plain sums, or NULL */
    float scale;
    /* b of `count` products in place, of rows row .. and columns column .. of the panel. */
    float factor;
    const float *row_log, *column_log, *row_shift, *column_shift; /* [rows, heads] or NULL */
} yo_pairs;

/* Turns the products of YO_TILE_ROWS rows (leading dimension YO_PANEL) into b, in place. */
typedef void yo_weigh(float *b, int64_t columns, const float *row_log, const float *column_log,
                      const yo_pairs *pairs);

yoso_status YO_CPU(pairs_sum)(const yo_pairs *pairs, yo_weigh *weigh);

/* `columns` vectors as rows [YO_PANEL, ld], with zeros up to the next multiple of YO_LANES, and
 * the same turned around [ld, YO_PANEL] unless turned is NULL. */
void YO_CPU(pairs_load_panel)(float *rows, float *turned, int64_t ld, const yo_source *source,
                              int64_t head, int64_t first, int64_t columns);

#endif
