/* The weighted cumulation of the sampled form's gradient (arXiv 2111.09714, section 3.3):
 * out_i = scale * sum over h, j with equal codes of (u_i . z_j) y_j.
 *
 * For each hash both sides are sorted by code; then blocks of sorted rows meet the columns with the
 * same codes as small products (pairs.cuh), but for buckets that many rows and columns share, whose
 * matrix Z' Y is made first. So the time stays linear however the codes fall. Every hash writes
 * sums of its own, a few heads at a time so that they stay in the cache, and these are joined in
 * order: no float is added atomically. */
#include "cuda/lsh_weighted.cuh"
#include "cuda/pairs_kernel.cuh"

using namespace yo_cuda;

/* Of the hashes' own sums at a time. */
const size_t PART_BYTES = EMULATED ? 40000 : (size_t)24 << 20;
const int MATRIX_COLUMNS = 32; /* staged together */

/* -- Matrices ---------------------------------------------------------------------------------- */

/* Z' Y / count of the bucket that has the job's first place, if that bucket is worth it and no
 * earlier job has it. The job's rows are columns of the sum: FEW of them in order. */
template <class T, int D>
__global__ void __launch_bounds__(PAIR_THREADS)
    matrix_kernel(Matrices to, const Job *jobs, Source z, Source y, SortedRows rows,
                  SortedRows columns, int64_t first_head, int64_t first_hash)
{
    const int CHUNKS = D * (int)sizeof(T) / 16, STRIPES = D / (16 * PAIR_WARPS);
    DYNAMIC_SHARED(unsigned char, memory);
    Tile<T, CHUNKS> z_tile = {reinterpret_cast<T *>(memory)};
    Tile<T, CHUNKS> y_tile = {z_tile.data + MATRIX_COLUMNS * D};
    float *factor = reinterpret_cast<float *>(y_tile.data + MATRIX_COLUMNS * D);
    T *weight = reinterpret_cast<T *>(factor + MATRIX_COLUMNS) +
                warp_of_block() * (Weights<T>::BYTES / (int)sizeof(T));
    Job job = jobs[blockIdx.x];
    int64_t head = first_head + blockIdx.y, hash = first_hash + blockIdx.z;
    int64_t list = columns.list(head, hash);
    if (columns.order[list + job.first] < 0)
        return; /* masked */
    int code = columns.code[list + job.first];
    Places mine =
        columns.places_of(code, job.sequence, head, hash, job.rows_first, job.rows_end);
    Places others = rows.places_of(code, job.sequence, head, hash, job.column, job.columns_end);
    if (!Matrices::worth(others, mine) || job.first - mine.first >= Matrices::FEW)
        return;
    float sum[STRIPES][D / 8][4] = {};
    for (int start = mine.first; start < mine.end; start += MATRIX_COLUMNS) {
        __syncthreads(); /* the last panel is done with */
        auto token = [&](int c) {
            return start + c < mine.end ? columns.order[list + start + c] : -1;
        };
        stage<MATRIX_COLUMNS, PAIR_THREADS, 1>(z_tile, z, head, token);
        stage<MATRIX_COLUMNS, PAIR_THREADS, 1>(y_tile, y, head, token);
        copies_end_group();
        if (threadIdx.x < MATRIX_COLUMNS)
            factor[threadIdx.x] = y.factor(token((int)threadIdx.x), head);
        copies_wait<0>();
        __syncthreads();
#pragma unroll
        for (int s = 0; s < STRIPES; s++)
            for (int step = 0; step < MATRIX_COLUMNS; step += 16) {
                float turned[2][4];
#pragma unroll
                for (int i = 0; i < 8; i++) {
                    int c = step + 8 * (i / 4) + column_of(i % 4);
                    int d = 16 * (warp_of_block() + s * PAIR_WARPS) + row_of(i % 4);
                    turned[i / 4][i % 4] = to_float(*z_tile.element(c, d)) * factor[c];
                }
                Weights<T> left;
                left.set(turned[0], turned[1], weight);
                left.template multiply<D>(sum[s], y_tile, step);
            }
    }
    float share = 1.0f / (float)(mine.end - mine.first);
    int64_t slot = Matrices::slot_of(mine.first, job.rows_first, job.sequence);
    T *matrix = static_cast<T *>(to.matrix) +
                ((blockIdx.y * gridDim.z + blockIdx.z) * to.slots + slot) * D * D;
#pragma unroll
    for (int s = 0; s < STRIPES; s++)
#pragma unroll
        for (int f = 0; f < D / 8; f++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int d = 16 * (warp_of_block() + s * PAIR_WARPS) + row_of(e);
                from_float(matrix + d * D + 8 * f + column_of(e), sum[s][f][e] * share);
            }
}

/* -- Joining ----------------------------------------------------------------------------------- */

