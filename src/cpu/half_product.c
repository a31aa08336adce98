/* Products by f16: tiles of 12 rows by panels of 64 columns. */
#include "cpu/half_product.h"

#include <immintrin.h>
#include <omp.h>

#include "core/memory.h"
#include "cpu/activate.h"
#include "cpu/convert.h"

enum { TILE = YO_HALF_TILE, PANEL = YO_HALF_PANEL, WIDE = 32, VECTORS = PANEL / WIDE };
/* Products that are summed in f16; numbers of packed rows at a time, which the second cache holds;
 * tiles that are one thread's work at most. */
enum { RUN = 32, STRETCH = 4 * RUN, NUMBERS = 1 << 20, GROUP = 8 };
/* Numbers of a panel that a run fetches ahead: a group's runs fetch a stretch. */
enum { AHEAD = RUN * PANEL / GROUP };

/* Some rows of the left factor, packed. */
typedef struct left {
    uint32_t *tiles;     /* [rows / 12][of_tile] */
    float *scale, *undo; /* [rows in whole vectors] */
    int64_t first, rows, of_tile;
    void *block;
    size_t bytes;
} left;

/* -- A tile by a panel --------------------------------------------------------------------------
 */

/* mid[24] (+)= a tile by a panel, over at most RUN components: row by row, 32 columns each. Not
 * inlined: the compiler then has the registers for it. */
