/* One block of results: 32 rows of the left factor by a panel of 32 columns, summed along K. */
#ifndef YO_CPU_AMX_BLOCK_H
#define YO_CPU_AMX_BLOCK_H

#include "cpu/amx_finish.h"

#if defined(__AMX_TILE__)

enum { YO_CACHE_LINE = 64 };

/* A block whose sums [rows, ld] wait to be finished. */
typedef struct yo_amx_pending {
    const float *sums, *row_scale;
    int64_t ld, row, rows, column, columns;
} yo_amx_pending;

/* What is done beside the sums, a little at every step: finishing the block before, and fetching
 * lines of the panel that comes next. */
typedef struct yo_amx_beside {
    yo_amx_pending waiting;
    const yo_amx_finish *finish;
    int64_t rows_a_step;
    const char *ahead;
    int64_t lines_a_step;
} yo_amx_beside;

/* sums [32, ld] = left right^T, or with add += it; both in tiles, steps of them. */
typedef void yo_amx_summer(float *sums, int64_t ld, const char *left, const char *right,
                           int64_t steps, bool add, const yo_amx_beside *beside);

/* The summer of that kind, which finishes with that activation. */
yo_amx_summer *YO_CPU(amx_summer)(yo_amx_kind kind, int32_t activation);

#endif
#endif
