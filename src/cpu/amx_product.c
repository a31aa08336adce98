/* The product on tiles. A thread has some rows of the result and some panels of columns. It packs
 * as many rows of the left factor as its second cache holds and takes them through every panel; a
 * panel, or a part of its depth, stays in the first cache while blocks of 32 rows stream past. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/amx_block.h"

enum {
    BLOCK = YO_AMX_BLOCK,
    FEW_BLOCKS = 2,            /* so few that a panel is not worth keeping in the first cache */
    GROUP_PANELS = 32,         /* most panels whose sums are kept in wide form */
    ONE_BLOCK = BLOCK * BLOCK, /* sums of a block that is finished at once */
};

/* Most blocks of rows packed at once. */
static const int64_t row_blocks[] = {[YO_AMX_BF16] = 16, [YO_AMX_F32] = 8, [YO_AMX_INT8] = 16};

/* Products of at most most_steps are summed at once. Deeper ones are summed in parts of at most
 * part_steps, so that a part of a panel fits the first cache beside what streams past it; but not
 * for few blocks of rows, which read panels from end to end, as fast as memory gives them. */
static const int64_t most_steps[] = {[YO_AMX_BF16] = 32, [YO_AMX_F32] = 4, [YO_AMX_INT8] = 32};
static const int64_t part_steps[] = {[YO_AMX_BF16] = 16, [YO_AMX_F32] = 4, [YO_AMX_INT8] = 16};

/* -- How the work is cut --------------------------------------------------------------------------
 */

/* Threads stand in a grid, row_threads by column_threads. In `wide` form the sums of a group of
 * panels are kept until they are whole: for deep products, and for a layer norm, whose group are
 * all panels. */
typedef struct plan {
    const yo_factor *left;
    const yo_amx_right *right;
    const yo_amx_finish *finish;
    int row_threads, column_threads;
    int64_t row_blocks, panels;  /* of 32, in all */
    int64_t rounds, most_blocks; /* a thread's blocks of rows, most_blocks at a time */
    int64_t parts, part_steps, group_panels;
    int64_t left_bytes; /* of one step of a block */
    bool wide;
    int64_t ld; /* of wide sums */
    char *scratch;
    size_t thread_bytes, sums_bytes, bytes;
} plan;

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Few rows: columns are shared out, so that each thread reads its part of the right factor only. */
static void make_grid(plan *p, int threads)
{
    int64_t most = row_blocks[p->right->kind];
    p->row_threads = threads;
    while (p->row_threads > 1 &&
           (threads % p->row_threads || p->row_blocks < p->row_threads * most))
        p->row_threads--;
    p->column_threads = threads / p->row_threads;
    int64_t blocks = divide_up(p->row_blocks, p->row_threads);
    p->rounds = divide_up(blocks, most);
    p->most_blocks = divide_up(blocks, p->rounds);
}

/* A thread's scratch: left tiles, planes of a panel, sums of two blocks, scales of rows. */
typedef struct places {
    char *left, *planes;
    float *sums, *scale;
} places;

static size_t lay_out(places *at, char *scratch, const plan *p)
{
    size_t planes = p->right->kind == YO_AMX_F32
                        ? (size_t)(p->part_steps * YO_AMX_PLANES * YO_AMX_STEP_BYTES)
                        : 0;
    size_t left = (size_t)(p->most_blocks * p->part_steps * p->left_bytes);
    size_t sums = 2 * ONE_BLOCK * sizeof(float);
    at->left = scratch;
    at->planes = scratch + left;
    at->sums = (float *)(void *)(scratch + left + planes);
    at->scale = at->sums + 2 * ONE_BLOCK;
    return left + planes + sums + (size_t)(p->most_blocks * BLOCK) * sizeof(float);
}

