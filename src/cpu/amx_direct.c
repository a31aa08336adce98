/* Products of large matrices on the matrix unit: operands in blocks, and who multiplies which. */
#include "cpu/amx_direct.h"

#if defined(__AMX_TILE__)

#include <omp.h>

#include "core/dtype.h"
#include "core/memory.h"
#include "cpu/amx_direct_sums.h"

enum {
    BLOCK_STEPS = 128,       /* along K at a time */
    INNER_STEPS = 8,         /* whose tiles of a panel of A stay in the nearest cache */
    BLOCK_NUMBERS = 4 << 20, /* in a packed block of one operand */
    NEAR_NUMBERS = 512 << 10 /* of B in the second cache */
};

/* A block of an operand: `panels` panels from `first` on, `steps` steps from `step` on. */
typedef struct block {
    uint16_t *tiles;
    int64_t first, panels, step, steps, most;
} block;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t panels_of(const yo_amx_operand *x)
{
    return (x->rows + YO_WIDE - 1) / YO_WIDE;
}

static int64_t panel_numbers(const block *b, int pieces)
{
    return b->steps * pieces * 2 * YO_TILE_NUMBERS;
}

/* The threads that work on one product together: {1, 0} is one alone. */
typedef struct crew {
    int64_t threads, me;
} crew;

static void wait_for_all(const crew *c)
{
    if (c->threads > 1) {
#pragma omp barrier
    }
}

/* This thread's share of `count`. */
typedef struct span {
    int64_t first, end;
} span;

static span share_of(int64_t count, const crew *c)
{
    return (span){count * c->me / c->threads, count * (c->me + 1) / c->threads};
}

/* Some panels of a block. What lies side by side in memory is read together: a panel's rows along
 * K, or a step of K across the panels. */
static void pack_panels(const block *b, const yo_amx_operand *x, int pieces, span panels,
                        span steps)
{
    int64_t size = panel_numbers(b, pieces), first_k = b->step * YO_STEP;
    int64_t at_once = x->k_stride == 1 ? steps.end - steps.first : 1;
    for (int64_t step = steps.first; step < steps.end; step += at_once)
        for (int64_t panel = panels.first; panel < panels.end; panel++)
            yo_pack_steps(b->tiles + panel * size, x, (b->first + panel) * YO_WIDE, first_k, step,
                          at_once, pieces);
}

/* All threads together; each comes back when all is packed. */
static void pack_together(const block *b, const yo_amx_operand *x, int pieces, const crew *c)
{
    span all_panels = {0, b->panels}, all_steps = {0, b->steps};
    if (x->k_stride == 1 && b->panels >= c->threads)
        pack_panels(b, x, pieces, share_of(b->panels, c), all_steps);
    else
        pack_panels(b, x, pieces, all_panels, share_of(b->steps, c));
    wait_for_all(c);
}

/* A block at the edge, or one of bf16, goes through a buffer of floats. */
static void read_edge(float *c, const yo_amx_direct *p, int64_t row, int64_t column)
{
    int64_t rows = least(YO_WIDE, p->a.rows - row), columns = least(YO_WIDE, p->b.rows - column);
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = (row + i) * p->out_stride + column;
        for (int64_t j = 0; j < columns; j++)
            c[i * YO_WIDE + j] = p->out ? p->out[at + j] : yo_from_bf16(p->out16[at + j]);
    }
}

static void write_edge(const float *c, const yo_amx_direct *p, int64_t row, int64_t column)
{
    int64_t rows = least(YO_WIDE, p->a.rows - row), columns = least(YO_WIDE, p->b.rows - column);
    __mmask32 kept = yo_first_bits(columns);
    for (int64_t i = 0; i < rows; i++) {
        int64_t at = (row + i) * p->out_stride + column;
        __m512 first = _mm512_loadu_ps(c + i * YO_WIDE);
        __m512 second = _mm512_loadu_ps(c + i * YO_WIDE + 16);
        if (p->out) {
            _mm512_mask_storeu_ps(p->out + at, (__mmask16)kept, first);
            _mm512_mask_storeu_ps(p->out + at + 16, (__mmask16)(kept >> 16), second);
        } else {
            _mm512_mask_storeu_epi16(p->out16 + at, kept, yo_high(first, second));
        }
    }
}

