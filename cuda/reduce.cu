/* Reductions of strided views, the same bits every time.
 *
 * A warp reduces one chunk of one result, its lanes side by side over the chunk; where
 * neighbouring results are neighbours in memory (a sum over rows), each lane reduces a result of
 * its own instead, so that memory is read in order either way. Chunks are joined in order. */
#include "cuda/columns.cuh"
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

/* What is known of some elements, as in src/cpu/reduce.c: sums and extremes are in value;
 * logsumexp has the largest in value and the sum beside it in extra, var the mean in value and
 * the sum of squared distances from it in extra. */
struct Partial {
    double value, extra;
    int64_t integer, at, count;
};

struct Reduction {
    int32_t op, kept, ndim;
    bool floats, across; /* across: a lane has a result of its own */
    const void *x;
    int32_t dtype;
    int64_t kept_shape[YOSO_MAX_DIMS], kept_stride[YOSO_MAX_DIMS];
    int64_t shape[YOSO_MAX_DIMS], stride[YOSO_MAX_DIMS];
    int64_t outputs, count, chunk, chunks;
};

__device__ static Partial nothing(int32_t op)
{
    Partial p = {0, 0, 0, -1, 0};
    if (op == YOSO_PROD) {
        p.value = 1;
        p.integer = 1;
    } else if (op == YOSO_ALL) {
        p.integer = 1;
    } else if (op == YOSO_LOGSUMEXP) {
        p.value = -INFINITY;
    }
    return p;
}

__device__ static Partial of_float(int32_t op, float x, int64_t at)
{
    Partial p = {(double)x, 0, 0, at, 1};
    switch (op) {
    case YOSO_NORM:
        p.value = (double)x * (double)x;
        break;
    case YOSO_LOGSUMEXP:
        p.extra = isfinite(x) ? 1 : 0;
        break;
    case YOSO_ANY:
    case YOSO_ALL:
        p.integer = x != 0;
        break;
    }
    return p;
}

__device__ static Partial of_integer(int32_t op, int64_t x, int64_t at)
{
    return Partial{0, 0, op == YOSO_ANY || op == YOSO_ALL ? x != 0 : x, at, 1};
}

/* Whether q's element goes before p's: larger or smaller, a NaN before all, the first of equals. */
__device__ static bool goes_before(const Reduction &job, const Partial &q, const Partial &p)
{
    bool largest = job.op == YOSO_MAX || job.op == YOSO_ARGMAX;
    if (!job.floats)
        return q.integer == p.integer ? q.at < p.at
                                      : (largest ? q.integer > p.integer : q.integer < p.integer);
    bool p_nan = p.value != p.value, q_nan = q.value != q.value;
    if (p_nan || q_nan)
        return q_nan && (!p_nan || q.at < p.at);
    if (q.value == p.value)
        return q.at < p.at;
    return largest ? q.value > p.value : q.value < p.value;
}

__device__ static void join(const Reduction &job, Partial *p, const Partial &q)
{
    if (q.count == 0)
        return;
    if (p->count == 0) {
        *p = q;
        return;
    }
    switch (job.op) {
    case YOSO_SUM:
    case YOSO_MEAN:
    case YOSO_NORM:
        p->value += q.value;
        p->integer = (int64_t)((uint64_t)p->integer + (uint64_t)q.integer);
        break;
    case YOSO_PROD:
        p->value *= q.value;
        p->integer = (int64_t)((uint64_t)p->integer * (uint64_t)q.integer);
        break;
    case YOSO_VAR:
    case YOSO_STD: { /* Chan's update */
        double count = (double)(p->count + q.count), delta = q.value - p->value;
        p->extra += q.extra + delta * delta * (double)p->count * (double)q.count / count;
        p->value += delta * (double)q.count / count;
        break;
    }
    case YOSO_LOGSUMEXP: {
        double most = p->value > q.value || p->value != p->value ? p->value : q.value;
        if (isfinite(most))
            p->extra = p->extra * exp(p->value - most) + q.extra * exp(q.value - most);
        p->value = most;
        break;
    }
    case YOSO_ANY:
        p->integer |= q.integer;
        break;
    case YOSO_ALL:
        p->integer &= q.integer;
        break;
    default:
        if (goes_before(job, q, *p)) {
            p->value = q.value;
            p->integer = q.integer;
            p->at = q.at;
        }
    }
    p->count += q.count;
}

__device__ static void join_lanes(const Reduction &job, Partial *p)
{
    for (int step = WARP / 2; step > 0; step /= 2) {
        Partial q;
        q.value = __shfl_xor_sync(FULL, p->value, step);
        q.extra = __shfl_xor_sync(FULL, p->extra, step);
        q.integer = __shfl_xor_sync(FULL, (long long)p->integer, step);
        q.at = __shfl_xor_sync(FULL, (long long)p->at, step);
        q.count = __shfl_xor_sync(FULL, (long long)p->count, step);
        join(job, p, q);
    }
}

__device__ static int64_t offset_of(int64_t index, int32_t ndim, const int64_t *shape,
                                    const int64_t *stride)
{
    int64_t offset = 0;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        offset += index % shape[i] * stride[i];
        index /= shape[i];
    }
    return offset;
}

