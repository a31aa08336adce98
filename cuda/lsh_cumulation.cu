/* The Bernoulli sampling of arXiv 2111.09714, section 3.2, with the buckets in shared memory. A
 * block has 8 dims of one sequence and head. For a group of 8 hashes at a time it adds all keys'
 * values to the buckets of their codes, and its queries read theirs back; no table ever leaves the
 * chip.
 *
 * Shared memory adds integers natively but floats only by compare-and-swap, so values are fixed
 * point: with 2^k sum |v| < 2^30 no bucket overflows, and the sums do not depend on their order.
 * A bucket is 64 places, [hash][dim]. A warp adds four keys at a time, each lane one dim of one
 * key, in eight turns: in turn t key i adds to hash t ^ i, so that whatever the codes all lanes
 * have banks of their own. Then a bucket becomes f16, [hash][dim] of 128 bytes (for f32 two f16,
 * 256 bytes), and 16 queries at a time read by ldmatrix, row r in turn t the 16 bytes of hash
 * t ^ r, again all in different banks; a product with the identity adds them up in f32. */
#include <stdlib.h>

#include "cuda/lsh.cuh"
#include "cuda/tile.cuh"

using namespace yo_cuda;

const int CUMULATE_WARPS = EMULATED ? 4 : 16, CUMULATE_THREADS = CUMULATE_WARPS * WARP;
const int DIMS = 8, PLACES = GROUP * DIMS; /* of a bucket */
const int BUCKETS = 512;                   /* that fit; more come range by range */
const int LOG_STEP = 8;                    /* of a bucket: 256 bytes */
const int SUM_ROWS = 512, FINISH_ROWS = 64; /* of a block of the kernels beside */

/* What a block works on. */
struct Cumulation {
    const Job *jobs; /* one for each sequence: its queries and its keys */
    Codes q, k;
    Source v;
    const int32_t *exponent; /* [sequence][head][dim] k of 2^k */
    float *sum;              /* [share][head][slice][row][dim of the slice] */
    int64_t heads;
    int32_t slices, shares, buckets, ranges;
};

/* -- Scales ------------------------------------------------------------------------------------ */

/* part[job][head][dim] = sum of |v|, and the largest, over the job's rows. */
__global__ void sizes_kernel(float2 *part, const Job *jobs, Source v, int64_t heads)
{
    SHARED(float2, shared, 8 * WARP);
    Job job = jobs[blockIdx.x];
    int64_t head = blockIdx.y, dim = blockIdx.z * WARP + threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    float2 size = {0, 0};
    if (dim < v.size)
        for (int64_t j = job.first + warp; j < job.first + job.count; j += 8) {
            float x = v.kept(j) ? fabsf(v.at(j, head, dim)) : 0.0f;
            size.x += x;
            size.y = fmaxf(size.y, x);
        }
    shared[threadIdx.x] = size;
    __syncthreads();
    if (warp > 0 || dim >= v.size)
        return;
    for (int w = 1; w < 8; w++) {
        size.x += shared[w * WARP + threadIdx.x].x;
        size.y = fmaxf(size.y, shared[w * WARP + threadIdx.x].y);
    }
    part[(blockIdx.x * heads + head) * v.size + dim] = size;
}

/* Power of two above x, for x that has one. */
__device__ static int power_above(float x)
{
    int power = 0;
    if (isfinite(x) && x > 0)
        frexpf(x, &power);
    return power;
}

/* exponent[sequence][head][dim] of the parts of the sequence, whose jobs begin at start[sequence].
 * With `few` bits of a value the conversion is one addition. */
__global__ void exponent_kernel(int32_t *exponent, const float2 *part, const int64_t *start,
                                int64_t numbers, bool few)
{
    int64_t i = (int64_t)blockIdx.y * blockDim.x + threadIdx.x, sequence = blockIdx.x;
    if (i >= numbers)
        return;
    float sum = 0, most = 0;
    for (int64_t job = start[sequence]; job < start[sequence + 1]; job++) {
        sum += part[job * numbers + i].x;
        most = fmaxf(most, part[job * numbers + i].y);
    }
    int power = 29 - power_above(sum), of_one = 21 - power_above(most);
    power = few && of_one < power ? of_one : power;
    exponent[sequence * numbers + i] = power < 126 ? power > -126 ? power : -126 : 126;
}

/* -- Tables ------------------------------------------------------------------------------------ */

