/* Linear layers for bf16 by products of f16. */
#include "cpu/half_linear.h"

#include <immintrin.h>
#include <omp.h>

#include "core/memory.h"
#include "cpu/activate.h"
#include "cpu/convert.h"
#include "cpu/half_pack.h"

/* A vector's numbers, and the vectors of a panel; products that are summed in f16; rows of x at a
 * time; tiles that are one thread's work. */
enum { WIDE = 32, VECTORS = YO_HALF_PANEL / WIDE, RUN = 32, ROWS = 32 * YO_HALF_TILE, GROUP = 8 };
enum { TILE = YO_HALF_TILE, PANEL = YO_HALF_PANEL };
enum { KIND = 5 };

/* What some rows need beside the result. */
typedef struct workspace {
    uint32_t *tiles; /* [rows / 12][of_tile], pairs of f16 */
    float *scale;    /* [rows] */
    float *rows; /* for each thread: a row of floats, 16 rows of pairs, a panel's sums and bias */
    int64_t of_tile, of_thread;
    void *block;
    size_t bytes;
} workspace;

static yoso_status take(workspace *space, int64_t rows, int64_t depth, int threads)
{
    int64_t count = (rows + TILE - 1) / TILE, scales = (count * TILE + 15) / 16 * 16;
    space->of_tile = yo_half_tile_numbers(depth);
    space->of_thread = yo_half_work(depth) + (TILE + 1) * PANEL;
    int64_t tiles = count * space->of_tile;
    int64_t all = tiles + scales + threads * space->of_thread;
    space->bytes = (size_t)all * sizeof(float);
    YO_TRY(yo_memory_take(&space->block, space->bytes));
    space->tiles = space->block;
    space->scale = (float *)(space->tiles + tiles);
    space->rows = space->scale + scales;
    return YOSO_OK;
}

/* sum[12][64] += a tile by a panel, over at most RUN components. Not inlined: the compiler then has
 * the registers for it. */
__attribute__((noinline)) static void add_products(float *sum, const uint32_t *a, const uint16_t *b,
                                                   int64_t depth)
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
            __m512h left = (__m512h)_mm512_set1_epi32((int32_t)a[k * TILE + r]);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                part[r][v] = _mm512_fmadd_ph(left, right[v], part[r][v]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < TILE; r++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++) {
            float *to = sum + r * PANEL + v * WIDE;
            __m512 low = _mm512_cvtxph_ps(_mm512_castph512_ph256(part[r][v]));
            __m512 high = _mm512_cvtxph_ps(
                (__m256h)_mm512_extracti64x4_epi64(_mm512_castph_si512(part[r][v]), 1));
            _mm512_storeu_ps(to, _mm512_add_ps(low, _mm512_loadu_ps(to)));
            to += WIDE / 2;
            _mm512_storeu_ps(to, _mm512_add_ps(high, _mm512_loadu_ps(to)));
        }
}

static void multiply(float *sum, const uint32_t *a, const uint16_t *b, int64_t depth)
{
    memset(sum, 0, TILE * PANEL * sizeof *sum);
    for (int64_t k = 0; k < depth; k += RUN)
        add_products(sum, a + k * TILE, b + k * PANEL, depth - k < RUN ? depth - k : RUN);
}

/* What the layer is made of, and the rows of it that are at hand. */
typedef struct layer {
    const yo_view *out, *x, *bias;
    const yo_half_weight *weight;
    int32_t activation;
    int64_t first, rows;
} layer;

/* Sums of a tile's rows to their places in columns c .. c + n - 1 of the result. */
static void finish(const layer *l, const workspace *space, int64_t t, int64_t c, int64_t n,
                   float *sum, const float *bias)
{
    for (int64_t r = 0; r < TILE && t * TILE + r < l->rows; r++, sum += PANEL) {
        float scale = space->scale[t * TILE + r];
        const float *of_column = l->weight->scale + c;
        for (int64_t i = 0; i < n; i++)
            sum[i] = sum[i] * (scale * of_column[i]) + bias[i];
        yo_activate_row(sum, n, l->activation);
        yo_store_floats(l->out->data, (l->first + t * TILE + r) * l->out->shape[1] + c, 1,
                        l->out->dtype, sum, n);
    }
}

/* Panel p, for some of the tiles. */
static void do_panel(const layer *l, const workspace *space, int64_t p, int64_t from, int64_t to,
                     float *work)
{
    int64_t depth = l->x->shape[1], columns = l->out->shape[1], c = p * PANEL;
    int64_t n = columns - c < PANEL ? columns - c : PANEL;
    float *sum = work, *bias = work + TILE * PANEL;
    memset(bias, 0, PANEL * sizeof(float));
    if (l->bias)
        yo_load_floats(bias, l->bias->data, c, 1, l->bias->dtype, n);
    for (int64_t t = from; t < to; t++) {
        multiply(sum, space->tiles + t * space->of_tile, l->weight->panel + c * depth, depth);
        finish(l, space, t, c, n, sum, bias);
    }
}

static void do_rows(const layer *l, const workspace *space, int threads)
{
    int64_t tiles = (l->rows + TILE - 1) / TILE, groups = (tiles + GROUP - 1) / GROUP;
    int64_t panels = (l->out->shape[1] + PANEL - 1) / PANEL;
#pragma omp parallel num_threads(threads)
    {
        float *work = space->rows + omp_get_thread_num() * space->of_thread;
#pragma omp for schedule(static)
        for (int64_t t = 0; t < tiles; t++) {
            int64_t row = t * TILE, rows = l->rows - row < TILE ? l->rows - row : TILE;
            YO_CPU(half_tile)
            (space->tiles + t * space->of_tile, space->scale + row, l->x, l->first + row, rows,
             work);
        }
#pragma omp for schedule(static)
        for (int64_t i = 0; i < panels * groups; i++) {
            int64_t from = i % groups * GROUP, to = from + GROUP < tiles ? from + GROUP : tiles;
            do_panel(l, space, i / groups, from, to, work);
        }
    }
}

static yoso_status pack(yo_derived **out, const yo_view *source)
{
    YO_TRY(YO_CPU(half_weight)(out, source));
    (*out)->kind = KIND;
    return YOSO_OK;
}

yoso_status YO_CPU(half_linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation)
{
    int64_t rows = x->shape[0], most = rows < ROWS ? rows : ROWS;
    int threads = yo_view_count(out) * x->shape[1] < 64 * YO_CPU_GRAIN ? 1 : yo_threads();
    if (yo_view_count(out) == 0)
        return YOSO_OK;
    yo_derived *derived;
    workspace space;
    YO_TRY(yo_derived_find(&derived, weight, KIND, pack));
    YO_TRY(take(&space, most, x->shape[1], threads));
    layer l = {.out = out,
               .x = x,
               .bias = bias,
               .weight = (const yo_half_weight *)derived,
               .activation = activation};
    for (l.first = 0; l.first < rows; l.first += most) {
        l.rows = rows - l.first < most ? rows - l.first : most;
        do_rows(&l, &space, threads);
    }
    yo_memory_give(space.block, space.bytes);
    return YOSO_OK;
}
