/* Reductions of strided views, the same bits for any number of threads.
 *
 * The reduced elements of one result are dealt into chunks of CHUNK, a chunk into blocks of at
 * most BLOCK. Blocks are summed up in lanes of double, blocks and chunks are joined in order;
 * nothing of this depends on who computes which chunk. Where neighbouring results are
 * neighbours in memory (a sum over rows), COLUMNS of them are computed at a time from a
 * transposed tile, so that memory is read in order. */
#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/reduce_partial.h"

enum { BLOCK = 1024, CHUNK = 32 * BLOCK, COLUMNS = 16, SUMMED_COLUMNS = 64, TILE = 256 };

typedef struct reduction {
    int32_t op;
    bool floats;
    const yo_view *x;
    int32_t kept;
    /* The reduced dimensions, merged; the last is the run. */
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS + 1], stride[YOSO_MAX_DIMS + 1];
    int64_t count, chunks, outputs;
    /* Results that lie beside each other, and how many of them are computed at a time. */
    int64_t width, group, groups_a_row;
} reduction;

typedef union row {
    float floats[BLOCK];
    int64_t integers[BLOCK];
} row;

/* Offset of result number `index`. */
static int64_t kept_offset(const reduction *job, int64_t index)
{
    int64_t offset = 0;
    for (int32_t i = job->kept - 1; i >= 0; i--) {
        offset += index % job->x->shape[i] * job->x->stride[i];
        index /= job->x->shape[i];
    }
    return offset;
}

/* Offset of reduced element number `at`. */
static int64_t reduced_offset(const reduction *job, int64_t at)
{
    int64_t offset = 0;
    for (int32_t i = job->ndim - 1; i >= 0; i--) {
        offset += at % job->shape[i] * job->stride[i];
        at /= job->shape[i];
    }
    return offset;
}

/* Reduced elements at .. at+n-1 of the result at `base`, gathered from the runs. */
static yo_partial block_of(const reduction *job, int64_t base, int64_t at, int64_t n)
{
    row buffer;
    int64_t run = job->shape[job->ndim - 1], step = job->stride[job->ndim - 1];
    if (job->x->dtype == YOSO_F32 && step == 1 && run - at % run >= n)
        return yo_partial_of_floats(
            job->op, (const float *)job->x->data + base + reduced_offset(job, at), n, at);
    for (int64_t done = 0; done < n;) {
        int64_t left = run - (at + done) % run, some = left < n - done ? left : n - done;
        int64_t offset = base + reduced_offset(job, at + done);
        if (job->floats)
            yo_load_floats(buffer.floats + done, job->x->data, offset, step, job->x->dtype, some);
        else
            yo_load_integers(buffer.integers + done, job->x->data, offset, step, job->x->dtype,
                             some);
        done += some;
    }
    return job->floats ? yo_partial_of_floats(job->op, buffer.floats, n, at)
                       : yo_partial_of_integers(job->op, buffer.integers, n, at);
}

static void reduce_one(const reduction *job, int64_t output, int64_t chunk, yo_partial *result)
{
    int64_t base = kept_offset(job, output), at = chunk * CHUNK;
    int64_t end = job->count - at < CHUNK ? job->count : at + CHUNK;
    *result = yo_partial_identity(job->op);
    for (; at < end; at += BLOCK) {
        yo_partial p = block_of(job, base, at, end - at < BLOCK ? end - at : BLOCK);
        yo_partial_join(job->op, job->floats, result, &p);
    }
}

/* Sums of columns, the commonest, need no tile: they are read row after row. */
static bool sums_columns(const reduction *job)
{
    return job->floats && (job->op == YOSO_SUM || job->op == YOSO_MEAN);
}

static void sum_columns(const reduction *job, int64_t base, int64_t columns, int64_t at,
                        int64_t end, yo_partial *result, int64_t result_step)
{
    double sum[SUMMED_COLUMNS] = {0};
    int64_t run = job->shape[job->ndim - 1], step = job->stride[job->ndim - 1], left = 0;
    bool narrow = job->x->dtype != YOSO_F32;
    int64_t offset = 0;
    for (int64_t i = at; i < end; i++, offset += step, left--) {
        if (left == 0) {
            offset = base + reduced_offset(job, i);
            left = run - i % run;
        }
        float floats[SUMMED_COLUMNS];
        const float *line = narrow ? floats : (const float *)job->x->data + offset;
        if (narrow)
            yo_load_floats(floats, job->x->data, offset, 1, job->x->dtype, columns);
        for (int64_t c = 0; c < columns; c++)
            sum[c] += (double)line[c];
    }
    for (int64_t c = 0; c < columns; c++)
        result[c * result_step] = (yo_partial){.value = sum[c], .count = end - at};
}