/* Elements first, first + step, ... below end of the result whose elements begin at base. */
__device__ static Partial reduce_some(const Reduction &job, int64_t base, int64_t first,
                                      int64_t end, int64_t step)
{
    Partial p = nothing(job.op);
    for (int64_t at = first; at < end; at += step) {
        int64_t offset = base + offset_of(at, job.ndim, job.shape, job.stride);
        join(job, &p,
             job.floats ? of_float(job.op, load_float(job.x, offset, job.dtype), at)
                        : of_integer(job.op, load_integer(job.x, offset, job.dtype), at));
    }
    return p;
}

/* One warp a task; partial[output * chunks + chunk]. */
__global__ void reduce_kernel(Partial *partial, Reduction job)
{
    int64_t lane = threadIdx.x % WARP;
    int64_t groups = job.across ? (job.outputs + WARP - 1) / WARP : job.outputs;
    int64_t first = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    for (int64_t task = first; task < groups * job.chunks;
         task += (int64_t)gridDim.x * blockDim.x / WARP) {
        int64_t chunk = task % job.chunks, group = task / job.chunks;
        int64_t output = job.across ? group * WARP + lane : group;
        int64_t start = chunk * job.chunk, end = start + job.chunk;
        end = end < job.count ? end : job.count;
        Partial p = nothing(job.op);
        if (output < job.outputs) {
            int64_t base = offset_of(output, job.kept, job.kept_shape, job.kept_stride);
            p = reduce_some(job, base, job.across ? start : start + lane, end,
                            job.across ? 1 : WARP);
        }
        if (!job.across)
            join_lanes(job, &p);
        if (output < job.outputs && (job.across || lane == 0))
            partial[output * job.chunks + chunk] = p;
    }
}

__global__ void reduce_finish_kernel(void *out, int32_t dtype, Partial *partial, Reduction job,
                                     double parameter)
{
    FOR_MY_ELEMENTS(output, job.outputs)
    {
        Partial p = partial[output * job.chunks];
        for (int64_t chunk = 1; chunk < job.chunks; chunk++)
            join(job, &p, partial[output * job.chunks + chunk]);
        double value = p.value, left = (double)p.count - parameter;
        int64_t integer = p.integer;
        bool as_integer = !job.floats || dtype == YOSO_BOOL;
        switch (job.op) {
        case YOSO_MEAN:
            value /= (double)p.count;
            break;
        case YOSO_NORM:
            value = sqrt(value);
            break;
        case YOSO_VAR:
            value = left > 0 ? p.extra / left : (double)NAN;
            break;
        case YOSO_STD:
            value = left > 0 ? sqrt(p.extra / left) : (double)NAN;
            break;
        case YOSO_LOGSUMEXP:
            value = isfinite(value) ? value + log(p.extra) : value;
            break;
        case YOSO_ARGMAX:
        case YOSO_ARGMIN:
            integer = p.at + (int64_t)parameter;
            as_integer = true;
            break;
        }
        if (as_integer)
            store_integer(out, output, dtype, integer);
        else
            store_float(out, output, dtype, (float)value);
    }
}

static Reduction job_of(int32_t op, const yo_view *x, int32_t kept)
{
    Reduction job = {};
    job.op = op;
    job.kept = kept;
    job.floats = is_float(x->dtype);
    job.x = x->data;
    job.dtype = x->dtype;
    job.outputs = job.count = 1;
    for (int32_t i = 0; i < kept; i++) {
        job.kept_shape[i] = x->shape[i];
        job.kept_stride[i] = x->stride[i];
        job.outputs *= x->shape[i];
    }
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
    job.across = kept > 0 && x->stride[kept - 1] == 1 && x->shape[kept - 1] > 1 && job.ndim > 0 &&
                 job.stride[job.ndim - 1] != 1;
    job.chunk = job.across ? 512 : 8192;
    job.chunks = job.count > job.chunk ? (job.count + job.chunk - 1) / job.chunk : 1;
    return job;
}

/* A matrix of floats summed over its rows, where it is large. */
static bool is_sum_of_rows(const yo_view *out, const yo_view *x, int32_t kept)
{
    return x->ndim == 2 && kept == 1 && x->stride[0] == 1 && x->shape[1] >= 64 &&
           x->shape[0] >= 64 && is_float(x->dtype) && out->dtype == x->dtype;
}

yoso_status yo_cuda_reduce(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream)
{
    if (op == YOSO_SUM && is_sum_of_rows(out, x, kept)) {
        yo_view rows = *x; /* [columns, rows] as [rows, columns] */
        for (int i = 0; i < 2; i++) {
            rows.shape[i] = x->shape[1 - i];
            rows.stride[i] = x->stride[1 - i];
        }
        return column_sums(out, &rows, stream);
    }
    Reduction job = job_of(op, x, kept);
    if (job.outputs == 0)
        return YOSO_OK;
    Scratch partial;
    YO_TRY(partial.take((size_t)(job.outputs * job.chunks) * sizeof(Partial)));
    int64_t groups = job.across ? (job.outputs + WARP - 1) / WARP : job.outputs;
    YO_TRY(launch("reduce", reduce_kernel, blocks_for(groups * job.chunks * WARP, THREADS), THREADS,
                  0, stream, partial.as<Partial>(), job));
    return launch("reduce", reduce_finish_kernel, blocks_for(job.outputs, THREADS), THREADS, 0,
                  stream, out->data, out->dtype, partial.as<Partial>(), job, parameter);
}
