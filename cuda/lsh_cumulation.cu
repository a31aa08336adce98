/* The Bernoulli sampling of arXiv 2111.09714, section 3.2, with the buckets in shared memory: a
 * block adds a slice of all keys' values to the buckets of their codes, for as many hashes as fit,
 * and its queries read theirs back; no table ever leaves the chip.
 *
 * Shared memory adds integers natively but floats only by compare-and-swap, so values are fixed
 * point: with 2^k sum |v| < 2^30 no bucket overflows, and the sums do not depend on their order.
 * Neighbouring threads have neighbouring places of a bucket, so that no code makes two of them
 * meet in a bank. */
#include "cuda/lsh.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

const int ENTRIES = 32768; /* int32 places of the tables: 128 KiB */
const int CUMULATE_THREADS = 512, SLICE = 16;

/* How the tables are cut: [buckets][hashes][dims], `ranges` of the buckets one after another. */
struct Layout {
    int dims, hashes, buckets, ranges;
};

static Layout layout_of(const yo_attention *at)
{
    int all = 1 << at->code_len;
    Layout l;
    l.buckets = all < ENTRIES ? all : ENTRIES;
    l.ranges = all / l.buckets;
    l.dims = ENTRIES / l.buckets < SLICE ? ENTRIES / l.buckets : SLICE;
    l.hashes = ENTRIES / (l.buckets * l.dims);
    int most = CUMULATE_THREADS / l.dims; /* a thread for each place of a bucket */
    most = most < at->num_hash ? most : at->num_hash;
    l.hashes = l.hashes < most ? l.hashes : most;
    return l;
}

/* exponent[sequence][head][dim] = the k of 2^k; a block for 32 dims of one sequence and head. */
__global__ void exponent_kernel(int32_t *exponent, const int64_t *offset, Source v, int64_t heads)
{
    SHARED(float, part, 8 * WARP);
    int64_t sequence = blockIdx.x, head = blockIdx.y;
    int64_t dim = blockIdx.z * WARP + threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    float sum = 0;
    for (int64_t j = offset[sequence] + warp; j < offset[sequence + 1]; j += 8)
        if (dim < v.size && v.kept(j))
            sum += fabsf(v.at(j, head, dim));
    part[threadIdx.x] = sum;
    __syncthreads();
    if (warp > 0 || dim >= v.size)
        return;
    for (int w = 1; w < 8; w++)
        sum += part[w * WARP + threadIdx.x];
    int power = 0;
    if (isfinite(sum) && sum > 0)
        frexpf(sum, &power); /* sum < 2^power */
    power = 29 - power;
    exponent[(sequence * heads + head) * v.size + dim] = power < 126 ? power : 126;
}

/* Adds the keys' values to tables of hashes `hash` .. of buckets from `base` on. */
__device__ static void scatter(int *table, const Layout &l, int hash, int some, int base,
                               const Codes &k, const Source &v, int64_t head, int64_t first,
                               int64_t end, int64_t dim0, const int32_t *exponent)
{
    int width = l.hashes * l.dims, slot = threadIdx.x % width, together = blockDim.x / width;
    int h = slot / l.dims, d = slot % l.dims;
    if ((int)threadIdx.x >= together * width || h >= some || dim0 + d >= v.size)
        return;
    float scale = ldexpf(1.0f, exponent[dim0 + d]);
    for (int64_t j = first + threadIdx.x / width; j < end; j += together) {
        int bucket = k.at(head, hash + h, j) - base;
        if (bucket >= 0 && bucket < l.buckets && v.kept(j))
            atomicAdd(table + bucket * width + slot,
                      __float2int_rn(v.at(j, head, dim0 + d) * scale));
    }
}

/* sum[query] += the buckets of its codes. */
__device__ static void gather(float *sum, const int *table, const Layout &l, int hash, int some,
                              int base, const Codes &q, int64_t head, int64_t heads, int64_t first,
                              int64_t end, int64_t dim0, int64_t size, const int32_t *exponent)
{
    int width = l.hashes * l.dims, d = threadIdx.x % l.dims, together = blockDim.x / l.dims;
    if (dim0 + d >= size)
        return;
    float scale = ldexpf(1.0f, -exponent[dim0 + d]);
    for (int64_t i = first + threadIdx.x / l.dims; i < end; i += together) {
        float total = 0;
        for (int h = 0; h < some; h++) {
            int bucket = q.at(head, hash + h, i) - base;
            if (bucket >= 0 && bucket < l.buckets)
                total += (float)table[bucket * width + h * l.dims + d];
        }
        sum[(i * heads + head) * size + dim0 + d] += total * scale;
    }
}

/* A block for a slice of dims of one sequence, head and share of the hashes; it alone adds to its
 * part of sum[share][row][head][dim]. */