/* What becomes of the hashes' parts [hash][head][row][dim] of some heads. */
struct Joining {
    yo_rows out;
    Source x; /* at length 1: the sum is brought back to before x was normalised */
    const void *part;
    float *sum; /* [row][dim] of one head whose hashes come in several turns, or NULL */
    const uint8_t *keep;
    float scale;
    int64_t rows, size, heads, hashes, first_head;
    bool first, last; /* of the turns */
};

/* The parts in order; scaled, and (g - x (x . g)) / length. A warp for a row of one head. */
template <class Part> __global__ void join_kernel(Joining j)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP, head = blockIdx.y;
    int64_t lane = threadIdx.x % WARP, row = i;
    if (row >= j.rows)
        return;
    const Part *part = static_cast<const Part *>(j.part) + (head * j.rows + row) * j.size;
    int64_t step = j.heads * j.rows * j.size, real = j.first_head + head;
    bool kept = !j.keep || j.keep[row];
    float inverse = j.x.factor(row, real), along = 0, value[4];
#pragma unroll
    for (int k = 0; k < 4; k++) { /* heads of at most 128 */
        int64_t d = lane + k * WARP;
        value[k] = 0;
        if (d >= j.size || !kept)
            continue;
        float total = j.first ? 0.0f : j.sum[row * j.size + d];
#pragma unroll 8
        for (int64_t h = 0; h < j.hashes; h++)
            total += to_float(part[h * step + d]);
        if (!j.last)
            j.sum[row * j.size + d] = total;
        value[k] = total * j.scale;
        if (j.x.inverse)
            along += value[k] * j.x.at(row, real, d) * inverse;
    }
    if (!j.last)
        return;
    along = warp_reduce(along, Add());
#pragma unroll
    for (int k = 0; k < 4; k++) {
        int64_t d = lane + k * WARP;
        if (d >= j.size)
            continue;
        float g = value[k];
        if (j.x.inverse && kept)
            g = (g - along * j.x.at(row, real, d) * inverse) * inverse;
        store_float(j.out.data, row * j.out.token + real * j.out.head + d, j.out.dtype, g);
    }
}

/* -- Launches ---------------------------------------------------------------------------------- */

namespace
{

/* Heads and hashes whose parts are made and joined together. */
struct Turn {
    int64_t head, heads, hash, hashes;
};

/* One weighted cumulation under way. */
struct Call {
    const WeightedCumulation &w;
    const yo_attention *at;
    yo_stream *stream;
    const Job *row_jobs = nullptr, *column_jobs = nullptr;
    int64_t rows_count = 0, columns_count = 0;
    Pairs pairs = {};
    Scratch part = {}, sum = {}, matrix = {};

    int64_t padded() const
    {
        return w.z.size > 64 || w.y.size > 64 ? 128 : 64;
    }
    size_t element() const
    {
        return w.y.rows.dtype == YOSO_F32 ? 4 : 2;
    }

    template <class T> yoso_status make_matrices(const Turn &t)
    {
        dim3 grid((unsigned)columns_count, (unsigned)t.heads, (unsigned)t.hashes);
        size_t bytes = (size_t)(2 * MATRIX_COLUMNS * padded()) * sizeof(T) +
                       MATRIX_COLUMNS * sizeof(float) + PAIR_WARPS * Weights<T>::BYTES;
        return launch("lsh_weighted_cumulation",
                      padded() == 64 ? matrix_kernel<T, 64> : matrix_kernel<T, 128>, grid,
                      PAIR_THREADS, bytes, stream, pairs.matrices, column_jobs, w.z, w.y,
                      w.rows, w.columns, t.head, t.hash);
    }

    yoso_status make_matrices_of(const Turn &t)
    {
        switch (w.y.rows.dtype) {
        case YOSO_F16:
            return make_matrices<f16>(t);
        case YOSO_BF16:
            return make_matrices<bf16>(t);
        default:
            return make_matrices<float>(t);
        }
    }

    yoso_status join(const Turn &t, bool last)
    {
        Joining j = {w.out,           w.x,    part.as<void>(), sum.as<float>(), w.a_keep, w.scale,
                     w.rows.rows, w.y.size, t.heads,        t.hashes,        t.head,   t.hash == 0,
                     last};
        dim3 grid((unsigned)((j.rows * WARP + THREADS - 1) / THREADS), (unsigned)t.heads);
        return launch("lsh_weighted_cumulation",
                      w.y.rows.dtype == YOSO_F32 ? join_kernel<float> : join_kernel<bf16>, grid,
                      THREADS, 0, stream, j);
    }

