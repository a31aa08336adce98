/* Where many rows of both sides share a bucket they meet as a small matrix product: (U Z^T) Y, or
 * U (Z^T Y) where so many do that this is less work. */
#include "cpu/lsh_meet.h"

/* Rows of the second side at a time. */
enum { CHUNK = 64 };

/* The rows that meet, CHUNK at a time, and what becomes of them. */
typedef struct workspace {
    float *u, *z, *z_turned, *y; /* [6, ld], [CHUNK, ld6], [ld, CHUNK], [CHUNK, y_ld] */
    float *weight, *product;     /* [6, CHUNK], [6, y_ld] */
    float *matrix;               /* [ld6, y_ld] */
} workspace;

static size_t lay_out(workspace *space, float *scratch, int64_t ld, int64_t y_ld)
{
    int64_t ld6 = yo_round_up(ld, YO_TILE_ROWS);
    float **part[] = {&space->u,      &space->z,       &space->z_turned, &space->y,
                      &space->weight, &space->product, &space->matrix};
    int64_t floats[] = {YO_TILE_ROWS * ld,    CHUNK * ld6,         ld * CHUNK, CHUNK * y_ld,
                        YO_TILE_ROWS * CHUNK, YO_TILE_ROWS * y_ld, ld6 * y_ld};
    size_t used = 0;
    for (int i = 0; i < 7; i++) {
        *part[i] = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(floats[i], 16);
    }
    return used;
}

size_t YO_CPU(lsh_meet_many_scratch)(int64_t ld, int64_t y_ld)
{
    workspace space;
    return lay_out(&space, NULL, ld, y_ld);
}

static void collect(float *to, int64_t to_ld, const float *from, int64_t ld, const int32_t *order,
                    int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        memcpy(to + i * to_ld, from + order[i] * ld, (size_t)ld * sizeof *to);
        memset(to + i * to_ld + ld, 0, (size_t)(to_ld - ld) * sizeof *to);
    }
}

/* sum[a] += left[6, depth] right[depth, y_ld] for up to six rows of a. */
static void add_rows(const workspace *space, const yo_weighted *w, const int32_t *a, int64_t rows,
                     const float *left, int64_t left_ld, const float *right, int64_t depth)
{
    yo_tile(space->product, w->y_ld, left, left_ld, 1, right, w->y_ld, depth, w->y_ld, false);
    for (int64_t r = 0; r < rows; r++) {
        float *sum = w->sum + a[r] * w->y_ld;
        for (int64_t e = 0; e < w->y_ld; e += YO_LANES)
            yo_store(sum + e, yo_load(sum + e) + yo_load(space->product + r * w->y_ld + e));
    }
}

static int64_t tile_rows(int64_t left)
{
    return left < YO_TILE_ROWS ? left : YO_TILE_ROWS;
}

/* (U Z^T) Y of one bucket. */
static void meet(const workspace *space, const yo_weighted *w, const int32_t *a, int64_t a_rows,
                 const int32_t *b, int64_t b_rows)
{
    for (int64_t j = 0; j < b_rows; j += CHUNK) {
        int64_t columns = b_rows - j < CHUNK ? b_rows - j : CHUNK;
        int64_t width = yo_round_up(columns, YO_LANES);
        collect(space->y, w->y_ld, w->y, w->y_ld, b + j, columns);
        collect(space->z, w->ld, w->z, w->ld, b + j, columns);
        memset(space->z + columns * w->ld, 0, (size_t)((width - columns) * w->ld) * sizeof(float));
        yo_transpose(space->z_turned, CHUNK, space->z, w->ld, columns, w->ld);
        for (int64_t i = 0; i < a_rows; i += YO_TILE_ROWS) {
            int64_t rows = tile_rows(a_rows - i);
            collect(space->u, w->ld, w->u, w->ld, a + i, rows);
            yo_tile(space->weight, CHUNK, space->u, w->ld, 1, space->z_turned, CHUNK, w->ld, width,
                    false);
            add_rows(space, w, a + i, rows, space->weight, CHUNK, space->y, columns);
        }
    }
}

/* U (Z^T Y) of one bucket. */
static void meet_by_matrix(const workspace *space, const yo_weighted *w, const int32_t *a,
                           int64_t a_rows, const int32_t *b, int64_t b_rows)
{
    int64_t ld6 = yo_round_up(w->ld, YO_TILE_ROWS);
    for (int64_t j = 0; j < b_rows; j += CHUNK) {
        int64_t depth = b_rows - j < CHUNK ? b_rows - j : CHUNK;
        collect(space->z, ld6, w->z, w->ld, b + j, depth);
        collect(space->y, w->y_ld, w->y, w->y_ld, b + j, depth);
        for (int64_t e = 0; e < ld6; e += YO_TILE_ROWS)
            yo_tile(space->matrix + e * w->y_ld, w->y_ld, space->z + e, 1, ld6, space->y, w->y_ld,
                    depth, w->y_ld, j > 0);
    }
    for (int64_t i = 0; i < a_rows; i += YO_TILE_ROWS) {
        int64_t rows = tile_rows(a_rows - i);
        collect(space->u, w->ld, w->u, w->ld, a + i, rows);
        add_rows(space, w, a + i, rows, space->u, w->ld, space->matrix, w->ld);
    }
}

void YO_CPU(lsh_meet_many)(const yo_weighted *w, const int32_t *a, int64_t a_rows, const int32_t *b,
                           int64_t b_rows, float *scratch)
{
    workspace space;
    lay_out(&space, scratch, w->ld, w->y_ld);
    memset(space.u, 0, (size_t)(YO_TILE_ROWS * w->ld) * sizeof(float));
    if (a_rows * b_rows * (w->ld + w->y_ld) <= (a_rows + b_rows) * w->ld * w->y_ld)
        meet(&space, w, a, a_rows, b, b_rows);
    else
        meet_by_matrix(&space, w, a, a_rows, b, b_rows);
}