__global__ void __launch_bounds__(CUMULATE_THREADS)
    cumulate_kernel(float *sum, const int64_t *q_offset, const int64_t *k_offset, Codes q, Codes k,
                    Source v, const int32_t *exponent, int64_t heads, int slices, int shares,
                    Layout l)
{
    DYNAMIC_SHARED(int, table);
    int64_t sequence = blockIdx.x, head = blockIdx.y, share = blockIdx.z / slices;
    int64_t dim0 = blockIdx.z % slices * l.dims;
    int32_t steps = (k.num_hash + l.hashes - 1) / l.hashes;
    exponent += (sequence * heads + head) * v.size;
    sum += share * q.rows * heads * v.size;
    for (int step = (int)share; step < steps; step += shares) {
        int hash = step * l.hashes;
        int some = k.num_hash - hash < l.hashes ? k.num_hash - hash : l.hashes;
        for (int base = 0; base < l.ranges * l.buckets; base += l.buckets) {
            __syncthreads();
            for (int i = threadIdx.x; i < l.buckets * l.hashes * l.dims; i += blockDim.x)
                table[i] = 0;
            __syncthreads();
            scatter(table, l, hash, some, base, k, v, head, k_offset[sequence],
                    k_offset[sequence + 1], dim0, exponent);
            __syncthreads();
            gather(sum, table, l, hash, some, base, q, head, heads, q_offset[sequence],
                   q_offset[sequence + 1], dim0, v.size, exponent);
        }
    }
}

/* Shares joined in order, the mean over the hashes, unit length: a warp for a row of one head. */
__global__ void finish_kernel(yo_rows out, float *stat, const float *sum, int shares,
                              int32_t num_hash, bool normalize, const uint8_t *keep, int64_t rows,
                              int64_t heads, int64_t size)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (i >= rows * heads)
        return;
    int64_t row = i / heads, head = i % heads, lane = threadIdx.x % WARP;
    float squares = 0, factor = 1;
    for (int pass = normalize ? 0 : 1; pass < 2; pass++) {
        for (int64_t d = lane; d < size; d += WARP) {
            float value = 0;
            for (int share = 0; share < shares; share++)
                value += sum[(share * rows * heads + i) * size + d];
            value *= 1.0f / (float)num_hash;
            squares += value * value;
            if (pass == 1)
                store_float(out.data, row * out.token + head * out.head + d, out.dtype,
                            !keep || keep[row] ? value * factor : 0.0f);
        }
        if (pass == 0)
            factor = inverse_length(warp_reduce(squares, Add()));
    }
    if (stat && lane == 0)
        stat[i] = factor;
}

yoso_status yo_cuda::cumulate(const yo_rows *out, float *stat, bool normalize, const Codes &q,
                              const int64_t *q_offset, const uint8_t *q_keep, const Codes &k,
                              const int64_t *k_offset, const Source &v, const yo_attention *at,
                              yo_stream *stream)
{
    Scratch q_starts, k_starts, exponent, sum;
    size_t starts = (size_t)(at->sequences + 1) * sizeof(int64_t);
    Layout l = layout_of(at);
    int slices = (int)((v.size + l.dims - 1) / l.dims);
    /* Few sequences and heads: several blocks share the hashes of each. */
    int64_t blocks = at->sequences * at->heads * slices;
    int steps = (at->num_hash + l.hashes - 1) / l.hashes, shares = 1;
    while (shares * 2 <= steps && blocks * shares < 256)
        shares *= 2;
    size_t numbers = (size_t)(q.rows * at->heads * v.size);
    YO_TRY(q_starts.upload(q_offset, starts, stream));
    YO_TRY(k_starts.upload(k_offset, starts, stream));
    YO_TRY(exponent.take((size_t)(at->sequences * at->heads * v.size) * sizeof(int32_t)));
    YO_TRY(sum.take((size_t)shares * numbers * sizeof(float)));
    YO_TRY(sum.zero(stream));
    dim3 places((unsigned)at->sequences, (unsigned)at->heads,
                (unsigned)((v.size + WARP - 1) / WARP));
    YO_TRY(launch("lsh_cumulation", exponent_kernel, places, 8 * WARP, 0, stream,
                  exponent.as<int32_t>(), k_starts.as<int64_t>(), v, at->heads));
    dim3 grid((unsigned)at->sequences, (unsigned)at->heads, (unsigned)(slices * shares));
    YO_TRY(launch("lsh_cumulation", cumulate_kernel, grid, CUMULATE_THREADS,
                  (size_t)(l.buckets * l.hashes * l.dims) * sizeof(int), stream, sum.as<float>(),
                  q_starts.as<int64_t>(), k_starts.as<int64_t>(), q, k, v, exponent.as<int32_t>(),
                  at->heads, slices, shares, l));
    return launch("lsh_cumulation", finish_kernel,
                  (unsigned)((q.rows * at->heads * WARP + THREADS - 1) / THREADS), THREADS, 0,
                  stream, *out, stat, sum.as<float>(), shares, at->num_hash, normalize, q_keep,
                  q.rows, at->heads, v.size);
}

yoso_status yo_cuda_lsh_cumulation(const yo_rows *out, const int32_t *q_code, const int32_t *k_code,
                                   const yo_rows *v, const yo_attention *at, yo_stream *stream)
{
    int64_t queries = at->q_offset[at->sequences], keys = at->k_offset[at->sequences];
    Scratch q_own, k_own;
    YO_TRY(q_own.take((size_t)(queries * at->num_hash) * sizeof(uint16_t)));
    YO_TRY(k_own.take((size_t)(keys * at->num_hash) * sizeof(uint16_t)));
    YO_TRY(take_codes(q_own.as<uint16_t>(), q_code, queries, at, stream));
    YO_TRY(take_codes(k_own.as<uint16_t>(), k_code, keys, at, stream));
    Codes q = {q_own.as<uint16_t>(), queries, at->num_hash};
    Codes k = {k_own.as<uint16_t>(), keys, at->num_hash};
    return cumulate(out, nullptr, false, q, at->q_offset, at->q_keep, k, at->k_offset,
                    source_of(v, at->value_size, at->k_keep, false), at, stream);
}