    yoso_status run(const Turn &t)
    {
        pairs.first_head = t.head;
        pairs.first_hash = t.hash;
        pairs.hash_out_step = t.heads * w.rows.rows * w.y.size;
        if (columns_count > 0 && pairs.matrices.matrix)
            YO_TRY(make_matrices_of(t));
        dim3 grid((unsigned)rows_count, (unsigned)t.heads, (unsigned)t.hashes);
        YO_TRY((pairs_sum<COLLISION, false, true>("lsh_weighted_cumulation", pairs, grid, stream)));
        return join(t, t.hash + t.hashes == at->num_hash);
    }
};

} // namespace

yoso_status yo_cuda::cumulate_weighted(const WeightedCumulation &w, const yo_attention *at,
                                       yo_stream *stream)
{
    Call call = {w, at, stream};
    int64_t rows = w.rows.rows, columns = w.columns.rows, longest = 0;
    for (int64_t s = 0; s < at->sequences; s++) {
        int64_t length = w.b_offset[s + 1] - w.b_offset[s];
        longest = length > longest ? length : longest;
    }
    YO_TRY(make_jobs(&call.row_jobs, &call.rows_count, at, w.a_offset, w.b_offset,
                     rows_of_block<COLLISION, false, true>(w.y.rows.dtype, w.y.size)));
    YO_TRY(make_jobs(&call.column_jobs, &call.columns_count, at, w.b_offset, w.a_offset,
                     Matrices::FEW));
    size_t a_hash = (size_t)(rows * w.y.size) * call.element(); /* of one head */
    Turn turn = {0, 1, 0, at->num_hash};
    if (a_hash * (size_t)at->num_hash <= PART_BYTES) {
        turn.heads = a_hash > 0 ? (int64_t)(PART_BYTES / (a_hash * (size_t)at->num_hash)) : 1;
        turn.heads = turn.heads < at->heads ? turn.heads : at->heads;
    } else {
        turn.hashes = a_hash < PART_BYTES ? (int64_t)(PART_BYTES / a_hash) : 1;
        YO_TRY(call.sum.take((size_t)(rows * w.y.size) * sizeof(float)));
    }
    Pairs &pairs = call.pairs;
    pairs.jobs = call.row_jobs;
    pairs.heads = at->heads;
    pairs.scale = 1;
    pairs.u = w.u;
    pairs.z = w.z;
    pairs.y = w.y;
    pairs.row_keep = w.a_keep;
    pairs.row_sorted = w.rows;
    pairs.column_sorted = w.columns;
    YO_TRY(call.part.take(a_hash * (size_t)(turn.heads * turn.hashes)));
    pairs.weighted = yo_rows{call.part.as<void>(), YOSO_F32, w.y.size, rows * w.y.size};
    if (longest > Matrices::FEW) {
        pairs.matrices.slots = columns / Matrices::FEW + at->sequences + 1;
        YO_TRY(call.matrix.take((size_t)(turn.heads * turn.hashes * pairs.matrices.slots) *
                                (size_t)(call.padded() * call.padded()) * call.element()));
        pairs.matrices.matrix = call.matrix.as<void>();
    }
    int64_t heads = turn.heads, hashes = turn.hashes;
    for (turn.head = 0; turn.head < at->heads; turn.head += heads)
        for (turn.hash = 0; turn.hash < at->num_hash; turn.hash += hashes) {
            turn.heads = at->heads - turn.head < heads ? at->heads - turn.head : heads;
            turn.hashes = at->num_hash - turn.hash < hashes ? at->num_hash - turn.hash : hashes;
            YO_TRY(call.run(turn));
        }
    return YOSO_OK;
}

yoso_status yo_cuda_lsh_weighted_cumulation(const yo_rows *out, const int32_t *q_code,
                                            const yo_rows *q_weight, const int32_t *k_code,
                                            const yo_rows *k_weight, const yo_rows *v,
                                            const yo_attention *at, yo_stream *stream)
{
    int64_t queries = at->q_offset[at->sequences], keys = at->k_offset[at->sequences];
    OwnCodes q, k;
    WeightedCumulation w = {};
    YO_TRY(q.take(q_code, queries, at, stream));
    YO_TRY(k.take(k_code, keys, at, stream));
    Sorting rows, columns;
    YO_TRY(rows.sort(q.codes, at->q_keep, at->q_offset, at, stream));
    YO_TRY(columns.sort(k.codes, at->k_keep, at->k_offset, at, stream));
    w.out = *out;
    w.scale = 1.0f / (float)at->num_hash;
    w.u = source_of(q_weight, at->head_size, queries, at->q_keep);
    w.z = source_of(k_weight, at->head_size, keys, at->k_keep);
    w.y = source_of(v, at->value_size, keys, at->k_keep);
    w.a_keep = at->q_keep;
    w.a_offset = at->q_offset;
    w.b_offset = at->k_offset;
    w.rows = rows.rows;
    w.columns = columns.rows;
    return cumulate_weighted(w, at, stream);
}
