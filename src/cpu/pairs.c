/* The walk over pairs: blocks of rows, and for each the panels of columns. */
#include "cpu/pairs.h"

#include <omp.h>

/* One thread's buffers, cut out of its scratch. */
typedef struct workspace {
    float *x, *u, *plain, *weighted;          /* a block: [YO_BLOCK, ld] */
    float *inverse, *row_log, *row_shift;     /* [YO_BLOCK] */
    float *y, *z, *y_turned, *z_turned;       /* a panel: [YO_PANEL, ld], [size, YO_PANEL] */
    float *column_log, *column_shift, *b, *w; /* [YO_PANEL], [YO_TILE_ROWS, YO_PANEL] */
} workspace;

/* Leading dimensions: x and y, u and z. */
typedef struct widths {
    int64_t x, z;
} widths;

static widths widths_of(const yo_pairs *pairs)
{
    return (widths){yo_round_up(pairs->x.size, YO_LANES), yo_round_up(pairs->z.size, YO_LANES)};
}

/* The next `floats` of the scratch; with scratch NULL they are only counted. */
static float *cut(float *scratch, size_t *used, int64_t floats)
{
    float *start = scratch ? scratch + *used : NULL;
    *used += (size_t)yo_round_up(floats, 16);
    return start;
}

/* Cuts the buffers; returns the floats they take. */
static size_t lay_out(workspace *space, float *scratch, widths width)
{
    size_t used = 0;
    space->x = cut(scratch, &used, YO_BLOCK * width.x);
    space->u = cut(scratch, &used, YO_BLOCK * width.z);
    space->plain = cut(scratch, &used, YO_BLOCK * width.z);
    space->weighted = cut(scratch, &used, YO_BLOCK * width.x);
    space->inverse = cut(scratch, &used, YO_BLOCK);
    space->row_log = cut(scratch, &used, YO_BLOCK);
    space->row_shift = cut(scratch, &used, YO_BLOCK);
    space->y = cut(scratch, &used, YO_PANEL * width.x);
    space->z = cut(scratch, &used, YO_PANEL * width.z);
    space->y_turned = cut(scratch, &used, YO_PANEL * width.x);
    space->z_turned = cut(scratch, &used, YO_PANEL * width.z);
    space->column_log = cut(scratch, &used, YO_PANEL);
    space->column_shift = cut(scratch, &used, YO_PANEL);
    space->b = cut(scratch, &used, YO_TILE_ROWS * YO_PANEL);
    space->w = cut(scratch, &used, YO_TILE_ROWS * YO_PANEL);
    return used;
}

/* Numbers [rows, heads] of one head; 0 where there are none. */
static void load_numbers(float *to, const float *from, const yo_job *job, int64_t first,
                         int64_t count, int64_t heads)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = from ? from[(first + i) * heads + job->head] : 0;
}

static void load_block(const workspace *space, const yo_pairs *pairs, widths width,
                       const yo_job *job, int64_t rows)
{
    int64_t heads = pairs->at->heads, spare = rows - job->count;
    YO_CPU(attention_load)
    (space->x, width.x, space->inverse, &pairs->x, job->head, job->first, job->count);
    memset(space->x + job->count * width.x, 0, (size_t)(spare * width.x) * sizeof(float));
    if (pairs->weighted) {
        YO_CPU(attention_load)
        (space->u, width.z, NULL, &pairs->u, job->head, job->first, job->count);
        memset(space->u + job->count * width.z, 0, (size_t)(spare * width.z) * sizeof(float));
        memset(space->weighted, 0, (size_t)(rows * width.x) * sizeof(float));
    }
    if (pairs->plain)
        memset(space->plain, 0, (size_t)(rows * width.z) * sizeof(float));
    memset(space->row_log, 0, (size_t)rows * sizeof(float));
    memset(space->row_shift, 0, (size_t)rows * sizeof(float));
    load_numbers(space->row_log, pairs->row_log, job, job->first, job->count, heads);
    load_numbers(space->row_shift, pairs->row_shift, job, job->first, job->count, heads);
}

void YO_CPU(pairs_load_panel)(float *rows, float *turned, int64_t ld, const yo_source *source,
                              int64_t head, int64_t first, int64_t columns)
{
    YO_CPU(attention_load)(rows, ld, NULL, source, head, first, columns);
    int64_t spare = yo_round_up(columns, YO_LANES) - columns;
    memset(rows + columns * ld, 0, (size_t)(spare * ld) * sizeof *rows);
    if (turned)
        yo_transpose(turned, YO_PANEL, rows, ld, columns, source->size);
}