/* Wide sums belong to one thread, but those of a layer norm to a row of the grid. */
static yoso_status make_plan(plan *p, int threads)
{
    const yo_amx_right *right = p->right;
    bool norm = p->finish->norm_weight != NULL;
    p->row_blocks = divide_up(p->left->rows, BLOCK);
    p->panels = divide_up(right->rows, BLOCK);
    make_grid(p, threads);
    bool deep = right->steps > most_steps[right->kind] && p->most_blocks > FEW_BLOCKS;
    p->wide = norm || deep;
    p->parts = deep ? divide_up(right->steps, part_steps[right->kind]) : 1;
    p->part_steps = divide_up(right->steps, p->parts);
    p->left_bytes = YO_AMX_STEP_BYTES * (right->kind == YO_AMX_F32 ? YO_AMX_PLANES : 1);
    p->group_panels = norm || !p->wide ? p->panels : smaller(GROUP_PANELS, p->panels);
    p->ld = p->group_panels * BLOCK + 16; /* rows begin in different sets of the cache */
    places none;
    p->thread_bytes = lay_out(&none, NULL, p);
    p->sums_bytes = p->wide ? (size_t)(p->most_blocks * BLOCK * p->ld) * sizeof(float) : 0;
    p->bytes = p->thread_bytes * (size_t)threads +
               p->sums_bytes * (size_t)(norm ? p->row_threads : threads);
    return yo_memory_take((void **)&p->scratch, p->bytes);
}

/* One thread's share. */
typedef struct share {
    const plan *p;
    places at;
    float *sums;                      /* wide: [most_blocks * 32, ld] */
    int64_t first_block, block_count; /* of rows */
    int64_t first_panel, panel_count;
    int column; /* in the grid */
} share;

static share share_of(const plan *p, int thread)
{
    share s = {.p = p, .column = thread % p->column_threads};
    int row = thread / p->column_threads;
    s.first_block = p->row_blocks * row / p->row_threads;
    s.block_count = p->row_blocks * (row + 1) / p->row_threads - s.first_block;
    s.first_panel = p->panels * s.column / p->column_threads;
    s.panel_count = p->panels * (s.column + 1) / p->column_threads - s.first_panel;
    lay_out(&s.at, p->scratch + (size_t)thread * p->thread_bytes, p);
    size_t threads = (size_t)p->row_threads * (size_t)p->column_threads;
    size_t owner = (size_t)(p->finish->norm_weight ? row : thread);
    s.sums = (float *)(void *)(p->scratch + threads * p->thread_bytes + owner * p->sums_bytes);
    return s;
}

/* -- A thread's work ------------------------------------------------------------------------------
 */

/* Some packed rows: blocks from row `row` of the result on. */
typedef struct rows_at {
    int64_t row, count, blocks;
} rows_at;

/* Some panels, and the column of wide sums where they begin. */
typedef struct panels_at {
    int64_t first, count, column;
} panels_at;

/* Some steps of the depth. */
typedef struct part_at {
    int64_t first, steps;
} part_at;

static const char *raw_panel(const plan *p, int64_t panel, const part_at *part)
{
    return p->right->panels + (panel * p->right->steps + part->first) * p->right->step_bytes;
}

static const char *panel_tiles(const share *s, int64_t panel, const part_at *part)
{
    const char *raw = raw_panel(s->p, panel, part);
    if (s->p->right->kind != YO_AMX_F32)
        return raw;
    YO_CPU(amx_split_panel)(s->at.planes, raw, part->steps);
    return s->at.planes;
}

/* The packed rows through the panels, in one part of the depth. */
static void multiply(const share *s, const rows_at *rows, const panels_at *panels,
                     const part_at *part)
{
    const plan *p = s->p;
    yo_amx_summer *sum = YO_CPU(amx_summer)(p->right->kind, p->finish->activation);
    yo_amx_beside b = {.finish = p->finish};
    b.rows_a_step = divide_up(BLOCK, part->steps);
    if (rows->blocks > FEW_BLOCKS)
        b.lines_a_step = divide_up(p->right->step_bytes / YO_CACHE_LINE, rows->blocks);
    bool last = !p->finish->norm_weight && part->first + part->steps == p->right->steps;
    int64_t turn = 0, ld = p->wide ? p->ld : BLOCK;
    for (int64_t panel = panels->first; panel < panels->first + panels->count; panel++) {
        const char *tiles = panel_tiles(s, panel, part);
        b.ahead = raw_panel(p, panel + 1 < p->panels ? panel + 1 : 0, part);
        int64_t column = panels->column + (panel - panels->first) * BLOCK;
        for (int64_t i = 0; i < rows->blocks; i++, turn ^= 1) {
            const char *left = s->at.left + i * part->steps * p->left_bytes;
            float *sums =
                p->wide ? s->sums + i * BLOCK * p->ld + column : s->at.sums + turn * ONE_BLOCK;
            sum(sums, ld, left, tiles, part->steps, part->first > 0, &b);
            b.ahead += part->steps * b.lines_a_step * YO_CACHE_LINE;
            if (last)
                b.waiting =
                    (yo_amx_pending){.sums = sums,
                                     .row_scale = s->at.scale + i * BLOCK,
                                     .ld = ld,
                                     .row = rows->row + i * BLOCK,
                                     .rows = smaller(BLOCK, rows->count - i * BLOCK),
                                     .column = panel * BLOCK,
                                     .columns = smaller(BLOCK, p->right->rows - panel * BLOCK)};
        }
    }
    const yo_amx_pending *rest = &b.waiting;
    if (rest->rows > 0)
        YO_CPU(amx_finish)
    (p->finish, rest->sums, ld, rest->row_scale, rest->row, rest->rows, rest->column,
     rest->columns);
}

