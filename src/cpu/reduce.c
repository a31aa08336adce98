/* Reductions of strided views, the same bits for any number of threads.
 *
 * The reduced elements of one result are dealt into chunks of CHUNK, a chunk into blocks of at
 * most BLOCK. Blocks are summed up in lanes of double, blocks and chunks are joined in order;
 * nothing of this depends on who computes which chunk. Where neighbouring results are
 * neighbours in memory (a sum over rows), COLUMNS of them are computed at a time from a
 * transposed tile, so that memory is read in order. */
#include <math.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

enum { BLOCK = 1024, CHUNK = 32 * BLOCK, COLUMNS = 16, TILE = 256, LANES = 16 };

/* What is known of some elements. Sums, products and extremes are in value; logsumexp has the
 * largest in value and the sum beside it in extra, var the mean in value and the sum of squared
 * distances from it in extra. */
typedef struct partial {
    double value, extra;
    int64_t integer, at, count;
} partial;

typedef struct reduction {
    int32_t op;
    bool floats;
    const yo_view *x;
    int32_t kept;
    /* The reduced dimensions, merged; the last is the run. */
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS + 1], stride[YOSO_MAX_DIMS + 1];
    int64_t count, chunks, outputs;
} reduction;

typedef union row {
    float floats[BLOCK];
    int64_t integers[BLOCK];
} row;

static partial identity(int32_t op)
{
    partial p = {.at = -1};
    switch (op) {
    case YOSO_PROD:
        p.value = 1;
        p.integer = 1;
        break;
    case YOSO_ALL:
        p.integer = 1;
        break;
    case YOSO_LOGSUMEXP:
        p.value = -INFINITY;
        break;
    }
    return p;
}