/* x 2^k rounded to a whole number: of 16-bit values by an addition that leaves it in the low bits. */
template <class T> __device__ inline int fixed_point(float x, float scale)
{
    const float MAGIC = 12582912.0f; /* 1.5 2^23 */
    return __float_as_int(fmaf(x, scale, MAGIC)) - __float_as_int(MAGIC);
}
template <> __device__ inline int fixed_point<float>(float x, float scale)
{
    return __float2int_rn(x * scale);
}

/* Eight codes, two a word, whose words are exchanged so that word t / 2 has the code of hash
 * t ^ first but for its half: `first` even turns the low one up, odd the high one. */
struct TurnedCodes {
    uint32_t word[GROUP / 2];

    __device__ TurnedCodes(const uint4 &codes, int first)
    {
        bool near = first & 2, far = first & 4;
        uint32_t a = near ? codes.y : codes.x, b = near ? codes.x : codes.y;
        uint32_t c = near ? codes.w : codes.z, d = near ? codes.z : codes.w;
        word[0] = far ? c : a;
        word[1] = far ? d : b;
        word[2] = far ? a : c;
        word[3] = far ? b : d;
    }
    /* The code's bucket, as bytes of the table: the code times 256. */
    __device__ uint32_t bucket(int turn, bool odd) const
    {
        return pick_bytes(word[turn / 2], ((turn & 1) != 0) == odd ? 0x4104u : 0x4324u);
    }
};

/* A lane's way through the keys: what it adds, and to which buckets. */
template <class T> struct Walker {
    const uint4 *codes;
    const T *value;
    const uint8_t *keep;
    int64_t value_step;
    int left, step; /* keys to go, and from one to the next */
    bool there;

    __device__ Walker(const Cumulation &c, const Job &job, int64_t head, int group, int64_t dim,
                      int first, int step_)
    {
        int64_t key = job.column + first;
        codes = reinterpret_cast<const uint4 *>(c.k.of(head, group, key));
        value = static_cast<const T *>(c.v.rows.data) + key * c.v.rows.token +
                head * c.v.rows.head + dim;
        keep = c.v.keep ? c.v.keep + key : nullptr;
        left = job.columns_end - job.column - first;
        step = step_;
        value_step = step * c.v.rows.token;
        there = dim < c.v.size;
    }
    /* The key's codes and number. Where there is no key, or it is masked, the number is 0 and the
     * codes stay what they were. */
    __device__ void read(uint4 *code, float *number)
    {
        bool here = left > 0;
        if (here)
            *code = *codes;
        if (here && keep)
            here = *keep != 0;
        *number = here && there ? to_float(*value) : 0.0f;
        codes += step;
        value += value_step;
        keep += keep ? step : 0;
        left -= step;
    }
};

const int BATCH = 2; /* keys of a lane whose loads are under way together */

/* Adds a number to the eight hashes' buckets, those from `base` on. */
template <bool RANGED>
__device__ static void add(unsigned char *table, const uint4 &codes, int number, int hashes,
                           int base)
{
    int i = lane_of_warp() / DIMS;
    uint32_t place = (uint32_t)lane_of_warp() * 4;
    TurnedCodes turned(codes, i);
#pragma unroll
    for (int turn = 0; turn < GROUP; turn++) {
        uint32_t at = turned.bucket(turn, i & 1);
        if (RANGED)
            at -= (uint32_t)base << LOG_STEP;
        int *to = reinterpret_cast<int *>(table + (at | (place ^ (turn * DIMS * 4))));
        if (!RANGED || at < (uint32_t)BUCKETS << LOG_STEP)
            atomicAdd(to, hashes >= GROUP || (turn ^ i) < hashes ? number : 0);
    }
}

/* Adds the values of all keys to the buckets `base` .. of the hashes of one group. */
template <class T, bool RANGED>
__device__ static void scatter(unsigned char *table, const Cumulation &c, const Job &job,
                               int64_t head, int group, int64_t dim0, float scale, int base)
{
    const int TOGETHER = WARP / DIMS, STEP = CUMULATE_WARPS * TOGETHER;
    int hashes = c.k.num_hash - group * GROUP;
    int first = warp_of_block() * TOGETHER + lane_of_warp() / DIMS;
    Walker<T> keys(c, job, head, group, dim0 + lane_of_warp() % DIMS, first, STEP);
    uint4 codes[BATCH], next_codes[BATCH] = {};
    float number[BATCH], next_number[BATCH];
#pragma unroll
    for (int b = 0; b < BATCH; b++)
        keys.read(&next_codes[b], &next_number[b]);
    int count = job.columns_end - job.column - warp_of_block() * TOGETHER;
    for (int done = 0; done < count; done += BATCH * STEP) {
#pragma unroll
        for (int b = 0; b < BATCH; b++) {
            codes[b] = next_codes[b];
            number[b] = next_number[b];
            keys.read(&next_codes[b], &next_number[b]);
        }
#pragma unroll
        for (int b = 0; b < BATCH; b++)
            if (hashes >= GROUP)
                add<RANGED>(table, codes[b], fixed_point<T>(number[b], scale), GROUP, base);
            else
                add<RANGED>(table, codes[b], fixed_point<T>(number[b], scale), hashes, base);
    }
}