/* All threads of a row of the grid have summed their columns before the norm; each takes some of
 * the rows then. */
static void finish_norm(const share *s, const rows_at *rows)
{
    const plan *p = s->p;
#pragma omp barrier
    int64_t first = rows->count * s->column / p->column_threads;
    int64_t count = rows->count * (s->column + 1) / p->column_threads - first;
    if (count > 0)
        YO_CPU(amx_finish_norm)
    (p->finish, s->sums + first * p->ld, p->ld, s->at.scale + first, rows->row + first, count);
#pragma omp barrier
}

static void multiply_parts(const share *s, const rows_at *rows, const panels_at *panels)
{
    const plan *p = s->p;
    for (part_at part = {.first = 0}; part.first < p->right->steps; part.first += part.steps) {
        part.steps = smaller(p->part_steps, p->right->steps - part.first);
        YO_CPU(amx_pack_left)
        (s->at.left, p->right->kind, p->left, rows->row, rows->count, part.first, part.steps,
         s->at.scale);
        yo_amx_fence();
        multiply(s, rows, panels, &part);
    }
}

static rows_at rows_of_round(const share *s, int64_t round)
{
    const plan *p = s->p;
    int64_t start = s->block_count * round / p->rounds;
    rows_at rows = {.row = (s->first_block + start) * BLOCK,
                    .blocks = s->block_count * (round + 1) / p->rounds - start};
    rows.count = smaller(rows.blocks * BLOCK, p->left->rows - rows.row);
    return rows;
}

static void work(const share *s)
{
    const plan *p = s->p;
    bool norm = p->finish->norm_weight != NULL;
    yo_amx_enter();
    for (int64_t round = 0; round < p->rounds; round++) {
        rows_at rows = rows_of_round(s, round);
        if (p->right->kind == YO_AMX_INT8 && rows.blocks > 0)
            YO_CPU(amx_row_scales)(s->at.scale, p->left, rows.row, rows.count);
        for (int64_t done = 0; done < s->panel_count && rows.blocks > 0; done += p->group_panels) {
            panels_at panels = {.first = s->first_panel + done,
                                .count = smaller(p->group_panels, s->panel_count - done)};
            panels.column = norm ? panels.first * BLOCK : 0;
            multiply_parts(s, &rows, &panels);
        }
        if (norm)
            finish_norm(s, &rows);
    }
    yo_amx_leave();
}

/* False where the team is smaller than planned, and so nothing was done. */
static bool run_team(const plan *p, int threads)
{
    bool whole = true;
#pragma omp parallel num_threads(threads)
    if (omp_get_num_threads() == threads) {
        share s = share_of(p, omp_get_thread_num());
        work(&s);
    } else if (omp_get_thread_num() == 0) {
        whole = false;
    }
    return whole;
}

yoso_status YO_CPU(amx_product)(const yo_factor *left, const yo_amx_right *right,
                                const yo_amx_finish *finish)
{
    int threads = omp_in_parallel() ? 1 : yo_threads();
    if (left->rows * right->rows * right->depth < 64 * (int64_t)YO_CPU_GRAIN)
        threads = 1;
    for (bool done = false; !done; threads = 1) {
        plan p = {.left = left, .right = right, .finish = finish};
        YO_TRY(make_plan(&p, threads));
        done = run_team(&p, threads);
        yo_memory_give(p.scratch, p.bytes);
    }
    return YOSO_OK;
}