static void multiply_edge(const yo_amx_direct *p, const uint16_t *a, const uint16_t *b,
                          int64_t steps, int64_t row, int64_t column, bool fresh)
{
    float c[YO_WIDE * YO_WIDE] __attribute__((aligned(64)));
    if (fresh) {
        yo_amx_start_sums(p->bias ? p->bias + column : NULL);
    } else {
        memset(c, 0, sizeof c);
        read_edge(c, p, row, column);
        yo_amx_fence();
        yo_amx_load_sums(c, YO_WIDE);
    }
    yo_amx_add_steps(a, b, steps, p->pieces);
    yo_amx_store_sums(c, YO_WIDE);
    yo_amx_fence();
    write_edge(c, p, row, column);
}

/* Panels i of A times panels j of B, from step `step` of the block on. */
static void multiply_panels(const yo_amx_direct *p, const block *a, const block *b, int64_t i,
                            int64_t j, int64_t step, int64_t steps)
{
    int64_t row = (a->first + i) * YO_WIDE, column = (b->first + j) * YO_WIDE;
    bool fresh = !p->add && a->step == 0 && step == 0;
    const uint16_t *x = a->tiles + i * panel_numbers(a, p->pieces);
    const uint16_t *y = b->tiles + j * panel_numbers(b, p->pieces);
    if (!p->out || row + YO_WIDE > p->a.rows || column + YO_WIDE > p->b.rows) {
        if (step == 0)
            multiply_edge(p, x, y, a->steps, row, column, fresh);
        return;
    }
    float *c = p->out + row * p->out_stride + column;
    int64_t skip = step * p->pieces * 2 * YO_TILE_NUMBERS;
    if (fresh)
        yo_amx_start_sums(p->bias ? p->bias + column : NULL);
    else
        yo_amx_load_sums(c, p->out_stride);
    yo_amx_add_steps(x + skip, y + skip, steps, p->pieces);
    yo_amx_store_sums(c, p->out_stride);
}

/* Rows of results are dealt out where there are enough, else columns. */
static bool by_rows(const block *a, const block *b, const crew *c)
{
    return a->panels >= b->panels || a->panels >= 4 * c->threads;
}

/* This thread's share of a block of results. */
static void multiply(const yo_amx_direct *p, const block *a, const block *b, const crew *c)
{
    span i = {0, a->panels}, j = {0, b->panels};
    if (by_rows(a, b, c))
        i = share_of(a->panels, c);
    else
        j = share_of(b->panels, c);
    int64_t inner = p->out ? INNER_STEPS : a->steps;
    int64_t near = NEAR_NUMBERS / (inner * p->pieces * 2 * YO_TILE_NUMBERS);
    near = near > 1 ? near : 1;
    for (int64_t first = j.first; first < j.end; first += near)
        for (int64_t step = 0; step < a->steps; step += inner)
            for (int64_t row = i.first; row < i.end; row++)
                for (int64_t column = first; column < least(first + near, j.end); column++)
                    multiply_panels(p, a, b, row, column, step, least(inner, a->steps - step));
}

/* Blocks of A inside blocks of B inside blocks along K. Where rows are dealt out a thread packs its
 * own, and waits for nobody. */
static void run(const yo_amx_direct *p, block a, block b, const crew *c)
{
    int64_t steps = (p->a.depth + YO_STEP - 1) / YO_STEP;
    int64_t a_panels = panels_of(&p->a), b_panels = panels_of(&p->b);
    for (int64_t step = 0; step < steps; step += BLOCK_STEPS) {
        a.step = b.step = step;
        a.steps = b.steps = least(BLOCK_STEPS, steps - step);
        a.first = -1;
        for (b.first = 0; b.first < b_panels; b.first += b.most) {
            b.panels = least(b.most, b_panels - b.first);
            bool own = false;
            for (int64_t first = 0; first < a_panels; first += a.most) {
                bool fresh = first != a.first; /* it stays where there is only one block */
                a.first = first;
                a.panels = least(a.most, a_panels - first);
                own = by_rows(&a, &b, c);
                if (fresh && own)
                    pack_panels(&a, &p->a, p->pieces, share_of(a.panels, c), (span){0, a.steps});
                else if (fresh)
                    pack_together(&a, &p->a, p->pieces, c);
                if (first == 0)
                    pack_together(&b, &p->b, p->pieces, c);
                yo_amx_fence();
                multiply(p, &a, &b, c);
                if (!own)
                    wait_for_all(c);
            }
            if (own)
                wait_for_all(c);
        }
    }
}

static void plan(block *b, const yo_amx_operand *x, int64_t steps, int pieces)
{
    b->steps = least(steps, BLOCK_STEPS);
    b->most = BLOCK_NUMBERS / panel_numbers(b, pieces);
    b->most = least(b->most > 1 ? b->most : 1, panels_of(x));
}

/* One after the other to threads: scratch for a thread's blocks and, but for the first thread's,
 * its part of the sums. */
