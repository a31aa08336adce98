/* Softmax attention, the baseline: out_i = sum_j softmax_j(q_i . k_j / sqrt(D)) v_j, panel by
 * panel with a running maximum (Milakov and Gimelshein, 2018), and its exact gradient. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/pairs.h"
#if defined(__AMX_TILE__)
#include "cpu/amx_pairs.h"
#endif

/* What one block of queries needs while the keys' panels pass by. */
typedef struct workspace {
    float *q, *out;          /* [YO_BLOCK, ld] */
    float *largest, *total;  /* [YO_BLOCK]: running maximum, sum of exponentials */
    float *k, *v, *k_turned; /* a panel */
    float *b;                /* [YO_TILE_ROWS, YO_PANEL] */
    float *hidden;           /* [YO_PANEL]: -inf for masked keys, else 0 */
} workspace;

typedef struct widths {
    int64_t q, v;
} widths;

static size_t lay_out(workspace *space, float *scratch, widths width)
{
    float **part[] = {&space->q, &space->out,      &space->largest, &space->total, &space->k,
                      &space->v, &space->k_turned, &space->b,       &space->hidden};
    int64_t floats[] = {YO_BLOCK * width.q, YO_BLOCK * width.v,      YO_BLOCK,
                        YO_BLOCK,           YO_PANEL * width.q,      YO_PANEL * width.v,
                        YO_PANEL * width.q, YO_TILE_ROWS * YO_PANEL, YO_PANEL};
    size_t used = 0;
    for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
        *part[i] = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(floats[i], 16);
    }
    return used;
}

static void load_panel(const workspace *space, widths width, const yo_source *k, const yo_source *v,
                       int64_t head, int64_t first, int64_t columns)
{
    YO_CPU(pairs_load_panel)(space->k, space->k_turned, width.q, k, head, first, columns);
    YO_CPU(pairs_load_panel)(space->v, NULL, width.v, v, head, first, columns);
    for (int64_t j = 0; j < YO_PANEL; j++) {
        bool seen = j < columns && (!k->keep || k->keep[first + j]);
        space->hidden[j] = seen ? 0 : -INFINITY;
    }
}

/* One row of products becomes exponentials; its sums so far are scaled to the new maximum. */
static void exponentials(const workspace *space, float *b, int64_t row, int64_t columns,
                         int64_t width)
{
    yo_vec largest = yo_splat(space->largest[row]), sum = {0};
    for (int64_t j = 0; j < columns; j += YO_LANES) {
        yo_vec product = yo_load(b + j) + yo_load(space->hidden + j);
        yo_store(b + j, product);
        largest = yo_max(largest, product);
    }
    float maximum = yo_largest(largest);
    if (maximum == -INFINITY) { /* nothing to attend to yet */
        memset(b, 0, (size_t)columns * sizeof *b);
        return;
    }
    for (int64_t j = 0; j < columns; j += YO_LANES) {
        yo_vec e = yo_exp(yo_load(b + j) - maximum);
        yo_store(b + j, e);
        sum += e;
    }
    if (maximum > space->largest[row]) {
        float shrink = expf(space->largest[row] - maximum);
        space->total[row] *= shrink;
        for (int64_t e = 0; e < width; e++)
            space->out[row * width + e] *= shrink;
        space->largest[row] = maximum;
    }
    space->total[row] += yo_sum(sum);
}

static void run(const yo_rows *out, float *stat, const yo_source *q, const yo_source *k,
                const yo_source *v, const yo_attention *at, const yo_job *job, float *scratch)
{
    widths width = {yo_round_up(at->head_size, YO_LANES), yo_round_up(at->value_size, YO_LANES)};
    workspace space;
    lay_out(&space, scratch, width);
    int64_t rows = yo_round_up(job->count, YO_TILE_ROWS);
    memset(space.q, 0, (size_t)(rows * width.q) * sizeof(float));
    memset(space.out, 0, (size_t)(rows * width.v) * sizeof(float));
    YO_CPU(attention_load)(space.q, width.q, NULL, q, job->head, job->first, job->count);
    float scale = 1 / sqrtf((float)at->head_size);
    for (int64_t i = 0; i < rows * width.q; i++)
        space.q[i] *= scale;
    for (int64_t i = 0; i < rows; i++)
        space.largest[i] = -INFINITY, space.total[i] = 0;

    int64_t end = at->k_offset[job->sequence + 1];
    for (int64_t first = at->k_offset[job->sequence]; first < end; first += YO_PANEL) {
        int64_t columns = end - first < YO_PANEL ? end - first : YO_PANEL;
        int64_t panel = yo_round_up(columns, YO_LANES);
        load_panel(&space, width, k, v, job->head, first, columns);
        for (int64_t row = 0; row < rows; row += YO_TILE_ROWS) {
            yo_tile(space.b, YO_PANEL, space.q + row * width.q, width.q, 1, space.k_turned,
                    YO_PANEL, at->head_size, panel, false);
            for (int64_t r = 0; r < YO_TILE_ROWS; r++)
                exponentials(&space, space.b + r * YO_PANEL, row + r, panel, width.v);
            yo_tile(space.out + row * width.v, width.v, space.b, YO_PANEL, 1, space.v, width.v,
                    columns, width.v, true);
        }
    }
    for (int64_t i = 0; i < job->count; i++) {
        float *row = space.out + i * width.v, total = space.total[i];
        for (int64_t e = 0; e < at->value_size; e++)
            row[e] = total > 0 ? row[e] / total : 0;
        int64_t token = job->first + i;
        if (stat)
            stat[token * at->heads + job->head] = space.largest[i] + logf(total);
        YO_CPU(attention_store)(out, at->q_keep, job->head, token, row, at->value_size);
    }
}

