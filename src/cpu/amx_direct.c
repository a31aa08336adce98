/* Products of large matrices on the matrix unit. A block of 32 x 32 results stays in four tiles
 * while a panel of A and one of B pass by; with two pieces each step adds high x high, high x low
 * and low x high, and leaves low x low out: it is below what the pieces keep. */
#include "cpu/amx_direct.h"

#if defined(__AMX_TILE__)

#include <omp.h>

#include "core/dtype.h"
#include "core/memory.h"

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

/* All threads together; each comes back when all is packed. What lies side by side in memory is
 * read together: a panel's rows along K, or a step of K across the panels. */
static void pack(const block *b, const yo_amx_operand *x, int pieces)
{
    int64_t size = panel_numbers(b, pieces), first_k = b->step * YO_STEP;
    if (x->k_stride == 1) {
        int64_t chunks = (b->steps + INNER_STEPS - 1) / INNER_STEPS;
#pragma omp for schedule(static)
        for (int64_t n = 0; n < b->panels * chunks; n++) {
            int64_t panel = n / chunks, step = n % chunks * INNER_STEPS;
            yo_pack_steps(b->tiles + panel * size, x, (b->first + panel) * YO_WIDE, first_k, step,
                          least(INNER_STEPS, b->steps - step), pieces);
        }
        return;
    }
#pragma omp for schedule(static)
    for (int64_t step = 0; step < b->steps; step++)
        for (int64_t panel = 0; panel < b->panels; panel++)
            yo_pack_steps(b->tiles + panel * size, x, (b->first + panel) * YO_WIDE, first_k, step,
                          1, pieces);
}