__attribute__((noinline)) static void add_run(__m512h *mid, const uint32_t *a, const uint16_t *b,
                                              int64_t depth, bool add)
{
    __m512h part[TILE][VECTORS];
#pragma GCC unroll 12
    for (int r = 0; r < TILE; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            part[r][v] = _mm512_setzero_ph();
    for (int64_t k = 0; k < depth; k++) {
        __m512h right[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            right[v] = _mm512_loadu_ph(b + k * PANEL + v * WIDE);
#pragma GCC unroll 12
        for (int r = 0; r < TILE; r++) {
            __m512h one = (__m512h)_mm512_set1_epi32((int32_t)a[k * TILE + r]);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                part[r][v] = _mm512_fmadd_ph(one, right[v], part[r][v]);
        }
    }
    __mmask32 kept = add ? 0xffffffffu : 0;
#pragma GCC unroll 12
    for (int r = 0; r < TILE; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) {
            __m512h *to = mid + r * VECTORS + v;
            *to = _mm512_mask_add_ph(part[r][v], kept, part[r][v], *to);
        }
}

/* A run's share of what the next stretch will read. */
YO_INLINE void fetch_ahead(const uint16_t *next)
{
    for (int i = 0; i < AHEAD; i += WIDE)
        __builtin_prefetch(next + i, 0, 2);
}

/* sum[12][64] (+)= a tile by a panel, over at most STRETCH components: sums of four runs' sums of
 * f16 are no less exact than the runs' own, and a quarter of the conversions. `next` is this tile's
 * share of the panel's next stretch, [STRETCH / RUN][AHEAD]. */
static void add_stretch(float *sum, const uint32_t *a, const uint16_t *b, int64_t depth, bool add,
                        const uint16_t *next)
{
    __m512h mid[TILE * VECTORS];
    for (int64_t k = 0; k < depth; k += RUN) {
        fetch_ahead(next + k / RUN * AHEAD);
        add_run(mid, a + k * TILE, b + k * PANEL, depth - k < RUN ? depth - k : RUN, k > 0);
    }
    __mmask16 kept = add ? 0xffff : 0;
    for (int i = 0; i < TILE * VECTORS; i++) {
        __m512i bits = _mm512_castph_si512(mid[i]);
        for (int half = 0; half < 2; half++, sum += WIDE / 2) {
            __m512 x = _mm512_cvtph_ps(half ? _mm512_extracti64x4_epi64(bits, 1)
                                            : _mm512_castsi512_si256(bits));
            _mm512_storeu_ps(sum, _mm512_add_ps(x, _mm512_maskz_loadu_ps(kept, sum)));
        }
    }
}

/* sum[tiles][12][64] = tiles by a panel. A stretch of the panel serves all tiles while it is in the
 * first cache; the next one, perhaps of the panel behind, is on its way to the second meanwhile. */
static void multiply(float *sum, const left *part, int64_t tile, int64_t tiles, const uint16_t *b,
                     int64_t depth)
{
    for (int64_t k = 0; k < depth; k += STRETCH) {
        int64_t steps = depth - k < STRETCH ? depth - k : STRETCH;
        const uint16_t *here = b + k * PANEL, *next = here + steps * PANEL;
        for (int64_t t = 0; t < tiles; t++)
            add_stretch(sum + t * TILE * PANEL, part->tiles + (tile + t) * part->of_tile + k * TILE,
                        here, steps, k > 0, next + t * (STRETCH / RUN) * AHEAD);
    }
}

/* -- The result ----------------------------------------------------------------------------------
 */

/* What a panel's columns share. */
typedef struct column_terms {
    const float *undo; /* [PANEL] */
    float bias[PANEL];
    int64_t n; /* at most PANEL */
} column_terms;

/* Not inlined: its constants would take the registers of finish_rows. */
__attribute__((noinline)) static void activate(float *row, int32_t activation)
{
    yo_activate_row(row, PANEL, activation);
}

/* Sums of rows, 64 a row, to their place: bf16 to the nearest even, what is below its normal
 * numbers as zero. Sums are overwritten. */
static void finish_rows(const yo_half_job *job, uint16_t *out, float *sum, const float *of_row,
                        int64_t rows, const column_terms *c)
{
    enum { FLOATS = 16, PARTS = PANEL / FLOATS };
    uint64_t there = c->n < PANEL ? (1ull << c->n) - 1 : ~0ull;
    __m512 undo[PARTS], bias[PARTS];
#pragma GCC unroll 4
    for (int i = 0; i < PARTS; i++) {
        undo[i] = _mm512_loadu_ps(c->undo + i * FLOATS);
        bias[i] = _mm512_loadu_ps(c->bias + i * FLOATS);
    }
    const int64_t stride = job->out->stride[0];
    const int32_t activation = job->activation;
    const bool add = job->add;
    for (int64_t r = 0; r < rows; r++, sum += PANEL, out += stride) {
        __m512 x[PARTS], row = _mm512_set1_ps(of_row[r]);
#pragma GCC unroll 4
        for (int i = 0; i < PARTS; i++) {
            __m512 scaled = _mm512_mul_ps(_mm512_load_ps(sum + i * FLOATS), row);
            x[i] = _mm512_fmadd_ps(scaled, undo[i], bias[i]);
        }
        if (activation != YOSO_ACT_NONE) {
            for (int i = 0; i < PARTS; i++)
                _mm512_store_ps(sum + i * FLOATS, x[i]);
            activate(sum, activation);
            for (int i = 0; i < PARTS; i++)
                x[i] = _mm512_load_ps(sum + i * FLOATS);
        }
        if (add) {
#pragma GCC unroll 4
            for (int i = 0; i < PARTS; i++) {
                __mmask16 mask = (__mmask16)(there >> (i * FLOATS));
                __m256i held = _mm256_maskz_loadu_epi16(mask, out + i * FLOATS);
                x[i] = _mm512_add_ps(x[i], yo_half_floats(held));
            }
        }
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            _mm512_mask_storeu_epi16(out + v * WIDE, (__mmask32)(there >> (v * WIDE)),
                                     (__m512i)_mm512_cvtne2ps_pbh(x[2 * v + 1], x[2 * v]));
    }
}

/* -- All of it -----------------------------------------------------------------------------------
 */

static yoso_status take(left *part, int64_t depth)
{
    int64_t count = (part->rows + TILE - 1) / TILE, scales = (count * TILE + 31) / 16 * 16;
    part->of_tile = yo_half_tile_numbers(depth);
    part->bytes = (size_t)(count * part->of_tile + 2 * scales) * sizeof(float);
    YO_TRY(yo_memory_take(&part->block, part->bytes));
    part->tiles = part->block;
    part->scale = (float *)(part->tiles + count * part->of_tile);
    part->undo = part->scale + scales;
    return YOSO_OK;
}

/* Panel p, for some of the tiles. */
static void do_panel(const yo_half_job *job, const left *part, int64_t p, int64_t from, int64_t to)
{
    float sum[GROUP * TILE * PANEL] __attribute__((aligned(64)));
    int64_t depth = job->a.depth, first = p * PANEL, left_over = job->out->shape[1] - first;
    column_terms c = {.undo = job->right->undo + first, .n = left_over < PANEL ? left_over : PANEL};
    if (job->bias)
        yo_load_floats(c.bias, job->bias->data, first * job->bias->stride[0], job->bias->stride[0],
                       job->bias->dtype, c.n);
    multiply(sum, part, from, to - from, job->right->panel + first * depth, depth);
    int64_t row = from * TILE, end = to * TILE < part->rows ? to * TILE : part->rows;
    finish_rows(job, (uint16_t *)job->out->data + (part->first + row) * job->out->stride[0] + first,
                sum, part->undo + row, end - row, &c);
}

static void do_rows(const yo_half_job *job, const left *part, int threads)
{
    int64_t tiles = (part->rows + TILE - 1) / TILE;
    int64_t panels = (job->out->shape[1] + PANEL - 1) / PANEL;
    int64_t most = tiles * panels / (4 * threads);
    most = most < 1 ? 1 : most > GROUP ? GROUP : most;
    int64_t groups = (tiles + most - 1) / most;
    int64_t group = (tiles + groups - 1) / groups; /* alike: threads have as many each */
    groups = (tiles + group - 1) / group;
#pragma omp parallel num_threads(threads)
    {
        /* Rows of both strides share lines of memory where a thread has neighbours. */
#pragma omp for schedule(static)
        for (int64_t i = 0; i < groups; i++) {
            int64_t row = i * group * TILE, end = row + group * TILE;
            end = end < part->rows ? end : part->rows;
            YO_CPU(half_scales)
            (part->scale + row, part->undo + row, &job->a, part->first + row, end - row);
            for (int64_t r = row; r < end; r += TILE)
                YO_CPU(half_tile)
            (part->tiles + r / TILE * part->of_tile, &job->a, part->first + r, part->scale + r);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < groups * panels; i++) { /* a group stays in the second cache */
            int64_t from = i / panels * group, to = from + group < tiles ? from + group : tiles;
            do_panel(job, part, i % panels, from, to);
        }
    }
}

static int threads_for(int64_t products)
{
    return products < 64 * YO_CPU_GRAIN ? 1 : yo_threads();
}

yoso_status YO_CPU(half_multiply)(const yo_half_job *job)
{
    int64_t rows = job->out->shape[0], depth = job->a.depth;
    if (yo_view_count(job->out) == 0)
        return YOSO_OK;
    int64_t most = NUMBERS / (depth * TILE + 1) * TILE;
    most = most < GROUP * TILE ? GROUP * TILE : most;
    left part = {.rows = rows < most ? rows : most};
    YO_TRY(take(&part, depth));
    for (part.first = 0; part.first < rows; part.first += most) {
        part.rows = rows - part.first < most ? rows - part.first : most;
        do_rows(job, &part, threads_for(yo_view_count(job->out) * depth));
    }
    yo_memory_give(part.block, part.bytes);
    return YOSO_OK;
}

yoso_status YO_CPU(half_right)(yo_half_right *right, const yo_half_factor *columns)
{
    int64_t depth = columns->depth, all = yo_half_columns(columns->rows);
    size_t numbers = (size_t)all * (size_t)depth * sizeof(uint16_t);
    size_t ahead = STRETCH * PANEL * sizeof(uint16_t); /* fetched behind the last panel */
    right->bytes = numbers + 2 * (size_t)all * sizeof(float) + ahead;
    YO_TRY(yo_memory_take(&right->block, right->bytes));
    right->panel = right->block;
    right->undo = (float *)((char *)right->block + numbers);
    float *scale = right->undo + all;
    int threads = threads_for(all * depth * 16);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t first = 0; first < all; first += PANEL) {
        int64_t left_over = columns->rows - first, rows = left_over < PANEL ? left_over : PANEL;
        YO_CPU(half_scales)(scale + first, right->undo + first, columns, first, rows);
        for (int64_t i = rows; i < PANEL; i++)
            right->undo[first + i] = 1;
        YO_CPU(half_panel)(right->panel + first * depth, columns, first, scale + first);
    }
    return YOSO_OK;
}