/* Results output .. output+columns-1, which are neighbours in memory. */
static void reduce_columns(const reduction *job, int64_t output, int64_t columns, int64_t chunk,
                           yo_partial *result, int64_t result_step)
{
    int64_t base = kept_offset(job, output), at = chunk * CHUNK;
    int64_t end = job->count - at < CHUNK ? job->count : at + CHUNK;
    if (sums_columns(job)) {
        sum_columns(job, base, columns, at, end, result, result_step);
        return;
    }
    for (int64_t c = 0; c < columns; c++)
        result[c * result_step] = yo_partial_identity(job->op);
    for (; at < end; at += TILE) {
        int64_t n = end - at < TILE ? end - at : TILE;
        if (job->floats) {
            float tile[COLUMNS][TILE], line[COLUMNS];
            for (int64_t i = 0; i < n; i++) {
                yo_load_floats(line, job->x->data, base + reduced_offset(job, at + i), 1,
                               job->x->dtype, columns);
                for (int64_t c = 0; c < columns; c++)
                    tile[c][i] = line[c];
            }
            for (int64_t c = 0; c < columns; c++) {
                yo_partial p = yo_partial_of_floats(job->op, tile[c], n, at);
                yo_partial_join(job->op, job->floats, &result[c * result_step], &p);
            }
        } else {
            int64_t tile[COLUMNS][TILE], line[COLUMNS];
            for (int64_t i = 0; i < n; i++) {
                yo_load_integers(line, job->x->data, base + reduced_offset(job, at + i), 1,
                                 job->x->dtype, columns);
                for (int64_t c = 0; c < columns; c++)
                    tile[c][i] = line[c];
            }
            for (int64_t c = 0; c < columns; c++) {
                yo_partial p = yo_partial_of_integers(job->op, tile[c], n, at);
                yo_partial_join(job->op, job->floats, &result[c * result_step], &p);
            }
        }
    }
}

static reduction job_of(int32_t op, const yo_view *x, int32_t kept)
{
    reduction job = {.op = op, .floats = yo_dtype_is_float(x->dtype), .x = x, .kept = kept};
    job.outputs = 1;
    job.count = 1;
    for (int32_t i = 0; i < kept; i++)
        job.outputs *= x->shape[i];
    for (int32_t i = kept; i < x->ndim; i++) {
        job.count *= x->shape[i];
        if (x->shape[i] == 1)
            continue;
        int32_t last = job.ndim - 1;
        if (last >= 0 && job.stride[last] == x->shape[i] * x->stride[i]) {
            job.shape[last] *= x->shape[i];
            job.stride[last] = x->stride[i];
        } else {
            job.shape[job.ndim] = x->shape[i];
            job.stride[job.ndim++] = x->stride[i];
        }
    }
    if (job.ndim == 0) {
        job.shape[0] = 1;
        job.stride[0] = 1;
        job.ndim = 1;
    }
    job.chunks = job.count > CHUNK ? (job.count + CHUNK - 1) / CHUNK : 1;
    return job;
}

/* Results are computed in groups of neighbours where they can be read together. */
static void choose_groups(reduction *job)
{
    job->width = job->kept > 0 ? job->x->shape[job->kept - 1] : 1;
    job->group = 1;
    if (job->width > 1 && job->x->stride[job->kept - 1] == 1 && job->stride[job->ndim - 1] != 1) {
        int64_t most = sums_columns(job) ? SUMMED_COLUMNS : COLUMNS;
        job->group = job->width < most ? job->width : most;
    }
    job->groups_a_row = (job->width + job->group - 1) / job->group;
}

/* The first result of group number `which`; *count is how many it has. */
static int64_t group_start(const reduction *job, int64_t which, int64_t *count)
{
    int64_t start = which % job->groups_a_row * job->group;
    *count = job->width - start < job->group ? job->width - start : job->group;
    return which / job->groups_a_row * job->width + start;
}

static void reduce_group(const reduction *job, int64_t output, int64_t count, int64_t chunk,
                         yo_partial *result, int64_t result_step)
{
    if (job->group == 1)
        reduce_one(job, output, chunk, result);
    else
        reduce_columns(job, output, count, chunk, result, result_step);
}

/* Few elements a result: each is finished where it is computed. */
static void reduce_short(const reduction *job, const yo_view *out, double parameter, int threads)
{
    int64_t groups = job->outputs / job->width * job->groups_a_row;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t which = 0; which < groups; which++) {
        yo_partial part[SUMMED_COLUMNS];
        int64_t count, output = group_start(job, which, &count);
        reduce_group(job, output, count, 0, part, 1);
        for (int64_t i = 0; i < count; i++)
            yo_partial_store(job->op, job->floats, out, output + i, &part[i], parameter);
    }
}

/* Many elements a result: its chunks are shared out and joined in order afterwards. */
static yoso_status reduce_long(const reduction *job, const yo_view *out, double parameter,
                               int threads)
{
    int64_t groups = job->outputs / job->width * job->groups_a_row, chunks = job->chunks;
    yo_partial *partials;
    size_t bytes;
    if (!yo_multiply((size_t)(job->outputs * chunks), sizeof *partials, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "reduce: no room for the partial results");
    YO_TRY(yo_memory_take((void **)&partials, bytes));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t task = 0; task < groups * chunks; task++) {
        int64_t count, chunk = task % chunks;
        int64_t output = group_start(job, task / chunks, &count);
        reduce_group(job, output, count, chunk, partials + output * chunks + chunk, chunks);
    }
    for (int64_t output = 0; output < job->outputs; output++) {
        yo_partial *p = partials + output * chunks;
        for (int64_t chunk = 1; chunk < chunks; chunk++)
            yo_partial_join(job->op, job->floats, p, p + chunk);
        yo_partial_store(job->op, job->floats, out, output, p, parameter);
    }
    yo_memory_give(partials, bytes);
    return YOSO_OK;
}

yoso_status YO_CPU(reduce)(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream)
{
    (void)stream;
    reduction job = job_of(op, x, kept);
    if (job.outputs == 0)
        return YOSO_OK;
    choose_groups(&job);
    int threads = job.outputs * job.count < YO_CPU_GRAIN ? 1 : yo_threads();
    if (job.chunks > 1)
        return reduce_long(&job, out, parameter, threads);
    reduce_short(&job, out, parameter, threads);
    return YOSO_OK;
}