static void load_panel(const workspace *space, const yo_pairs *pairs, widths width,
                       const yo_job *job, int64_t first, int64_t columns)
{
    int64_t heads = pairs->at->heads;
    YO_CPU(pairs_load_panel)
    (space->y, space->y_turned, width.x, &pairs->y, job->head, first, columns);
    YO_CPU(pairs_load_panel)
    (space->z, pairs->weighted ? space->z_turned : NULL, width.z, &pairs->z, job->head, first,
     columns);
    memset(space->column_log, 0, YO_PANEL * sizeof(float));
    memset(space->column_shift, 0, YO_PANEL * sizeof(float));
    load_numbers(space->column_log, pairs->column_log, job, first, columns, heads);
    load_numbers(space->column_shift, pairs->column_shift, job, first, columns, heads);
}

/* w = b (w - row_shift - column_shift) for a tile. */
static void shift_and_multiply(const workspace *space, int64_t row, int64_t width)
{
    for (int64_t r = 0; r < YO_TILE_ROWS; r++) {
        yo_vec shift = yo_splat(space->row_shift[row + r]);
        for (int64_t j = 0; j < width; j += YO_LANES) {
            float *w = space->w + r * YO_PANEL + j;
            yo_vec product = yo_load(w) - shift - yo_load(space->column_shift + j);
            yo_store(w, product * yo_load(space->b + r * YO_PANEL + j));
        }
    }
}

static void add_panel(const workspace *space, const yo_pairs *pairs, yo_weigh *weigh, widths width,
                      int64_t rows, int64_t columns)
{
    int64_t panel = yo_round_up(columns, YO_LANES);
    for (int64_t row = 0; row < rows; row += YO_TILE_ROWS) {
        yo_tile(space->b, YO_PANEL, space->x + row * width.x, width.x, 1, space->y_turned, YO_PANEL,
                pairs->x.size, panel, false);
        weigh(space->b, panel, space->row_log + row, space->column_log, pairs);
        if (pairs->plain)
            yo_tile(space->plain + row * width.z, width.z, space->b, YO_PANEL, 1, space->z, width.z,
                    columns, width.z, true);
        if (!pairs->weighted)
            continue;
        yo_tile(space->w, YO_PANEL, space->u + row * width.z, width.z, 1, space->z_turned, YO_PANEL,
                pairs->z.size, panel, false);
        shift_and_multiply(space, row, panel);
        yo_tile(space->weighted + row * width.x, width.x, space->w, YO_PANEL, 1, space->y, width.x,
                columns, width.x, true);
    }
}

static void write_block(const workspace *space, const yo_pairs *pairs, widths width,
                        const yo_job *job)
{
    for (int64_t i = 0; i < job->count; i++) {
        int64_t token = job->first + i;
        if (pairs->plain) {
            float *row = space->plain + i * width.z;
            float inverse =
                pairs->normalize_plain ? YO_CPU(attention_normalize)(row, pairs->z.size) : 1;
            if (pairs->stat)
                pairs->stat[token * pairs->at->heads + job->head] = inverse;
            YO_CPU(attention_store)
            (pairs->plain, pairs->x.keep, job->head, token, row, pairs->z.size);
        }
        if (pairs->weighted) {
            float *row = space->weighted + i * width.x;
            for (int64_t e = 0; e < pairs->x.size; e++)
                row[e] *= pairs->scale;
            if (pairs->x.unit)
                YO_CPU(attention_normalize_grad)
            (row, space->x + i * width.x, space->inverse[i], pairs->x.size);
            YO_CPU(attention_store)
            (pairs->weighted, pairs->x.keep, job->head, token, row, pairs->x.size);
        }
    }
}

static void run(const yo_pairs *pairs, yo_weigh *weigh, const yo_job *job, float *scratch)
{
    widths width = widths_of(pairs);
    workspace space;
    lay_out(&space, scratch, width);
    int64_t rows = yo_round_up(job->count, YO_TILE_ROWS);
    load_block(&space, pairs, width, job, rows);
    int64_t end = pairs->column_offset[job->sequence + 1];
    for (int64_t first = pairs->column_offset[job->sequence]; first < end; first += YO_PANEL) {
        int64_t columns = end - first < YO_PANEL ? end - first : YO_PANEL;
        load_panel(&space, pairs, width, job, first, columns);
        add_panel(&space, pairs, weigh, width, rows, columns);
    }
    write_block(&space, pairs, width, job);
}

yoso_status YO_CPU(pairs_sum)(const yo_pairs *pairs, yo_weigh *weigh)
{
    workspace space;
    yo_jobs jobs;
    YO_TRY(YO_CPU(attention_jobs)(&jobs, pairs->at, pairs->row_offset, YO_BLOCK,
                                  lay_out(&space, NULL, widths_of(pairs))));
#pragma omp parallel for num_threads(jobs.threads) schedule(dynamic, 1)
    for (int64_t i = 0; i < jobs.count; i++)
        run(pairs, weigh, jobs.job + i,
            jobs.scratch + (size_t)omp_get_thread_num() * jobs.scratch_floats);
    YO_CPU(attention_jobs_free)(&jobs);
    return YOSO_OK;
}
