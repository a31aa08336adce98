/* The weighted cumulation of the sampled form's gradient (arXiv 2111.09714, section 3.3):
 * out_i = scale * sum over h, j with equal codes of (u_i . z_j) y_j.
 *
 * For each hash both sides are sorted by code; then ROWS sorted rows meet the columns with the
 * same codes as small products (pairs.cuh). Every hash writes sums of its own, which are joined
 * in order: no float is added atomically. */
#include "cuda/lsh.cuh"
#include "cuda/pairs.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

const int BINS = 256;
const size_t PART_BYTES = (size_t)64 << 20; /* for the hashes' own sums */

/* counts[0 .. BINS) become the sums of those before. One warp. */
__device__ static void starts_of(int *counts)
{
    int lane = threadIdx.x, mine[BINS / WARP], total = 0;
    for (int i = 0; i < BINS / WARP; i++) {
        mine[i] = total;
        total += counts[lane * (BINS / WARP) + i];
    }
    int before = total;
    for (int step = 1; step < WARP; step *= 2) {
        int below = __shfl_up_sync(FULL, before, step);
        before += lane >= step ? below : 0;
    }
    before -= total;
    __syncwarp();
    for (int i = 0; i < BINS / WARP; i++)
        counts[lane * (BINS / WARP) + i] = before + mine[i];
    __syncwarp();
}

/* Stable counting sort by bits shift .. shift + 7 of the code, of places first .. end - 1. */
__device__ static void sort_pass(int32_t *to_order, uint16_t *to_code, const int32_t *order,
                                 const uint16_t *code, int64_t first, int64_t end, int shift,
                                 int *counts)
{
    int lane = threadIdx.x;
    for (int i = lane; i < BINS; i += WARP)
        counts[i] = 0;
    __syncwarp();
    for (int64_t i = first + lane; i < end; i += WARP)
        atomicAdd(counts + (code[i] >> shift & (BINS - 1)), 1);
    __syncwarp();
    starts_of(counts);
    for (int64_t start = first; start < end; start += WARP) {
        int64_t i = start + lane;
        int bin = i < end ? code[i] >> shift & (BINS - 1) : -1;
        unsigned peers = __match_any_sync(FULL, bin), before = peers & ((1u << lane) - 1);
        int64_t place = bin >= 0 ? first + counts[bin] + __popc(before) : 0;
        __syncwarp();
        if (bin >= 0 && before == 0)
            counts[bin] += __popc(peers);
        if (bin >= 0) {
            to_order[place] = order ? order[i] : (int32_t)i;
            to_code[place] = code[i];
        }
        __syncwarp();
    }
}

/* One warp sorts one sequence's rows of one head and hash; the result is in order and sorted.
 * Codes of more than a byte take a second pass, through spare_order and spare_code. */
__global__ void sort_codes_kernel(int32_t *order, uint16_t *sorted, int32_t *spare_order,
                                  uint16_t *spare_code, const uint16_t *code, const int64_t *offset,
                                  int64_t rows, bool wide)
{
    SHARED(int, counts, BINS);
    int64_t base = (blockIdx.y * gridDim.z + blockIdx.z) * rows;
    int64_t first = offset[blockIdx.x], end = offset[blockIdx.x + 1];
    int32_t *low_order = wide ? spare_order : order;
    uint16_t *low_code = wide ? spare_code : sorted;
    sort_pass(low_order + base, low_code + base, nullptr, code + base, first, end, 0, counts);
    if (wide)
        sort_pass(order + base, sorted + base, low_order + base, low_code + base, first, end, 8,
                  counts);
}

/* sum[i] += the hashes' parts of it, in order. */
__global__ void add_parts_kernel(float *sum, const float *part, int64_t numbers, int64_t hashes)
{
    FOR_MY_ELEMENTS(i, numbers)
    {
        float total = sum[i];
        for (int64_t h = 0; h < hashes; h++)
            total += part[h * numbers + i];
        sum[i] = total;
    }
}

/* Scales a sum; with unit x brings it back to before x was normalised:
 * (g - x (x . g)) / length. A warp for a row of one head. */
__global__ void finish_weighted_kernel(yo_rows out, float scale, Source x, const float *sum,
                                       const uint8_t *keep, int64_t rows, int64_t heads,
                                       int64_t size)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (i >= rows * heads)
        return;
    int64_t row = i / heads, head = i % heads, lane = threadIdx.x % WARP;
    bool kept = !keep || keep[row];
    float squares = 0, along = 0;
    if (x.unit && kept)
        for (int64_t d = lane; d < size; d += WARP) {
            float value = x.at(row, head, d);
            squares += value * value;
            along += value * sum[i * size + d] * scale;
        }
    float inverse = x.unit ? inverse_length(warp_reduce(squares, Add())) : 1.0f;
    along = x.unit ? warp_reduce(along, Add()) * inverse : 0.0f;
    for (int64_t d = lane; d < size; d += WARP) {
        float g = sum[i * size + d] * scale;
        if (x.unit && kept)
            g = (g - along * x.at(row, head, d) * inverse) * inverse;
        store_float(out.data, row * out.token + head * out.head + d, out.dtype, kept ? g : 0.0f);
    }
}

/* One side's codes in order, with the memory that holds them. */
struct SortedSide {
    Scratch order, code;

