/* The gradient of a short sequence's attention: the weights b and their gradients w of all pairs
 * are made once and stay in the cache, where pairs.c, which keeps no pairs, makes them once for the
 * queries and once for the keys. */
#include "cpu/short_pairs.h"

#include <omp.h>

/* One thread's buffers: rows [.., ld] of the four operands and of the three results, two operands
 * turned around, and the pairs. */
typedef struct workspace {
    float *x, *u, *y, *z, *y_turned, *z_turned;
    float *b, *w, *dx, *dy, *dz;
    float *x_inverse, *y_inverse, *tile;
    int64_t x_ld, z_ld;
} workspace;

static size_t lay_out(workspace *s, float *scratch, const yo_pairs *pairs)
{
    enum { ROWS = (YO_SHORT + YO_TILE_ROWS - 1) / YO_TILE_ROWS * YO_TILE_ROWS };
    s->x_ld = yo_round_up(pairs->x.size, YO_LANES);
    s->z_ld = yo_round_up(pairs->z.size, YO_LANES);
    struct {
        float **part;
        int64_t floats;
    } parts[] = {
        {&s->x, ROWS * s->x_ld},        {&s->u, ROWS * s->z_ld},
        {&s->y, ROWS * s->x_ld},        {&s->z, ROWS * s->z_ld},
        {&s->y_turned, ROWS * s->x_ld}, {&s->z_turned, ROWS * s->z_ld},
        {&s->b, (ROWS + 1) * YO_SHORT}, {&s->w, (ROWS + 1) * YO_SHORT},
        {&s->dx, ROWS * s->x_ld},       {&s->dy, ROWS * s->x_ld},
        {&s->dz, ROWS * s->z_ld},       {&s->x_inverse, ROWS},
        {&s->y_inverse, ROWS},          {&s->tile, YO_TILE_ROWS * YO_PANEL},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].part = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(parts[i].floats, 16);
    }
    return used;
}

/* Rows of one operand, with zeros up to the next multiple of `step`. */
static void load(float *rows, int64_t ld, float *inverse, const yo_source *source,
                 const yo_job *job, int64_t step)
{
    YO_CPU(attention_load)(rows, ld, inverse, source, job->head, job->first, job->count);
    int64_t spare = yo_round_up(job->count, step) - job->count;
    memset(rows + job->count * ld, 0, (size_t)(spare * ld) * sizeof *rows);
}

/* b and w of six queries, a panel of keys at a time; `width` keys, zeros included. */
static void pairs_of_rows(const workspace *s, const yo_pairs *pairs, yo_weigh *weigh, int64_t row,
                          int64_t width)
{
    float *b = s->b + row * width, *w = s->w + row * width;
    const float none[YO_PANEL] = {0};
    for (int64_t first = 0; first < width; first += YO_PANEL) {
        int64_t columns = width - first < YO_PANEL ? width - first : YO_PANEL;
        yo_tile(s->tile, YO_PANEL, s->x + row * s->x_ld, s->x_ld, 1, s->y_turned + first, width,
                pairs->x.size, columns, false);
        weigh(s->tile, columns, none, none, pairs);
        yo_tile(w + first, width, s->u + row * s->z_ld, s->z_ld, 1, s->z_turned + first, width,
                pairs->z.size, columns, false);
        for (int64_t r = 0; r < YO_TILE_ROWS; r++)
            for (int64_t j = 0; j < columns; j += YO_LANES) {
                yo_vec weight = yo_load(s->tile + r * YO_PANEL + j);
                float *product = w + r * width + first + j;
                yo_store(b + r * width + first + j, weight);
                yo_store(product, yo_load(product) * weight * pairs->scale);
            }
    }
}

/* out[j] = sum over the queries of matrix[i][j] right[i], for `count` keys. */
static void add_columns(float *out, int64_t ld, const float *matrix, int64_t width,
                        const float *right, int64_t queries, int64_t count)
{
    for (int64_t j = 0; j < count; j += YO_TILE_ROWS)
        yo_tile(out + j * ld, ld, matrix + j, 1, width, right, ld, queries, ld, false);
}

static void store(const yo_rows *to, const yo_source *source, float *rows, int64_t ld,
                  const float *unit, const float *inverse, const yo_job *job)
{
    for (int64_t i = 0; i < job->count; i++) {
        if (source->unit)
            YO_CPU(attention_normalize_grad)
        (rows + i * ld, unit + i * ld, inverse[i], source->size);
        YO_CPU(attention_store)
        (to, source->keep, job->head, job->first + i, rows + i * ld, source->size);
    }
}

static void run(const yo_rows *dx, const yo_rows *dy, const yo_rows *dz, const yo_pairs *pairs,
                yo_weigh *weigh, const yo_job *job, float *scratch)
{
    workspace s;
    lay_out(&s, scratch, pairs);
    int64_t n = job->count, width = yo_round_up(n, YO_LANES);
    load(s.x, s.x_ld, s.x_inverse, &pairs->x, job, YO_TILE_ROWS);
    load(s.u, s.z_ld, NULL, &pairs->u, job, YO_TILE_ROWS);
    load(s.y, s.x_ld, s.y_inverse, &pairs->y, job, YO_LANES);
    load(s.z, s.z_ld, NULL, &pairs->z, job, YO_LANES);
    yo_transpose(s.y_turned, width, s.y, s.x_ld, n, pairs->x.size);
    yo_transpose(s.z_turned, width, s.z, s.z_ld, n, pairs->z.size);
    for (int64_t row = 0; row < n; row += YO_TILE_ROWS) {
        pairs_of_rows(&s, pairs, weigh, row, width);
        yo_tile(s.dx + row * s.x_ld, s.x_ld, s.w + row * width, width, 1, s.y, s.x_ld, n, s.x_ld,
                false);
    }
    add_columns(s.dy, s.x_ld, s.w, width, s.x, n, n);
    add_columns(s.dz, s.z_ld, s.b, width, s.u, n, n);
    store(dx, &pairs->x, s.dx, s.x_ld, s.x, s.x_inverse, job);
    store(dy, &pairs->y, s.dy, s.x_ld, s.y, s.y_inverse, job);
    store(dz, &pairs->z, s.dz, s.z_ld, NULL, NULL, job);
}

yoso_status YO_CPU(short_pairs_grad)(const yo_rows *dx, const yo_rows *dy, const yo_rows *dz,
                                     const yo_pairs *pairs, yo_weigh *weigh)
{
    workspace s;
    yo_jobs jobs;
    YO_TRY(YO_CPU(attention_jobs)(&jobs, pairs->at, pairs->at->q_offset, YO_SHORT,
                                  lay_out(&s, NULL, pairs)));
#pragma omp parallel for num_threads(jobs.threads) schedule(dynamic, 4)
    for (int64_t i = 0; i < jobs.count; i++)
        run(dx, dy, dz, pairs, weigh, jobs.job + i,
            jobs.scratch + (size_t)omp_get_thread_num() * jobs.scratch_floats);
    YO_CPU(attention_jobs_free)(&jobs);
    return YOSO_OK;
}
