/* The Bernoulli sampling of arXiv 2111.09714, section 3.2, with the buckets in shared memory. A
 * block has 8 dims of one sequence and head. For a group of 8 hashes at a time it adds all keys'
 * values to the buckets of their codes (lsh_scatter.cuh), and its queries read theirs back
 * (lsh_gather.cuh); no table (lsh_table.cuh) ever leaves the chip.
 *
 * Shared memory adds integers natively but floats only by compare-and-swap, so values are fixed
 * point, scaled so that no bucket overflows (lsh_scales.cu), and the sums do not depend on their
 * order. */
#include "cuda/lsh_gather.cuh"
#include "cuda/lsh_scatter.cuh"

using namespace yo_cuda;

const int FINISH_ROWS = 64; /* of a block of finish_kernel */

/* KEPT tiles of 16 queries a warp have their sums in registers; with 0 they are in memory. */
template <class T, int KEPT, bool RANGED>
__global__ void __launch_bounds__(CUMULATE_THREADS, 1) cumulate_kernel(Cumulation c)
{
    DYNAMIC_SHARED(unsigned char, table);
    Job job = c.jobs[blockIdx.x];
    int64_t head = blockIdx.y, share = blockIdx.z / c.slices, slice = blockIdx.z % c.slices;
    int64_t dim = slice * DIMS + lane_of_warp() % DIMS;
    float *sum = c.sum + ((share * c.heads + head) * c.slices + slice) * c.q.rows * DIMS;
    float scale = 1;
    if (dim < c.v.size)
        scale = ldexpf(1.0f, c.exponent[(job.sequence * c.heads + head) * c.v.size + dim]);
    float kept[KEPT ? KEPT : 1][4] = {};
    clear(table, c.buckets + (RANGED ? 1 : 0), 256);
    __syncthreads();
    for (int group = (int)share; group < c.k.groups(); group += c.shares) {
        const uint4 *codes = reinterpret_cast<const uint4 *>(c.q.of(head, group, job.first));
        for (int base = 0; base < (RANGED ? c.ranges : 1) * BUCKETS; base += BUCKETS) {
            scatter<T, RANGED>(table, c, job, head, group, slice * DIMS, scale, base);
            __syncthreads();
            convert<T>(table, c.buckets);
            __syncthreads();
            if constexpr (KEPT > 0)
                gather_kept<T, KEPT>(kept, table, codes, job);
            else
                gather_in_memory<T, RANGED>(sum, table, codes, job, base,
                                            group == share && base == 0);
            __syncthreads();
            clear(table, c.buckets, sizeof(T) == 4 ? 256 : 128);
            __syncthreads();
        }
    }
#pragma unroll
    for (int t = 0; t < KEPT; t++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float2 *to = sums_at(sum, job, t * CUMULATE_WARPS + warp_of_block(), half);
            if (to)
                *to = float2{kept[t][2 * half], kept[t][2 * half + 1]};
        }
}

/* Shares joined in order and scaled back, the mean over the hashes, unit length: a warp for a row
 * of one head, two dims a lane at a time. */
__global__ void finish_kernel(yo_rows out, float *stat, Cumulation c, bool normalize,
                              const uint8_t *keep)
{
    Job job = c.jobs[blockIdx.x];
    int64_t head = blockIdx.y, rows = c.q.rows, size = c.v.size;
    int lane = lane_of_warp(), warps = (int)blockDim.x / WARP;
    const int32_t *exponent = c.exponent + (job.sequence * c.heads + head) * size;
    float share_of = 1.0f / (float)c.k.num_hash;
    for (int r = warp_of_block(); r < job.count; r += warps) {
        int64_t row = job.first + r;
        float squares = 0, factor = 1;
        bool kept = !keep || keep[row];
        for (int pass = normalize ? 0 : 1; pass < 2; pass++) {
            for (int64_t d = 2 * lane; d < c.slices * DIMS; d += 2 * WARP) {
                float2 value = {0, 0};
                for (int share = 0; share < c.shares; share++) {
                    const float2 *at = reinterpret_cast<const float2 *>(
                        c.sum +
                        (((share * c.heads + head) * c.slices + d / DIMS) * rows + row) * DIMS +
                        d % DIMS);
                    value.x += at->x;
                    value.y += at->y;
                }
                value.x *= d < size ? ldexpf(share_of, 15 - exponent[d]) : 0.0f;
                value.y *= d + 1 < size ? ldexpf(share_of, 15 - exponent[d + 1]) : 0.0f;
                squares += value.x * value.x + value.y * value.y;
                if (pass == 0)
                    continue;
                int64_t at = row * out.token + head * out.head + d;
                if (d < size)
                    store_float(out.data, at, out.dtype, kept ? value.x * factor : 0.0f);
                if (d + 1 < size)
                    store_float(out.data, at + 1, out.dtype, kept ? value.y * factor : 0.0f);
            }
            if (pass == 0)
                factor = inverse_length(warp_reduce(squares, Add()));
        }
        if (stat && lane == 0)
            stat[row * c.heads + head] = factor;
    }
}

