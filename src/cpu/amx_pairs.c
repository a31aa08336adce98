/* The walk over pairs on tiles: packing of queries, keys and values, products, weighted sums. */
#include "cpu/amx_pairs.h"

#include <omp.h>

/* Numbers of bf16 in a row of a tile and in a tile; columns of a tile of results. */
enum { STEP = 32, TILE = 512, COLUMNS = 16, SOME = YO_AMX_SOME, PANEL = YO_AMX_PANEL };
/* Rows that are sent for ahead: they lie pages apart. */
enum { AHEAD = 16 };

/* The next `floats` of the scratch; with scratch NULL they are only counted. */
static float *cut(float *scratch, size_t *used, int64_t floats)
{
    float *start = scratch ? scratch + *used : NULL;
    *used += (size_t)yo_round_up(floats, 16);
    return start;
}

static size_t lay_out(yo_amx_space *space, float *scratch, const yo_attention *at)
{
    size_t used = 0;
    int64_t depth = yo_round_up(at->head_size, STEP), width = yo_round_up(at->value_size, COLUMNS);
    space->depth = depth;
    space->width = width;
    space->q = (uint16_t *)cut(scratch, &used, YO_AMX_QUERIES * depth / 2);
    space->k = (uint16_t *)cut(scratch, &used, PANEL * depth / 2);
    space->v = (uint16_t *)cut(scratch, &used, PANEL * width / 2);
    space->out = cut(scratch, &used, YO_AMX_QUERIES * width);
    space->score = cut(scratch, &used, SOME * PANEL);
    space->weight = (uint16_t *)cut(scratch, &used, SOME * PANEL / 2);
    space->q_number = cut(scratch, &used, YO_AMX_QUERIES);
    space->k_number = cut(scratch, &used, PANEL);
    space->largest = cut(scratch, &used, YO_AMX_QUERIES);
    space->total = cut(scratch, &used, YO_AMX_QUERIES);
    space->hidden = cut(scratch, &used, PANEL);
    return used;
}

/* -- packing ----------------------------------------------------------------------------------- */

/* 32 numbers of a row from component d on; zeros if it is masked, and behind its end. */
YO_INLINE __m512i load_numbers(const yo_source *x, int64_t head, int64_t token, int64_t d,
                               bool there)
{
    const yo_rows *rows = x->rows;
    const uint16_t *row =
        (const uint16_t *)rows->data + token * rows->token + head * rows->head + d;
    _mm_prefetch((const char *)(row + AHEAD * rows->token), _MM_HINT_T0);
    int64_t left = !there || x->size <= d ? 0 : x->size - d < STEP ? x->size - d : STEP;
    return _mm512_maskz_loadu_epi16((__mmask32)_bzhi_u32(~0u, (uint32_t)left), row);
}

static bool is_kept(const yo_source *x, int64_t token)
{
    return !x->keep || x->keep[token];
}

/* Rows as left factors, whole tiles of them: tile [rows / 16][depth / 32]. inverse takes
 * 1 / length, or 1 where lengths do not matter. */
static void pack_left(uint16_t *tile, float *inverse, const yo_source *x, int64_t head,
                      int64_t first, int64_t count, int64_t depth)
{
    for (int64_t i = 0; i < count; i += SOME) {
        yo_vec square[YO_LANES];
        for (int64_t r = 0; r < SOME; r++) {
            bool there = i + r < count && is_kept(x, first + i + r);
            uint16_t *to = tile + i * depth + r * STEP;
            __m512 sum = _mm512_setzero_ps();
            for (int64_t d = 0; d < depth; d += STEP, to += TILE) {
                __m512i numbers = load_numbers(x, head, first + i + r, d, there);
                sum = _mm512_dpbf16_ps(sum, (__m512bh)numbers, (__m512bh)numbers);
                _mm512_storeu_si512(to, numbers);
            }
            square[r] = (yo_vec)sum;
        }
        yo_vec length = yo_sqrt(yo_sums(square));
        yo_vec one = yo_splat(1);
        yo_store(inverse + i, x->unit ? one / yo_max(length, yo_splat(YO_SMALLEST_LENGTH)) : one);
    }
}