/* Tiles 0 .. 3 += those of A times those of B, in bf16. */
static inline void add_plain(const uint16_t *a, const uint16_t *b, int64_t steps)
{
    for (int64_t s = 0; s < steps; s++, a += 2 * YO_TILE_NUMBERS, b += 2 * YO_TILE_NUMBERS) {
        _tile_loadd(4, a, 64);
        _tile_loadd(6, b, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/* The same with two pieces. */
static inline void add_split(const uint16_t *a, const uint16_t *b, int64_t steps)
{
    enum { LOW = 2 * YO_TILE_NUMBERS };
    for (int64_t s = 0; s < steps; s++, a += 2 * LOW, b += 2 * LOW) {
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, b + LOW, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + LOW + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(4, a + LOW, 64);
        _tile_dpbf16ps(3, 5, 7);
        _tile_loadd(6, b, 64);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + LOW + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(2, 5, 6);
        _tile_loadd(7, b + YO_TILE_NUMBERS, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
}

static inline void load_sums(const float *c, int64_t stride)
{
    _tile_loadd(0, c, stride * 4);
    _tile_loadd(1, c + 16, stride * 4);
    _tile_loadd(2, c + 16 * stride, stride * 4);
    _tile_loadd(3, c + 16 * stride + 16, stride * 4);
}

static inline void store_sums(float *c, int64_t stride)
{
    _tile_stored(0, c, stride * 4);
    _tile_stored(1, c + 16, stride * 4);
    _tile_stored(2, c + 16 * stride, stride * 4);
    _tile_stored(3, c + 16 * stride + 16, stride * 4);
}

/* What the sums start from when it is not what out holds. */
static inline void start_sums(const float *bias)
{
    if (bias) { /* one row for all: a stride of 0 */
        _tile_loadd(0, bias, 0);
        _tile_loadd(1, bias + 16, 0);
        _tile_loadd(2, bias, 0);
        _tile_loadd(3, bias + 16, 0);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
}

static inline void add_steps(const uint16_t *a, const uint16_t *b, int64_t steps, int pieces)
{
    if (pieces == 2)
        add_split(a, b, steps);
    else
        add_plain(a, b, steps);
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
        start_sums(p->bias ? p->bias + column : NULL);
    } else {
        memset(c, 0, sizeof c);
        read_edge(c, p, row, column);
        yo_amx_fence();
        load_sums(c, YO_WIDE);
    }
    add_steps(a, b, steps, p->pieces);
    store_sums(c, YO_WIDE);
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
        start_sums(p->bias ? p->bias + column : NULL);
    else
        load_sums(c, p->out_stride);
    add_steps(x + skip, y + skip, steps, p->pieces);
    store_sums(c, p->out_stride);
}

/* This thread's share of a block of results. */
static void multiply(const yo_amx_direct *p, const block *a, const block *b)
{
    int64_t threads = omp_get_num_threads(), me = omp_get_thread_num();
    int64_t i0 = 0, i1 = a->panels, j0 = 0, j1 = b->panels;
    if (a->panels >= b->panels || a->panels >= 4 * threads) {
        i0 = a->panels * me / threads;
        i1 = a->panels * (me + 1) / threads;
    } else {
        j0 = b->panels * me / threads;
        j1 = b->panels * (me + 1) / threads;
    }
    int64_t inner = p->out ? INNER_STEPS : a->steps;
    int64_t near = NEAR_NUMBERS / (inner * p->pieces * 2 * YO_TILE_NUMBERS);
    near = near > 1 ? near : 1;
    for (int64_t first = j0; first < j1; first += near)
        for (int64_t step = 0; step < a->steps; step += inner)
            for (int64_t i = i0; i < i1; i++)
                for (int64_t j = first; j < least(first + near, j1); j++)
                    multiply_panels(p, a, b, i, j, step, least(inner, a->steps - step));
}

/* Blocks of A inside blocks of B inside blocks along K. */
static void run(const yo_amx_direct *p, block a, block b)
{
    int64_t steps = (p->a.depth + YO_STEP - 1) / YO_STEP;
    int64_t a_panels = panels_of(&p->a), b_panels = panels_of(&p->b);
    for (int64_t step = 0; step < steps; step += BLOCK_STEPS) {
        a.step = b.step = step;
        a.steps = b.steps = least(BLOCK_STEPS, steps - step);
        a.first = -1;
        for (b.first = 0; b.first < b_panels; b.first += b.most) {
            b.panels = least(b.most, b_panels - b.first);
            pack(&b, &p->b, p->pieces);
            for (int64_t first = 0; first < a_panels; first += a.most) {
                if (first != a.first) { /* it stays packed where there is only one block */
                    a.first = first;
                    a.panels = least(a.most, a_panels - first);
                    pack(&a, &p->a, p->pieces);
                }
                yo_amx_fence();
                multiply(p, &a, &b);
#pragma omp barrier
            }
        }
    }
}

static void plan(block *b, const yo_amx_operand *x, int64_t steps, int pieces)
{
    b->steps = least(steps, BLOCK_STEPS);
    b->most = BLOCK_NUMBERS / panel_numbers(b, pieces);
    b->most = least(b->most > 1 ? b->most : 1, panels_of(x));
}

yoso_status YO_CPU(amx_direct)(const yo_amx_direct *p)
{
    block a = {.first = 0}, b = {.first = 0};
    int64_t steps = (p->a.depth + YO_STEP - 1) / YO_STEP;
    plan(&a, &p->a, steps, p->pieces);
    plan(&b, &p->b, steps, p->pieces);
    size_t a_numbers = (size_t)(a.most * panel_numbers(&a, p->pieces));
    size_t bytes = 2 * (a_numbers + (size_t)(b.most * panel_numbers(&b, p->pieces)));
    YO_TRY(yo_memory_take((void **)&a.tiles, bytes));
    b.tiles = a.tiles + a_numbers;
    double work = (double)p->a.rows * (double)p->b.rows * (double)p->a.depth;
    int threads = work < 1e6 ? 1 : yo_threads();
#pragma omp parallel num_threads(threads)
    {
        yo_amx_enter();
        run(p, a, b);
        yo_amx_leave();
    }
    yo_memory_give(a.tiles, bytes);
    return YOSO_OK;
}

#endif