static double sum_row(const float *x, int64_t n, bool squares)
{
    double lane[LANES] = {0};
    int64_t whole = n - n % LANES;
    if (squares) {
        for (int64_t i = 0; i < whole; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += (double)x[i + j] * (double)x[i + j];
    } else {
        for (int64_t i = 0; i < whole; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += (double)x[i + j];
    }
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lane[j];
    for (int64_t i = whole; i < n; i++)
        sum += squares ? (double)x[i] * (double)x[i] : (double)x[i];
    return sum;
}

/* The first of the largest (sign 1) or smallest (sign -1) elements; a NaN beats all. */
static int64_t extreme_at(const float *x, int64_t n, bool largest)
{
    float sign = largest ? 1.0f : -1.0f, best = -INFINITY;
    bool nan = false;
    for (int64_t i = 0; i < n; i++) {
        float value = sign * x[i];
        nan |= value != value;
        best = value > best ? value : best;
    }
    for (int64_t i = 0; i < n; i++)
        if (nan ? x[i] != x[i] : sign * x[i] == best)
            return i;
    return 0;
}

static partial of_floats(int32_t op, const float *x, int64_t n, int64_t at)
{
    partial p = {.count = n, .at = at};
    switch (op) {
    case YOSO_SUM:
    case YOSO_MEAN:
        p.value = sum_row(x, n, false);
        break;
    case YOSO_NORM:
        p.value = sum_row(x, n, true);
        break;
    case YOSO_PROD:
        p.value = 1;
        for (int64_t i = 0; i < n; i++)
            p.value *= (double)x[i];
        break;
    case YOSO_VAR:
    case YOSO_STD:
        p.value = sum_row(x, n, false) / (double)n;
        for (int64_t i = 0; i < n; i++)
            p.extra += ((double)x[i] - p.value) * ((double)x[i] - p.value);
        break;
    case YOSO_LOGSUMEXP: {
        float most = x[extreme_at(x, n, true)];
        p.value = (double)most;
        for (int64_t i = 0; i < n && isfinite(most); i++)
            p.extra += (double)expf(x[i] - most);
        break;
    }
    case YOSO_ANY:
    case YOSO_ALL: {
        int64_t zeros = 0;
        for (int64_t i = 0; i < n; i++)
            zeros += x[i] == 0.0f;
        p.integer = op == YOSO_ANY ? zeros < n : zeros == 0;
        break;
    }
    default: {
        int64_t i = extreme_at(x, n, op == YOSO_MAX || op == YOSO_ARGMAX);
        p.value = (double)x[i];
        p.at = at + i;
    }
    }
    return p;
}

static partial of_integers(int32_t op, const int64_t *x, int64_t n, int64_t at)
{
    partial p = {.count = n, .at = at};
    uint64_t total = op == YOSO_PROD;
    switch (op) {
    case YOSO_SUM:
        for (int64_t i = 0; i < n; i++)
            total += (uint64_t)x[i];
        p.integer = (int64_t)total;
        break;
    case YOSO_PROD:
        for (int64_t i = 0; i < n; i++)
            total *= (uint64_t)x[i];
        p.integer = (int64_t)total;
        break;
    case YOSO_ANY:
    case YOSO_ALL: {
        int64_t zeros = 0;
        for (int64_t i = 0; i < n; i++)
            zeros += x[i] == 0;
        p.integer = op == YOSO_ANY ? zeros < n : zeros == 0;
        break;
    }
    default: {
        bool largest = op == YOSO_MAX || op == YOSO_ARGMAX;
        int64_t best = 0;
        for (int64_t i = 1; i < n; i++)
            if (largest ? x[i] > x[best] : x[i] < x[best])
                best = i;
        p.integer = x[best];
        p.at = at + best;
    }
    }
    return p;
}

/* Chan's update of mean and sum of squared distances. */
static void join_moments(partial *p, const partial *q)
{
    double count = (double)(p->count + q->count), delta = q->value - p->value;
    p->extra += q->extra + delta * delta * (double)p->count * (double)q->count / count;
    p->value += delta * (double)q->count / count;
}

static void join_logs(partial *p, const partial *q)
{
    double most = p->value > q->value || p->value != p->value ? p->value : q->value;
    if (isfinite(most))
        p->extra = p->extra * exp(p->value - most) + q->extra * exp(q->value - most);
    p->value = most;
}

static void join(const reduction *job, partial *p, const partial *q)
{
    if (p->count == 0) {
        *p = *q;
        return;
    }
    switch (job->op) {
    case YOSO_SUM:
    case YOSO_MEAN:
    case YOSO_NORM:
        p->value += q->value;
        p->integer = (int64_t)((uint64_t)p->integer + (uint64_t)q->integer);
        break;
    case YOSO_PROD:
        p->value *= q->value;
        p->integer = (int64_t)((uint64_t)p->integer * (uint64_t)q->integer);
        break;
    case YOSO_VAR:
    case YOSO_STD:
        join_moments(p, q);
        break;
    case YOSO_LOGSUMEXP:
        join_logs(p, q);
        break;
    case YOSO_ANY:
        p->integer |= q->integer;
        break;
    case YOSO_ALL:
        p->integer &= q->integer;
        break;
    default: {
        bool largest = job->op == YOSO_MAX || job->op == YOSO_ARGMAX, better;
        if (job->floats)
            better =
                p->value == p->value &&
                (q->value != q->value || (largest ? q->value > p->value : q->value < p->value));
        else
            better = largest ? q->integer > p->integer : q->integer < p->integer;
        if (better) {
            p->value = q->value;
            p->integer = q->integer;
            p->at = q->at;
        }
    }
    }
    p->count += q->count;
}

static void store(const reduction *job, const yo_view *out, int64_t index, const partial *p,
                  double parameter)
{
    double value = p->value, count = (double)p->count;
    int64_t integer = p->integer;
    bool as_integer = !job->floats || out->dtype == YOSO_BOOL;
    switch (job->op) {
    case YOSO_MEAN:
        value /= count;
        break;
    case YOSO_NORM:
        value = sqrt(value);
        break;
    case YOSO_VAR:
        value = count > parameter ? p->extra / (count - parameter) : NAN;
        break;
    case YOSO_STD:
        value = count > parameter ? sqrt(p->extra / (count - parameter)) : NAN;
        break;
    case YOSO_LOGSUMEXP:
        value = isfinite(value) ? value + log(p->extra) : value;
        break;
    case YOSO_ARGMAX:
    case YOSO_ARGMIN:
        integer = p->at + (int64_t)parameter;
        as_integer = true;
        break;
    }
    float narrow = (float)value;
    if (as_integer)
        yo_store_integers(out->data, index, 1, out->dtype, &integer, 1);
    else
        yo_store_floats(out->data, index, 1, out->dtype, &narrow, 1);
}

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
static partial block_of(const reduction *job, int64_t base, int64_t at, int64_t n)
{
    row buffer;
    int64_t run = job->shape[job->ndim - 1], step = job->stride[job->ndim - 1];
    if (job->x->dtype == YOSO_F32 && step == 1 && run - at % run >= n)
        return of_floats(job->op, (const float *)job->x->data + base + reduced_offset(job, at), n,
                         at);
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
    return job->floats ? of_floats(job->op, buffer.floats, n, at)
                       : of_integers(job->op, buffer.integers, n, at);
}

static void reduce_one(const reduction *job, int64_t output, int64_t chunk, partial *result)
{
    int64_t base = kept_offset(job, output), at = chunk * CHUNK;
    int64_t end = job->count - at < CHUNK ? job->count : at + CHUNK;
    *result = identity(job->op);
    for (; at < end; at += BLOCK) {
        partial p = block_of(job, base, at, end - at < BLOCK ? end - at : BLOCK);
        join(job, result, &p);
    }
}

/* Results output .. output+columns-1, which are neighbours in memory. */
static void reduce_columns(const reduction *job, int64_t output, int64_t columns, int64_t chunk,
                           partial *result, int64_t result_step)
{
    int64_t base = kept_offset(job, output), at = chunk * CHUNK;
    int64_t end = job->count - at < CHUNK ? job->count : at + CHUNK;
    for (int64_t c = 0; c < columns; c++)
        result[c * result_step] = identity(job->op);
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
                partial p = of_floats(job->op, tile[c], n, at);
                join(job, &result[c * result_step], &p);
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
                partial p = of_integers(job->op, tile[c], n, at);
                join(job, &result[c * result_step], &p);
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

yoso_status YO_CPU(reduce)(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream)
{
    (void)stream;
    reduction job = job_of(op, x, kept);
    if (job.outputs == 0)
        return YOSO_OK;
    int64_t width = kept > 0 ? x->shape[kept - 1] : 1, group = 1;
    if (width > 1 && x->stride[kept - 1] == 1 && job.stride[job.ndim - 1] != 1)
        group = width < COLUMNS ? width : COLUMNS;
    int64_t groups_a_row = (width + group - 1) / group;
    int64_t groups = job.outputs / width * groups_a_row;
    partial *partials;
    size_t bytes;
    if (!yo_multiply((size_t)(job.outputs * job.chunks), sizeof(partial), &bytes))
        return yo_fail(YOSO_NO_MEMORY, "reduce: no room for the partial results");
    YO_TRY(yo_memory_take((void **)&partials, bytes));
    int threads = job.outputs * job.count < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t task = 0; task < groups * job.chunks; task++) {
        int64_t chunk = task % job.chunks, which = task / job.chunks;
        int64_t start = which % groups_a_row * group;
        int64_t output = which / groups_a_row * width + start;
        partial *result = partials + output * job.chunks + chunk;
        if (group == 1)
            reduce_one(&job, output, chunk, result);
        else
            reduce_columns(&job, output, width - start < group ? width - start : group, chunk,
                           result, job.chunks);
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t output = 0; output < job.outputs; output++) {
        partial *p = partials + output * job.chunks;
        for (int64_t chunk = 1; chunk < job.chunks; chunk++)
            join(&job, p, p + chunk);
        store(&job, out, output, p, parameter);
    }
    yo_memory_give(partials, bytes);
    return YOSO_OK;
}