    yoso_status sort(const Codes &codes, const int64_t *offset, const yo_attention *at,
                     yo_stream *stream)
    {
        Scratch spare_order, spare_code, starts;
        int64_t all = codes.rows * at->heads * codes.num_hash;
        bool wide = at->code_len > 8;
        YO_TRY(order.take((size_t)all * sizeof(int32_t)));
        YO_TRY(code.take((size_t)all * sizeof(uint16_t)));
        YO_TRY(spare_order.take(wide ? (size_t)all * sizeof(int32_t) : 0));
        YO_TRY(spare_code.take(wide ? (size_t)all * sizeof(uint16_t) : 0));
        YO_TRY(starts.upload(offset, (size_t)(at->sequences + 1) * sizeof(int64_t), stream));
        dim3 grid((unsigned)at->sequences, (unsigned)at->heads, (unsigned)codes.num_hash);
        return launch("lsh_weighted_cumulation", sort_codes_kernel, grid, WARP, 0, stream,
                      order.as<int32_t>(), code.as<uint16_t>(), spare_order.as<int32_t>(),
                      spare_code.as<uint16_t>(), codes.code, starts.as<int64_t>(), codes.rows,
                      wide);
    }

    Sorted from_hash(int64_t hash, const Codes &codes) const
    {
        return Sorted{order.as<int32_t>() + hash * codes.rows,
                      code.as<uint16_t>() + hash * codes.rows, codes.rows,
                      codes.rows * codes.num_hash};
    }
};

yoso_status yo_cuda::cumulate_weighted(const yo_rows *out, float scale, const Source &x,
                                       const Codes &a, const int64_t *a_offset, const Source &u,
                                       const uint8_t *a_keep, const Codes &b,
                                       const int64_t *b_offset, const Source &z, const Source &y,
                                       const yo_attention *at, yo_stream *stream)
{
    SortedSide rows, columns;
    Scratch jobs, part, sum;
    int64_t count, numbers = a.rows * at->heads * y.size;
    size_t bytes = (size_t)numbers * sizeof(float);
    int64_t together = bytes ? (int64_t)(PART_BYTES / bytes) : 1;
    together = together < 1 ? 1 : together < a.num_hash ? together : a.num_hash;
    YO_TRY(rows.sort(a, a_offset, at, stream));
    YO_TRY(columns.sort(b, b_offset, at, stream));
    YO_TRY(make_jobs(&jobs, &count, at, a_offset, b_offset, ROWS, stream));
    YO_TRY(part.take((size_t)together * bytes));
    YO_TRY(sum.take(bytes));
    YO_TRY(sum.zero(stream));
    Pairs pairs = {};
    pairs.jobs = jobs.as<Job>();
    pairs.heads = at->heads;
    pairs.scale = 1;
    pairs.u = u;
    pairs.z = z;
    pairs.y = y;
    pairs.weighted = yo_rows{part.as<float>(), YOSO_F32, at->heads * y.size, y.size};
    pairs.row_keep = a_keep;
    pairs.hash_out_step = numbers;
    for (int64_t hash = 0; hash < a.num_hash; hash += together) {
        int64_t some = a.num_hash - hash < together ? a.num_hash - hash : together;
        pairs.row_sorted = rows.from_hash(hash, a);
        pairs.column_sorted = columns.from_hash(hash, b);
        YO_TRY(pairs_sum<COLLISION>("lsh_weighted_cumulation", pairs, count, some, stream));
        YO_TRY(launch("lsh_weighted_cumulation", add_parts_kernel, blocks_for(numbers, THREADS),
                      THREADS, 0, stream, sum.as<float>(), part.as<float>(), numbers, some));
    }
    return launch("lsh_weighted_cumulation", finish_weighted_kernel,
                  (unsigned)((a.rows * at->heads * WARP + THREADS - 1) / THREADS), THREADS, 0,
                  stream, *out, scale, x, sum.as<float>(), a_keep, a.rows, at->heads, y.size);
}

yoso_status yo_cuda_lsh_weighted_cumulation(const yo_rows *out, const int32_t *q_code,
                                            const yo_rows *q_weight, const int32_t *k_code,
                                            const yo_rows *k_weight, const yo_rows *v,
                                            const yo_attention *at, yo_stream *stream)
{
    int64_t queries = at->q_offset[at->sequences], keys = at->k_offset[at->sequences];
    Scratch q_own, k_own;
    YO_TRY(q_own.take((size_t)(queries * at->num_hash) * sizeof(uint16_t)));
    YO_TRY(k_own.take((size_t)(keys * at->num_hash) * sizeof(uint16_t)));
    YO_TRY(take_codes(q_own.as<uint16_t>(), q_code, queries, at, stream));
    YO_TRY(take_codes(k_own.as<uint16_t>(), k_code, keys, at, stream));
    Codes q = {q_own.as<uint16_t>(), queries, at->num_hash};
    Codes k = {k_own.as<uint16_t>(), keys, at->num_hash};
    return cumulate_weighted(out, 1.0f / (float)at->num_hash, Source(), q, at->q_offset,
                             source_of(q_weight, at->head_size, at->q_keep, false), at->q_keep, k,
                             at->k_offset, source_of(k_weight, at->head_size, at->k_keep, false),
                             source_of(v, at->value_size, at->k_keep, false), at, stream);
}