typedef struct deep_plan {
    block a, b;
    size_t a_numbers, thread_bytes, sum_floats;
    char *scratch;
} deep_plan;

/* A part of the product along K. */
static yo_amx_direct part_of(const yo_amx_direct *p, span steps)
{
    yo_amx_direct part = *p;
    int64_t k = steps.first * YO_STEP, size = yoso_dtype_size(p->a.dtype);
    part.a.data = (const char *)p->a.data + k * p->a.k_stride * size;
    part.b.data = (const char *)p->b.data + k * p->b.k_stride * size;
    part.a.depth = part.b.depth = least(p->a.depth, steps.end * YO_STEP) - k;
    return part;
}

/* Rows of out += those of the other threads' sums, in their order. */
static void add_sums(const yo_amx_direct *p, const deep_plan *d, const crew *c)
{
    span rows = share_of(p->a.rows, c);
    for (int64_t i = rows.first; i < rows.end; i++)
        for (int64_t t = 1; t < c->threads; t++) {
            const float *sum =
                (const float *)(const void *)(d->scratch + (size_t)t * d->thread_bytes);
            sum += i * p->b.rows;
            float *out = p->out + i * p->out_stride;
            for (int64_t j = 0; j < p->b.rows; j++)
                out[j] += sum[j];
        }
}

/* Few results from long sums: each thread takes a part of K for itself. */
static yoso_status multiply_deep(const yo_amx_direct *p, deep_plan *d, int threads)
{
    int64_t steps = (p->a.depth + YO_STEP - 1) / YO_STEP;
    size_t b_numbers = (size_t)(d->b.most * panel_numbers(&d->b, p->pieces));
    d->a_numbers = (size_t)(d->a.most * panel_numbers(&d->a, p->pieces));
    d->sum_floats = (size_t)(p->a.rows * p->b.rows + 15) / 16 * 16;
    d->thread_bytes = d->sum_floats * sizeof(float) + 2 * (d->a_numbers + b_numbers);
    YO_TRY(yo_memory_take((void **)&d->scratch, d->thread_bytes * (size_t)threads));
#pragma omp parallel num_threads(threads)
    {
        crew all = {omp_get_num_threads(), omp_get_thread_num()}, alone = {1, 0};
        char *own = d->scratch + (size_t)all.me * d->thread_bytes;
        yo_amx_direct part = part_of(p, share_of(steps, &all));
        if (all.me > 0) {
            part.out = (float *)(void *)own;
            part.out_stride = p->b.rows;
            part.add = false;
            part.bias = NULL;
        }
        block a = d->a, b = d->b;
        a.tiles = (uint16_t *)(void *)(own + d->sum_floats * sizeof(float));
        b.tiles = a.tiles + d->a_numbers;
        yo_amx_enter();
        if (part.a.depth > 0)
            run(&part, a, b, &alone);
        yo_amx_leave();
        wait_for_all(&all);
        add_sums(p, d, &all);
    }
    yo_memory_give(d->scratch, d->thread_bytes * (size_t)threads);
    return YOSO_OK;
}

static yoso_status multiply_wide(const yo_amx_direct *p, block a, block b, int threads)
{
    size_t a_numbers = (size_t)(a.most * panel_numbers(&a, p->pieces));
    size_t bytes = 2 * (a_numbers + (size_t)(b.most * panel_numbers(&b, p->pieces)));
    YO_TRY(yo_memory_take((void **)&a.tiles, bytes));
    b.tiles = a.tiles + a_numbers;
#pragma omp parallel num_threads(threads)
    {
        crew all = {omp_get_num_threads(), omp_get_thread_num()};
        yo_amx_enter();
        run(p, a, b, &all);
        yo_amx_leave();
    }
    yo_memory_give(a.tiles, bytes);
    return YOSO_OK;
}

yoso_status YO_CPU(amx_direct)(const yo_amx_direct *p)
{
    deep_plan d = {.a = {.first = 0}, .b = {.first = 0}};
    int64_t steps = (p->a.depth + YO_STEP - 1) / YO_STEP;
    int64_t m = p->a.rows, n = p->b.rows, k = p->a.depth;
    plan(&d.a, &p->a, steps, p->pieces);
    plan(&d.b, &p->b, steps, p->pieces);
    int threads = (double)m * (double)n * (double)k < 1e6 ? 1 : yo_threads();
    /* What the threads' sums cost beside packing shared operands. */
    bool deep = p->out && threads > 1 && steps >= threads && 2 * m * n * threads < k * (m + n);
    return deep ? multiply_deep(p, &d, threads) : multiply_wide(p, d.a, d.b, threads);
}

#endif