yoso_status YO_CPU(softmax_attention)(const yo_rows *out, float *stat, const yo_rows *q,
                                      const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                      yo_stream *stream)
{
    (void)stream;
#if defined(__AMX_TILE__)
    if (q->dtype == YOSO_BF16)
        return YO_CPU(amx_softmax)(out, stat, q, k, v, at);
#endif
    yo_source query = yo_source_of(q, at->head_size, at->q_keep, false);
    yo_source key = yo_source_of(k, at->head_size, at->k_keep, false);
    yo_source value = yo_source_of(v, at->value_size, at->k_keep, false);
    widths width = {yo_round_up(at->head_size, YO_LANES), yo_round_up(at->value_size, YO_LANES)};
    workspace space;
    yo_jobs jobs;
    YO_TRY(YO_CPU(attention_jobs)(&jobs, at, at->q_offset, YO_BLOCK, lay_out(&space, NULL, width)));
#pragma omp parallel for num_threads(jobs.threads) schedule(dynamic, 1)
    for (int64_t i = 0; i < jobs.count; i++)
        run(out, stat, &query, &key, &value, at, jobs.job + i,
            jobs.scratch + (size_t)omp_get_thread_num() * jobs.scratch_floats);
    YO_CPU(attention_jobs_free)(&jobs);
    return YOSO_OK;
}

/* The probabilities again: b = exp(factor b - log of the query's sum), at most 1. */
static void weigh(float *b, int64_t columns, const float *row_log, const float *column_log,
                  const yo_pairs *pairs)
{
    for (int64_t r = 0; r < YO_TILE_ROWS; r++)
        for (int64_t j = 0; j < columns; j += YO_LANES) {
            yo_vec x = yo_fma(yo_load(b + r * YO_PANEL + j), yo_splat(pairs->factor),
                              -yo_load(column_log + j) - row_log[r]);
            yo_store(b + r * YO_PANEL + j, yo_exp(yo_min(x, yo_splat(0))));
        }
}

/* shift[row, head] = g . out, what the softmax's gradient subtracts. */
static void shifts(float *shift, const yo_rows *grad, const yo_rows *out, const yo_attention *at,
                   float *g, float *y)
{
    yo_source of_grad = yo_source_of(grad, at->value_size, at->q_keep, false);
    yo_source of_out = yo_source_of(out, at->value_size, at->q_keep, false);
    int64_t rows = at->q_offset[at->sequences];
    for (int64_t i = 0; i < rows; i++)
        for (int64_t h = 0; h < at->heads; h++) {
            YO_CPU(attention_load)(g, at->value_size, NULL, &of_grad, h, i, 1);
            YO_CPU(attention_load)(y, at->value_size, NULL, &of_out, h, i, 1);
            float sum = 0;
            for (int64_t e = 0; e < at->value_size; e++)
                sum += g[e] * y[e];
            shift[i * at->heads + h] = sum;
        }
}

yoso_status YO_CPU(softmax_attention_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                           const yo_rows *grad, const yo_rows *out,
                                           const float *stat, const yo_rows *q, const yo_rows *k,
                                           const yo_rows *v, const yo_attention *at,
                                           yo_stream *stream)
{
    (void)stream;
    yo_source query = yo_source_of(q, at->head_size, at->q_keep, false);
    yo_source key = yo_source_of(k, at->head_size, at->k_keep, false);
    yo_source value = yo_source_of(v, at->value_size, at->k_keep, false);
    yo_source result_grad = yo_source_of(grad, at->value_size, at->q_keep, false);
    float *shift;
    size_t numbers = (size_t)(at->q_offset[at->sequences] * at->heads);
    size_t bytes = (numbers + 2 * (size_t)at->value_size) * sizeof(float);
    YO_TRY(yo_memory_take((void **)&shift, bytes));
    shifts(shift, grad, out, at, shift + numbers, shift + numbers + at->value_size);
    float scale = 1 / sqrtf((float)at->head_size);
    yo_pairs of_query = {.at = at,
                         .row_offset = at->q_offset,
                         .column_offset = at->k_offset,
                         .x = query,
                         .u = result_grad,
                         .y = key,
                         .z = value,
                         .weighted = dq,
                         .scale = scale,
                         .factor = scale,
                         .row_log = stat,
                         .row_shift = shift};
    yoso_status status = YO_CPU(pairs_sum)(&of_query, weigh);
    yo_pairs of_key = {.at = at,
                       .row_offset = at->k_offset,
                       .column_offset = at->q_offset,
                       .x = key,
                       .u = value,
                       .y = query,
                       .z = result_grad,
                       .plain = dv,
                       .weighted = dk,
                       .scale = scale,
                       .factor = scale,
                       .column_log = stat,
                       .column_shift = shift};
    if (status == YOSO_OK)
        status = YO_CPU(pairs_sum)(&of_key, weigh);
    yo_memory_give(shift, bytes);
    return status;
}