/* sum / 2^15: of 16-bit values by shifts and an addition, which keep 22 bits of 30. */
template <class T> __device__ inline float to_table(int sum)
{
    const float MAGIC = 12582912.0f;
    return (__int_as_float(((sum + 128) >> 8) + __float_as_int(MAGIC)) - MAGIC) * 0x1p-7f;
}
template <> __device__ inline float to_table<float>(int sum)
{
    return (float)sum * 0x1p-15f;
}

/* A bucket's 64 sums, of at most 2^30, become f16 of at most 2^15, and for f32 64 remainders
 * behind them. Half a warp a bucket. */
template <class T> __device__ static void convert(unsigned char *table, int buckets)
{
    const int EACH = 4, LANES = PLACES / EACH;
    int lane = threadIdx.x % LANES;
    for (int bucket = threadIdx.x / LANES; bucket < buckets; bucket += CUMULATE_THREADS / LANES) {
        unsigned char *row = table + (bucket << LOG_STEP);
        int4 sum = reinterpret_cast<int4 *>(row)[lane];
        float x[EACH] = {to_table<T>(sum.x), to_table<T>(sum.y), to_table<T>(sum.z),
                         to_table<T>(sum.w)};
        __syncwarp(); /* all have read */
        uint2 high = {pack(x[0], x[1], f16()), pack(x[2], x[3], f16())}, low = {0, 0};
        if (sizeof(T) == 4) {
#pragma unroll
            for (int e = 0; e < EACH; e++) {
                f16 part;
                from_float(&part, x[e]);
                x[e] -= to_float(part);
            }
            low = uint2{pack(x[0], x[1], f16()), pack(x[2], x[3], f16())};
        }
        reinterpret_cast<uint2 *>(row)[lane] = high;
        reinterpret_cast<uint2 *>(row + 128)[lane] = low;
        __syncwarp();
    }
}

/* The first `bytes` of each bucket. */
__device__ static void clear(unsigned char *table, int buckets, int bytes)
{
    int chunks = bytes / 16;
    for (int i = threadIdx.x; i < buckets * chunks; i += CUMULATE_THREADS)
        reinterpret_cast<uint4 *>(table + (i / chunks << LOG_STEP))[i % chunks] =
            uint4{0, 0, 0, 0};
}

/* sum += the buckets of 16 queries' codes, as the lanes of a product hold them. */
template <class T, bool RANGED>
__device__ static void gather(float (&sum)[4], const unsigned char *table, const uint4 &codes,
                              int base)
{
    /* Tiles 0 and 1 are queries 0 .. 7 and 8 .. 15 in an even turn, 2 and 3 the same in the odd
     * turn after it: the hash is turn ^ first, turn even. */
    int lane = lane_of_warp(), first = (lane & 7) ^ lane / 16;
    TurnedCodes turned(codes, first);
    uint32_t one_row = lane / 4 == column_of(0)   ? 0x3c00u
                       : lane / 4 == column_of(1) ? 0x3c000000u
                                                  : 0;
    const uint32_t identity[4] = {one_row, 0, 0, one_row};
#pragma unroll
    for (int turn = 0; turn < GROUP; turn += 2) {
        uint32_t right[4], at = turned.bucket(turn, first & 1);
        if (RANGED)
            at -= (uint32_t)base << LOG_STEP;
        const unsigned char *from = table + (at | ((uint32_t)(first * 16) ^ (turn * 16)));
        if (RANGED && at >= (uint32_t)BUCKETS << LOG_STEP)
            from = table + (BUCKETS << LOG_STEP); /* zeros lie there */
        load_tiles_turned(right, from);
        multiply_16x8x16(sum, identity, right, f16());
        multiply_16x8x16(sum, identity, right + 2, f16());
        if (sizeof(T) == 4) {
            load_tiles_turned(right, from + 128);
            multiply_16x8x16(sum, identity, right, f16());
            multiply_16x8x16(sum, identity, right + 2, f16());
        }
    }
}

/* -- The block --------------------------------------------------------------------------------- */

