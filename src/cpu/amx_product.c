/* The product on tiles. A thread has some rows of the result and some panels of columns. It packs
 * as many rows of the left factor as its second cache holds and takes them through every panel; a
 * panel, or a part of its depth, stays in the first cache while blocks of 32 rows stream past. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/amx_finish.h"

enum {
    BLOCK = YO_AMX_BLOCK,
    ROW_BLOCKS = 8,    /* most blocks of rows packed at once */
    GROUP_PANELS = 32, /* most panels whose sums are kept in wide form */
    LINE = 64,
    ONE_BLOCK = BLOCK * BLOCK, /* sums of a block that is finished at once */
};

/* Products of at most most_steps are summed at once. Deeper ones are summed in parts of at most
 * part_steps, so that a part of a panel fits the first cache beside what streams past it. */
static const int64_t most_steps[] = {[YO_AMX_BF16] = 32, [YO_AMX_F32] = 4, [YO_AMX_INT8] = 32};
static const int64_t part_steps[] = {[YO_AMX_BF16] = 16, [YO_AMX_F32] = 4, [YO_AMX_INT8] = 16};

/* -- One block ------------------------------------------------------------------------------------
 */

/* A block whose sums wait to be finished. */
typedef struct pending {
    const float *sums, *row_scale;
    int64_t row, rows, column, columns;
} pending;

YO_INLINE void finish_some(const pending *p, const yo_amx_finish *f, int64_t done, int64_t rows,
                           const int32_t activation, const yo_amx_kind kind)
{
    int64_t end = done + rows < p->rows ? done + rows : p->rows;
    for (int64_t r = done; r < end; r++)
        yo_amx_finish_row(f, p->sums + r * BLOCK, p->row_scale + r, p->row + r, p->column,
                          p->columns, activation, kind);
}

/* What is done beside the sums, a little at every step: finishing the block before, and fetching
 * lines of the panel that comes next. Nothing here is written while a block is summed: loads of
 * tiles would wait for the stores. */
typedef struct beside {
    pending waiting;
    const yo_amx_finish *finish;
    int64_t rows_a_step;
    const char *ahead;
    int64_t lines_a_step;
} beside;

YO_INLINE void do_beside(const beside *b, int64_t step, const int32_t activation,
                         const yo_amx_kind kind)
{
    const char *line = b->ahead + step * b->lines_a_step * LINE;
    for (int64_t i = 0; i < b->lines_a_step; i++)
        _mm_prefetch(line + i * LINE, _MM_HINT_T1);
    if (step * b->rows_a_step < b->waiting.rows)
        finish_some(&b->waiting, b->finish, step * b->rows_a_step, b->rows_a_step, activation,
                    kind);
}

/* The sums are about to be stored: keeps the store from waiting for their lines. */
static inline void touch_sums(const float *sums, int64_t ld, int64_t row)
{
    for (int64_t r = row; r < row + 2 && r < BLOCK; r++) {
        __builtin_prefetch(sums + r * ld, 1);
        __builtin_prefetch(sums + r * ld + 16, 1);
    }
}

/* Left tiles 4 and 5 times right tiles 6 and 7 into 0 to 3. */
#define MULTIPLY(DOT)                                                                              \
    do {                                                                                           \
        DOT(0, 4, 6);                                                                              \
        DOT(1, 4, 7);                                                                              \
        DOT(2, 5, 6);                                                                              \
        DOT(3, 5, 7);                                                                              \
    } while (0)
/* The left factor streams past; only the right one is worth a place in the first cache. */
#define LOAD_LEFT(from)                                                                            \
    do {                                                                                           \
        _tile_stream_loadd(4, (from), YO_AMX_ROW_BYTES);                                           \
        _tile_stream_loadd(5, (from) + YO_AMX_BYTES, YO_AMX_ROW_BYTES);                            \
    } while (0)
#define LOAD_RIGHT(from)                                                                           \
    do {                                                                                           \
        _tile_loadd(6, (from), YO_AMX_ROW_BYTES);                                                  \
        _tile_loadd(7, (from) + YO_AMX_BYTES, YO_AMX_ROW_BYTES);                                   \
    } while (0)

static inline void multiply_planes(const char *left, const char *right)
{
    enum { HIGH = 0, MIDDLE = YO_AMX_STEP_BYTES, LOW = 2 * YO_AMX_STEP_BYTES };
    LOAD_LEFT(left + HIGH);
    LOAD_RIGHT(right + LOW);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_RIGHT(right + MIDDLE);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_RIGHT(right + HIGH);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_LEFT(left + MIDDLE);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_RIGHT(right + MIDDLE);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_LEFT(left + LOW);
    LOAD_RIGHT(right + HIGH);
    MULTIPLY(_tile_dpbf16ps);
}