/* Left factors become right ones: pairs of components by 16 rows. */
static void turn(uint16_t *tile, int64_t tiles)
{
    for (int64_t i = 0; i < tiles; i++, tile += TILE)
        yo_transpose_square((float *)(void *)tile, YO_LANES, (const float *)(const void *)tile,
                            YO_LANES);
}

void YO_CPU(amx_pack_values)(uint16_t *tile, const yo_source *x, int64_t head, int64_t first,
                             int64_t count, int64_t width)
{
    uint16_t low[STEP], high[STEP];
    for (int i = 0; i < STEP; i++) {
        low[i] = (uint16_t)(i / 2 + i % 2 * STEP);
        high[i] = (uint16_t)(i / 2 + i % 2 * STEP + COLUMNS);
    }
    __m512i lower = _mm512_loadu_si512(low), upper = _mm512_loadu_si512(high);
    for (int64_t j = 0; j < yo_round_up(count, STEP); j += 2) {
        bool even = j < count && is_kept(x, first + j);
        bool odd = j + 1 < count && is_kept(x, first + j + 1);
        uint16_t *to = tile + j / STEP * STEP * width + j % STEP / 2 * STEP;
        for (int64_t e = 0; e < width; e += STEP, to += 2 * TILE) {
            __m512i a = load_numbers(x, head, first + j, e, even);
            __m512i b = load_numbers(x, head, first + j + 1, e, odd);
            _mm512_storeu_si512(to, _mm512_permutex2var_epi16(a, lower, b));
            if (e + COLUMNS < width)
                _mm512_storeu_si512(to + TILE, _mm512_permutex2var_epi16(a, upper, b));
        }
    }
}

static void load_panel(const yo_amx_pairs *pairs, const yo_amx_space *space, const yo_job *job,
                       int64_t first, int64_t count)
{
    pack_left(space->k, space->k_number, &pairs->k, job->head, first, count, space->depth);
    int64_t sixteens = yo_round_up(count, SOME) / SOME, steps = space->depth / STEP;
    turn(space->k, sixteens * steps);
    if (sixteens % 2) /* products are made for 32 keys at a time */
        memset(space->k + sixteens * steps * TILE, 0, (size_t)steps * TILE * sizeof *space->k);
    YO_CPU(amx_pack_values)(space->v, &pairs->v, job->head, first, count, space->width);
    for (int64_t j = 0; j < PANEL; j++) {
        bool seen = j < count && is_kept(&pairs->k, first + j);
        space->hidden[j] = seen ? 0 : -1e30f;
        space->k_number[j] = j < count ? space->k_number[j] : 0;
    }
}

/* -- products ---------------------------------------------------------------------------------- */