/* A tile of 16 queries' sums in memory, the two of a lane's row at its dims. */
__device__ static float2 *sums_at(float *sum, const Job &job, int tile, int half)
{
    int row = tile * 16 + row_of(2 * half);
    return row < job.count ? reinterpret_cast<float2 *>(sum + (job.first + row) * DIMS +
                                                        column_of(0))
                           : nullptr;
}

/* The codes of the query that this lane looks up for a tile. */
__device__ static uint4 query_codes(const uint4 *codes, const Job &job, int tile)
{
    int query = tile * 16 + lane_of_warp() % 16;
    return query < job.count ? codes[query] : uint4{0, 0, 0, 0};
}

/* One range of one group's buckets read by all queries, whose sums are in registers. */
template <class T, int KEPT>
__device__ static void gather_kept(float (&kept)[KEPT][4], const unsigned char *table,
                                   const uint4 *codes, const Job &job)
{
    int tiles = (job.count + 15) / 16;
    uint4 next = query_codes(codes, job, warp_of_block());
#pragma unroll
    for (int t = 0; t < KEPT; t++) {
        int tile = t * CUMULATE_WARPS + warp_of_block();
        uint4 mine = next;
        if (t + 1 < KEPT)
            next = query_codes(codes, job, tile + CUMULATE_WARPS);
        if (tile < tiles)
            gather<T, false>(kept[t], table, mine, 0);
    }
}

/* The same with sums in memory, which this block alone adds to. */
template <class T, bool RANGED>
__device__ static void gather_in_memory(float *sum, const unsigned char *table, const uint4 *codes,
                                        const Job &job, int base, bool first)
{
    int tiles = (job.count + 15) / 16;
    uint4 next = query_codes(codes, job, warp_of_block());
    for (int tile = warp_of_block(); tile < tiles; tile += CUMULATE_WARPS) {
        uint4 mine = next;
        float part[4] = {};
        float2 *upper = sums_at(sum, job, tile, 0), *lower = sums_at(sum, job, tile, 1);
        if (!first && upper)
            part[0] = upper->x, part[1] = upper->y;
        if (!first && lower)
            part[2] = lower->x, part[3] = lower->y;
        next = query_codes(codes, job, tile + CUMULATE_WARPS);
        gather<T, RANGED>(part, table, mine, base);
        if (upper)
            *upper = float2{part[0], part[1]};
        if (lower)
            *lower = float2{part[2], part[3]};
    }
}

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
                        c.sum + (((share * c.heads + head) * c.slices + d / DIMS) * rows + row) *
                                    DIMS +
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

/* The scales of all values, by sequence, head and dim. */
static yoso_status find_exponents(Scratch *exponent, const Source &v, const int64_t *offset,
                                  const yo_attention *at, yo_stream *stream)
{
    Scratch part;
    const Job *jobs;
    int64_t count, numbers = at->heads * v.size;
    YO_TRY(make_jobs(&jobs, &count, at, offset, offset, SUM_ROWS));
    int64_t *start = static_cast<int64_t *>(malloc((size_t)(at->sequences + 1) * sizeof(int64_t)));
    if (!start)
        return yo_cuda_fail(YOSO_NO_MEMORY, "lsh_cumulation: no memory for %lld sequences",
                            (long long)at->sequences);
    start[0] = 0;
    for (int64_t s = 0; s < at->sequences; s++)
        start[s + 1] = start[s] + (offset[s + 1] - offset[s] + SUM_ROWS - 1) / SUM_ROWS;
    const void *starts;
    yoso_status status =
        constant(&starts, start, (size_t)(at->sequences + 1) * sizeof(int64_t));
    free(start);
    YO_TRY(status);
    YO_TRY(part.take((size_t)(count * numbers) * sizeof(float2)));
    YO_TRY(exponent->take((size_t)(at->sequences * numbers) * sizeof(int32_t)));
    dim3 grid((unsigned)count, (unsigned)at->heads, (unsigned)((v.size + WARP - 1) / WARP));
    YO_TRY(launch("lsh_cumulation", sizes_kernel, grid, 8 * WARP, 0, stream, part.as<float2>(),
                  jobs, v, at->heads));
    dim3 places((unsigned)at->sequences, (unsigned)((numbers + THREADS - 1) / THREADS));
    return launch("lsh_cumulation", exponent_kernel, places, THREADS, 0, stream,
                  exponent->as<int32_t>(), part.as<float2>(), static_cast<const int64_t *>(starts),
                  numbers, v.rows.dtype != YOSO_F32);
}

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
    return launch("lsh_cumulation", finish_kernel,
                  dim3((unsigned)row_count, (unsigned)at->heads), THREADS, 0, stream, *out, stat, c,
                  normalize, q_keep);
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