YO_INLINE void sum_block(float *sums, int64_t ld, const char *left, const char *right,
                         int64_t steps, bool add, const beside *b, const int32_t activation,
                         const yo_amx_kind kind)
{
    const int64_t bytes = YO_AMX_STEP_BYTES * (kind == YO_AMX_F32 ? YO_AMX_PLANES : 1);
    int64_t row_bytes = ld * (int64_t)sizeof *sums;
    if (add) {
        _tile_loadd(0, sums, row_bytes);
        _tile_loadd(1, sums + 16, row_bytes);
        _tile_loadd(2, sums + 16 * ld, row_bytes);
        _tile_loadd(3, sums + 16 * ld + 16, row_bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t s = 0; s < steps; s++, left += bytes, right += bytes) {
        if (kind == YO_AMX_F32) {
            multiply_planes(left, right);
        } else {
            LOAD_RIGHT(right);
            LOAD_LEFT(left);
            if (kind == YO_AMX_INT8)
                MULTIPLY(_tile_dpbssd);
            else
                MULTIPLY(_tile_dpbf16ps);
        }
        if (steps - s <= BLOCK / 2)
            touch_sums(sums, ld, 2 * (BLOCK / 2 - (steps - s)));
        do_beside(b, s, activation, kind);
    }
    yo_amx_fence();
    _tile_stored(0, sums, row_bytes);
    _tile_stored(1, sums + 16, row_bytes);
    _tile_stored(2, sums + 16 * ld, row_bytes);
    _tile_stored(3, sums + 16 * ld + 16, row_bytes);
    yo_amx_fence();
}

typedef void summer(float *sums, int64_t ld, const char *left, const char *right, int64_t steps,
                    bool add, const beside *b);

/* One copy of the loop for each kind and activation. */
#define SUMMER(KIND, ACTIVATION)                                                                   \
    static void sum_##KIND##_##ACTIVATION(float *sums, int64_t ld, const char *left,               \
                                          const char *right, int64_t steps, bool add,              \
                                          const beside *b)                                         \
    {                                                                                              \
        sum_block(sums, ld, left, right, steps, add, b, YOSO_ACT_##ACTIVATION, YO_AMX_##KIND);     \
    }
#define SUMMERS(KIND) SUMMER(KIND, NONE) SUMMER(KIND, GELU) SUMMER(KIND, RELU) SUMMER(KIND, TANH)
SUMMERS(BF16)
SUMMERS(F32)
SUMMERS(INT8)

static summer *summer_of(yo_amx_kind kind, int32_t activation)
{
#define ROW(KIND)                                                                                  \
    {                                                                                              \
        sum_##KIND##_NONE, sum_##KIND##_GELU, sum_##KIND##_RELU, sum_##KIND##_TANH                 \
    }
    static summer *const table[][4] = {
        [YO_AMX_BF16] = ROW(BF16), [YO_AMX_F32] = ROW(F32), [YO_AMX_INT8] = ROW(INT8)};
    return table[kind][activation];
}

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
    p->row_threads = threads;
    while (p->row_threads > 1 &&
           (threads % p->row_threads || p->row_blocks < p->row_threads * ROW_BLOCKS))
        p->row_threads--;
    p->column_threads = threads / p->row_threads;
    int64_t blocks = divide_up(p->row_blocks, p->row_threads);
    p->rounds = divide_up(blocks, ROW_BLOCKS);
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
    p->wide = norm || right->steps > most_steps[right->kind];
    p->parts = p->wide ? divide_up(right->steps, part_steps[right->kind]) : 1;
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
    summer *sum = summer_of(p->right->kind, p->finish->activation);
    beside b = {.finish = p->finish};
    b.rows_a_step = divide_up(BLOCK, part->steps);
    b.lines_a_step = divide_up(p->right->step_bytes / LINE, rows->blocks);
    int64_t turn = 0;
    for (int64_t panel = panels->first; panel < panels->first + panels->count; panel++) {
        const char *tiles = panel_tiles(s, panel, part);
        b.ahead = raw_panel(p, panel + 1 < p->panels ? panel + 1 : 0, part);
        int64_t column = panels->column + (panel - panels->first) * BLOCK;
        for (int64_t i = 0; i < rows->blocks; i++, turn ^= 1) {
            const char *left = s->at.left + i * part->steps * p->left_bytes;
            float *sums =
                p->wide ? s->sums + i * BLOCK * p->ld + column : s->at.sums + turn * ONE_BLOCK;
            sum(sums, p->wide ? p->ld : BLOCK, left, tiles, part->steps, part->first > 0, &b);
            b.ahead += part->steps * b.lines_a_step * LINE;
            if (!p->wide)
                b.waiting = (pending){.sums = sums,
                                      .row_scale = s->at.scale + i * BLOCK,
                                      .row = rows->row + i * BLOCK,
                                      .rows = smaller(BLOCK, rows->count - i * BLOCK),
                                      .column = panel * BLOCK,
                                      .columns = smaller(BLOCK, p->right->rows - panel * BLOCK)};
        }
    }
    const pending *last = &b.waiting;
    if (last->rows > 0)
        YO_CPU(amx_finish)
    (p->finish, last->sums, BLOCK, last->row_scale, last->row, last->rows, last->column,
     last->columns);
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

static void finish_group(const share *s, const rows_at *rows, const panels_at *panels)
{
    const plan *p = s->p;
    int64_t column = panels->first * BLOCK;
    YO_CPU(amx_finish)
    (p->finish, s->sums, p->ld, s->at.scale, rows->row, rows->count, column,
     smaller(panels->count * BLOCK, p->right->rows - column));
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
            if (p->wide && !norm)
                finish_group(s, &rows, &panels);
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