/* score[16, columns] = q k^T, two tiles at a time: while one is stored the other is multiplied. */
static void multiply(float *score, const uint16_t *q, const uint16_t *k, int64_t steps,
                     int64_t columns)
{
    const int64_t stride = PANEL * sizeof(float), next = steps * TILE;
    bool held = steps == 2; /* the usual 64 components: the queries stay in registers */
    if (held) {
        _tile_loadd(4, q, YO_AMX_ROW_BYTES);
        _tile_loadd(5, q + TILE, YO_AMX_ROW_BYTES);
    }
    for (int64_t j = 0; j < columns; j += 32, k += 2 * next) {
        _tile_zero(0);
        _tile_zero(1);
        if (held) {
            _tile_loadd(6, k, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, k + TILE, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(0, 5, 7);
            _tile_loadd(6, k + next, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(1, 4, 6);
            _tile_loadd(7, k + next + TILE, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(1, 5, 7);
        }
        for (int64_t d = 0; d < next && !held; d += TILE) {
            _tile_loadd(4, q + d, YO_AMX_ROW_BYTES);
            _tile_loadd(6, k + d, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, k + next + d, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(1, 4, 7);
        }
        _tile_stored(0, score + j, stride);
        _tile_stored(1, score + j + 16, stride);
    }
}

/* 64 columns of v at a time, or what is left of them. */
void YO_CPU(amx_add)(float *out, const uint16_t *weight, const uint16_t *v, int64_t width,
                     int64_t columns)
{
    const int64_t stride = width * (int64_t)sizeof(float), next = width / COLUMNS * TILE;
    for (int64_t e = 0; e < width; e += 64, out += 64, v += 4 * TILE) {
        int64_t tiles = (width - e) / COLUMNS;
        _tile_loadd(0, out, stride);
        if (tiles > 1)
            _tile_loadd(1, out + 16, stride);
        if (tiles > 2)
            _tile_loadd(2, out + 32, stride);
        if (tiles > 3)
            _tile_loadd(3, out + 48, stride);
        const uint16_t *tile = v;
        for (int64_t j = 0; j < columns; j += STEP, tile += next) {
            _tile_loadd(4, weight + j, PANEL * sizeof *weight);
            _tile_loadd(5, tile, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(0, 4, 5);
            if (tiles > 1) {
                _tile_loadd(6, tile + TILE, YO_AMX_ROW_BYTES);
                _tile_dpbf16ps(1, 4, 6);
            }
            if (tiles > 2) {
                _tile_loadd(7, tile + 2 * TILE, YO_AMX_ROW_BYTES);
                _tile_dpbf16ps(2, 4, 7);
            }
            if (tiles > 3) {
                _tile_loadd(5, tile + 3 * TILE, YO_AMX_ROW_BYTES);
                _tile_dpbf16ps(3, 4, 5);
            }
        }
        _tile_stored(0, out, stride);
        if (tiles > 1)
            _tile_stored(1, out + 16, stride);
        if (tiles > 2)
            _tile_stored(2, out + 32, stride);
        if (tiles > 3)
            _tile_stored(3, out + 48, stride);
    }
}

static void add_panel(const yo_amx_pairs *pairs, const yo_amx_space *space, int64_t rows,
                      int64_t columns)
{
    int64_t steps = space->depth / STEP;
    for (int64_t row = 0; row < rows; row += SOME) {
        yo_amx_fence();
        multiply(space->score, space->q + row * space->depth, space->k, steps, columns);
        yo_amx_fence();
        for (int64_t r = 0; r < SOME; r++)
            pairs->weigh(pairs, space, space->weight + r * PANEL, space->score + r * PANEL, row + r,
                         columns);
        yo_amx_fence();
        YO_CPU(amx_add)
        (space->out + row * space->width, space->weight, space->v, space->width, columns);
    }
    yo_amx_fence();
}

static void run(const yo_amx_pairs *pairs, const yo_job *job, float *scratch)
{
    const yo_attention *at = pairs->at;
    yo_amx_space space;
    lay_out(&space, scratch, at);
    int64_t rows = yo_round_up(job->count, SOME);
    pack_left(space.q, space.q_number, &pairs->q, job->head, job->first, job->count, space.depth);
    memset(space.out, 0, (size_t)(rows * space.width) * sizeof(float));
    for (int64_t i = 0; i < rows; i++)
        space.largest[i] = -INFINITY, space.total[i] = 0;
    int64_t end = at->k_offset[job->sequence + 1];
    for (int64_t first = at->k_offset[job->sequence]; first < end; first += PANEL) {
        int64_t count = end - first < PANEL ? end - first : PANEL;
        load_panel(pairs, &space, job, first, count);
        add_panel(pairs, &space, rows, yo_round_up(count, STEP));
    }
    pairs->end(pairs, &space, job);
}

yoso_status YO_CPU(amx_pairs)(const yo_amx_pairs *pairs)
{
    yo_amx_space space;
    yo_jobs jobs;
    YO_TRY(YO_CPU(attention_jobs)(&jobs, pairs->at, pairs->at->q_offset, YO_AMX_QUERIES,
                                  lay_out(&space, NULL, pairs->at)));
#pragma omp parallel num_threads(jobs.threads)
    {
        yo_amx_enter();
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < jobs.count; i++)
            run(pairs, jobs.job + i,
                jobs.scratch + (size_t)omp_get_thread_num() * jobs.scratch_floats);
        yo_amx_leave();
    }
    YO_CPU(attention_jobs_free)(&jobs);
    return YOSO_OK;
}