/* -- Launches ---------------------------------------------------------------------------------- */

template <class T>
static yoso_status cumulate_of(const Cumulation &c, dim3 grid, int64_t longest, yo_stream *stream)
{
    size_t bytes = (size_t)(c.buckets + 1) << LOG_STEP;
    int64_t tiles = (longest + 16 * CUMULATE_WARPS - 1) / (16 * CUMULATE_WARPS);
    auto kernel = c.ranges > 1 ? cumulate_kernel<T, 0, true>
                  : tiles > 16 ? cumulate_kernel<T, 0, false>
                  : tiles > 4  ? cumulate_kernel<T, 16, false>
                               : cumulate_kernel<T, 4, false>;
    return launch("lsh_cumulation", kernel, grid, CUMULATE_THREADS, bytes, stream, c);
}

yoso_status yo_cuda::cumulate(const yo_rows *out, float *stat, bool normalize, const Codes &q,
                              const int64_t *q_offset, const uint8_t *q_keep, const Codes &k,
                              const int64_t *k_offset, const Source &v, const yo_attention *at,
                              yo_stream *stream)
{
    Scratch exponent, sum;
    const Job *row_jobs;
    int64_t count, row_count, longest = 0;
    for (int64_t s = 0; s < at->sequences; s++)
        longest = q_offset[s + 1] - q_offset[s] > longest ? q_offset[s + 1] - q_offset[s] : longest;
    Cumulation c = {};
    c.q = q;
    c.k = k;
    c.v = v;
    c.heads = at->heads;
    c.slices = (int32_t)((v.size + DIMS - 1) / DIMS);
    c.buckets = at->code_len < 9 ? 1 << at->code_len : BUCKETS;
    c.ranges = (1 << at->code_len) / c.buckets;
    YO_TRY(make_jobs(&c.jobs, &count, at, q_offset, k_offset, INT32_MAX));
    YO_TRY(make_jobs(&row_jobs, &row_count, at, q_offset, k_offset, FINISH_ROWS));
    /* Few sequences and heads: several blocks share the hashes of each. */
    for (c.shares = 1; c.shares * 2 <= k.groups() && count * at->heads * c.slices * c.shares < 128;)
        c.shares *= 2;
    YO_TRY(find_exponents(&exponent, v, k_offset, at, stream));
    c.exponent = exponent.as<int32_t>();
    YO_TRY(sum.take((size_t)(c.shares * at->heads * c.slices * q.rows * DIMS) * sizeof(float)));
    c.sum = sum.as<float>();
    dim3 grid((unsigned)count, (unsigned)at->heads, (unsigned)(c.slices * c.shares));
    switch (v.rows.dtype) {
    case YOSO_F16:
        YO_TRY(cumulate_of<f16>(c, grid, longest, stream));
        break;
    case YOSO_BF16:
        YO_TRY(cumulate_of<bf16>(c, grid, longest, stream));
        break;
    default:
        YO_TRY(cumulate_of<float>(c, grid, longest, stream));
    }
    c.jobs = row_jobs;
    return launch("lsh_cumulation", finish_kernel, dim3((unsigned)row_count, (unsigned)at->heads),
                  THREADS, 0, stream, *out, stat, c, normalize, q_keep);
}

yoso_status yo_cuda_lsh_cumulation(const yo_rows *out, const int32_t *q_code, const int32_t *k_code,
                                   const yo_rows *v, const yo_attention *at, yo_stream *stream)
{
    int64_t queries = at->q_offset[at->sequences], keys = at->k_offset[at->sequences];
    OwnCodes q, k;
    YO_TRY(q.take(q_code, queries, at, stream));
    YO_TRY(k.take(k_code, keys, at, stream));
    return cumulate(out, nullptr, false, q.codes, at->q_offset, at->q_keep, k.codes, at->k_offset,
                    source_of(v, at->value_size, keys, at->k_keep), at, stream);
}
