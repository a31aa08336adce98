/* Sums over all pairs of rows and columns, tile by tile, with no matrix of pairs in memory
 * (src/cpu/pairs.h has the same in C).
 *
 * Rows i have vectors x_i and u_i, columns j have y_j and z_j; b_ij is the form's weight.
 *     plain_i    = sum_j b_ij z_j
 *     weighted_i = scale * sum_j w_ij y_j,   w_ij = b_ij (u_i . z_j - row_shift_i - column_shift_j)
 * A block has ROWS rows, 16 a warp, whose sums stay in registers while panels of COLUMNS columns
 * pass through shared memory. The forms:
 *     EXPECTATION   b = (1 - arccos(x . y) / pi)^T
 *     SOFTMAX       b = exp(factor x . y), plain divided by the sum of b; a running maximum
 *     SOFTMAX_GRAD  b = exp(factor x . y - row_log_i - column_log_j)
 *     COLLISION     b = 1 where the codes of i and j are equal, one hash for each blockIdx.z; rows
 *                   and columns come sorted by code, and columns with other codes than the
 *                   block's are passed over; x is not read */
#ifndef YO_CUDA_PAIRS_CUH
#define YO_CUDA_PAIRS_CUH

#include <type_traits>

#include "core/arccos_power.h"
#include "cuda/attention.cuh"
#include "cuda/tile.cuh"

namespace yo_cuda
{

enum Form { EXPECTATION, SOFTMAX, SOFTMAX_GRAD, COLLISION };

const int ROWS = 64, COLUMNS = 32, PAIR_THREADS = 128;
const int PAD = 8; /* beside each row of a tile: keeps rows 16-byte aligned, spreads the banks */
const int WEIGHT_LD = COLUMNS + PAD;

/* One side's order and codes for COLLISION: place p of a sequence holds row order[p]. */
struct Sorted {
    const int32_t *order;
    const uint16_t *code;
    int64_t hash_step, head_step; /* between hashes and heads */
};

struct Pairs {
    const Job *jobs;
    Source x, u, y, z;       /* u.rows.data is NULL when no weighted sum is wanted */
    yo_rows plain, weighted; /* data is NULL: not wanted */
    const uint8_t *row_keep;
    bool normalize_plain;
    float *stat; /* takes 1 / length of the plain sums or the logarithm of the sum, or NULL */
    float scale, factor;
    const float *row_log, *column_log, *row_shift, *column_shift; /* [rows, heads] or NULL */
    int64_t heads;
    int32_t code_len;
    float terms[YO_ARCCOS_TERMS];
    Sorted row_sorted, column_sorted;
    int64_t hash_out_step; /* COLLISION: between the hashes' weighted sums */
};

/* Leading dimensions of the tiles: sizes rounded up to what the tensor cores take. */
struct Widths {
    int x, z;
};

/* The block's shared memory, cut up; the same on host (for the size) and device. */
template <class T> struct Tiles {
    T *x, *u, *y, *z, *weight;
    float *x_inverse, *y_inverse, *column_log, *column_shift;
    int32_t *row_token, *column_token;
    uint16_t *row_code, *column_code;
    size_t bytes;

    __host__ __device__ Tiles(unsigned char *base, Widths w, bool weighted)
    {
        size_t used = 0;
        x = cut<T>(base, &used, ROWS * (w.x + PAD));
        u = cut<T>(base, &used, weighted ? ROWS * (w.z + PAD) : 0);
        y = cut<T>(base, &used, COLUMNS * (w.x + PAD));
        z = cut<T>(base, &used, COLUMNS * (w.z + PAD));
        weight = cut<T>(base, &used, ROWS * WEIGHT_LD);
        x_inverse = cut<float>(base, &used, ROWS);
        y_inverse = cut<float>(base, &used, COLUMNS);
        column_log = cut<float>(base, &used, COLUMNS);
        column_shift = cut<float>(base, &used, COLUMNS);
        row_token = cut<int32_t>(base, &used, ROWS);
        column_token = cut<int32_t>(base, &used, COLUMNS);
        row_code = cut<uint16_t>(base, &used, ROWS);
        column_code = cut<uint16_t>(base, &used, COLUMNS);
        bytes = used;
    }

    template <class E>
    __host__ __device__ static E *cut(unsigned char *base, size_t *used, int count)
    {
        E *start = reinterpret_cast<E *>(base + *used);
        *used += ((size_t)count * sizeof(E) + 15) / 16 * 16;
        return start;
    }
};

/* (1 - arccos(x) / pi)^T of src/core/arccos_power.h; what rounding put outside [-1, 1] is brought
 * back. */
__device__ inline float collision_probability(float x, int32_t code_len, const float *terms)
{
    float s = sqrtf(__saturatef(fmaf(x, -0.5f, 0.5f)));
    float p = terms[YO_ARCCOS_TERMS - 1];
#pragma unroll
    for (int i = YO_ARCCOS_TERMS - 2; i >= 0; i--)
        p = fmaf(p, s, terms[i]);
    float h = (1.0f - s) * fmaf(p, s, 1.0f), h2 = h * h, h4 = h2 * h2;
    float result = code_len & 1 ? sqrtf(h) : 1.0f;
    result = code_len & 2 ? result * h : result;
    result = code_len & 4 ? result * h2 : result;
    result = code_len & 8 ? result * h4 : result;
    return code_len & 16 ? result * h4 * h4 : result;
}

/* First place in [low, high) of sorted codes whose code is not below `code`. */
__device__ inline int64_t lower_bound(const uint16_t *codes, int64_t low, int64_t high, int code)
{
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (codes[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

__device__ inline float number_at(const float *numbers, int64_t token, int64_t heads, int64_t head)
{
    return numbers && token >= 0 ? numbers[token * heads + head] : 0.0f;
}

/* FRAGMENTS is the most columns of a result in eights. The kernel's loops over fragments are
 * unrolled to it, so that sums stay in registers. */
template <class T, Form FORM, int FRAGMENTS> class PairsBlock
{
  public:
    __device__ PairsBlock(const Pairs &pairs, Widths w, unsigned char *shared)
        : p(pairs), width(w), tiles(shared, w, pairs.u.rows.data != nullptr),
          job(p.jobs[blockIdx.x]), head(blockIdx.y), hash(blockIdx.z), warp((int)threadIdx.x / WARP)
    {
    }

    __device__ void run()
    {
        stage_rows();
        int64_t first = job.column, end = job.columns_end;
        if (FORM == COLLISION) {
            const uint16_t *code = sorted_codes(p.column_sorted);
            first = lower_bound(code, first, end, tiles.row_code[0]);
            end = lower_bound(code, first, end, tiles.row_code[job.count - 1] + 1);
        }
        for (; first < end; first += COLUMNS) {
            __syncthreads(); /* the last panel is done with */
            stage_columns(first, end);
            __syncthreads();
            add_panel((int)(end - first < COLUMNS ? end - first : COLUMNS));
        }
        if (p.plain.data)
            write_plain();
        if (p.weighted.data)
            write_weighted();
    }

  private:
    const Pairs &p;
    Widths width;
    Tiles<T> tiles;
    Job job;
    int64_t head, hash;
    int warp;
    float plain[FRAGMENTS][4] = {}, weighted[FRAGMENTS][4] = {};
    float largest[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    float row_log[2], row_shift[2];

    __device__ const uint16_t *sorted_codes(const Sorted &side) const
    {
        return side.code + hash * side.hash_step + head * side.head_step;
    }
    __device__ int64_t token_at(const Sorted &side, int64_t place) const
    {
        return FORM == COLLISION ? side.order[hash * side.hash_step + head * side.head_step + place]
                                 : place;
    }

    __device__ void stage_rows()
    {
        for (int r = warp; r < ROWS; r += PAIR_THREADS / WARP) {
            bool there = r < job.count;
            int64_t token = there ? token_at(p.row_sorted, job.first + r) : -1;
            float inverse = 1;
            if (FORM != COLLISION)
                inverse = stage_row(tiles.x + r * (width.x + PAD), p.x, head, token, width.x);
            if (p.u.rows.data)
                stage_row(tiles.u + r * (width.z + PAD), p.u, head, token, width.z);
            if (lane_of_warp() == 0) {
                tiles.x_inverse[r] = inverse;
                tiles.row_token[r] = (int32_t)token;
                if (FORM == COLLISION)
                    tiles.row_code[r] = there ? sorted_codes(p.row_sorted)[job.first + r] : 0;
            }
        }
        __syncthreads();
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int64_t token = tiles.row_token[block_row(2 * half)];
            row_log[half] = number_at(p.row_log, token, p.heads, head);
            row_shift[half] = number_at(p.row_shift, token, p.heads, head);
        }
    }

    __device__ void stage_columns(int64_t first, int64_t end)
    {
        for (int c = warp; c < COLUMNS; c += PAIR_THREADS / WARP) {
            bool there = first + c < end;
            int64_t token = there ? token_at(p.column_sorted, first + c) : -1;
            float inverse = stage_row(tiles.y + c * (width.x + PAD), p.y, head, token, width.x);
            stage_row(tiles.z + c * (width.z + PAD), p.z, head, token, width.z);
            if (lane_of_warp() == 0) {
                bool seen = token >= 0 && p.z.kept(token);
                tiles.y_inverse[c] = inverse;
                tiles.column_token[c] = seen ? (int32_t)token : -1;
                tiles.column_log[c] = number_at(p.column_log, token, p.heads, head);
                tiles.column_shift[c] = number_at(p.column_shift, token, p.heads, head);
                if (FORM == COLLISION)
                    tiles.column_code[c] = there ? sorted_codes(p.column_sorted)[first + c] : 0;
            }
        }
    }

    /* The weighted sums of a hash are joined in f32. */
    using Part = typename std::conditional<FORM == COLLISION, float, T>::type;

    __device__ float x_at(int row, int64_t i) const
    {
        return to_float(tiles.x[row * (width.x + PAD) + i]);
    }

    /* Row in the block of a lane's element. */
    __device__ int block_row(int element) const
    {
        return warp * 16 + row_of(element);
    }

    /* b of one element from its product. */
    __device__ float weigh(float product, int row, int column, int half) const
    {
        if (tiles.column_token[column] < 0)
            return 0;
        if (FORM == COLLISION)
            return tiles.row_code[row] == tiles.column_code[column] ? 1.0f : 0.0f;
        if (FORM == EXPECTATION)
            return collision_probability(product * tiles.x_inverse[row] * tiles.y_inverse[column],
                                         p.code_len, p.terms);
        if (FORM == SOFTMAX_GRAD)
            return expf(fminf(p.factor * product - tiles.column_log[column] - row_log[half], 0.0f));
        return product;
    }

    __device__ void add_panel(int columns)
    {
        const T *x = tiles.x + warp * 16 * (width.x + PAD);
        const T *u = tiles.u + warp * 16 * (width.z + PAD);
        float b[COLUMNS / 8][4] = {};
#pragma unroll
        for (int f = 0; f < COLUMNS / 8; f++) {
            if (f * 8 >= columns)
                continue;
            if (FORM != COLLISION)
                add_product_turned(b[f], x, width.x + PAD, tiles.y + f * 8 * (width.x + PAD),
                                   width.x + PAD, width.x);
            if (FORM != SOFTMAX)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    b[f][e] = weigh(b[f][e], block_row(e), f * 8 + column_of(e), e / 2);
        }
        if (FORM == SOFTMAX)
            exponentials(b);
        if (p.plain.data) {
            store_weights(b);
            add_fragments(plain, tiles.z, width.z);
        }
        if (!p.weighted.data)
            return;
#pragma unroll
        for (int f = 0; f < COLUMNS / 8; f++) {
            float w[4] = {};
            if (f * 8 < columns)
                add_product_turned(w, u, width.z + PAD, tiles.z + f * 8 * (width.z + PAD),
                                   width.z + PAD, width.z);
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int column = f * 8 + column_of(e);
                float shift = row_shift[e / 2] + tiles.column_shift[column];
                b[f][e] *= (w[e] - shift) * tiles.y_inverse[column];
            }
        }
        store_weights(b);
        add_fragments(weighted, tiles.y, width.x);
    }

    /* Products become exponentials; the sums so far shrink to the rows' new maxima. */
    __device__ void exponentials(float (&b)[COLUMNS / 8][4])
    {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float most = largest[half], sum = 0;
#pragma unroll
            for (int f = 0; f < COLUMNS / 8; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    bool seen = tiles.column_token[f * 8 + column_of(e)] >= 0;
                    b[f][e] = seen ? p.factor * b[f][e] : -INFINITY;
                    most = fmaxf(most, b[f][e]);
                }
            most = fmaxf(most, __shfl_xor_sync(FULL, most, 1));
            most = fmaxf(most, __shfl_xor_sync(FULL, most, 2));
            float base = most > -INFINITY ? most : 0.0f;
            float shrink = expf(largest[half] - base);
#pragma unroll
            for (int f = 0; f < COLUMNS / 8; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    b[f][e] = expf(b[f][e] - base);
                    sum += b[f][e];
                }
            sum += __shfl_xor_sync(FULL, sum, 1);
            sum += __shfl_xor_sync(FULL, sum, 2);
            total[half] = total[half] * shrink + sum;
            largest[half] = most;
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++)
                    plain[f][e] *= shrink;
        }
    }

    /* The warp's own rows of weights, for its own next product. */
    __device__ void store_weights(const float (&b)[COLUMNS / 8][4])
    {
        __syncwarp();
#pragma unroll
        for (int f = 0; f < COLUMNS / 8; f++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                from_float(tiles.weight + block_row(e) * WEIGHT_LD + f * 8 + column_of(e), b[f][e]);
        __syncwarp();
    }

    __device__ void add_fragments(float (&sum)[FRAGMENTS][4], const T *right, int columns)
    {
        const T *weight = tiles.weight + warp * 16 * WEIGHT_LD;
#pragma unroll
        for (int f = 0; f < FRAGMENTS; f++)
            if (f * 8 < columns)
                add_product(sum[f], weight, WEIGHT_LD, right + f * 8, columns + PAD, COLUMNS);
    }

    /* The sum of a row's elements over the four lanes that hold them. */
    __device__ static float row_sum(float x)
    {
        x += __shfl_xor_sync(FULL, x, 1);
        return x + __shfl_xor_sync(FULL, x, 2);
    }

    __device__ void write_plain()
    {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int row = block_row(2 * half);
            int64_t token = tiles.row_token[row];
            float factor = 1, stat = 1, squares = 0;
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++)
                    squares += plain[f][e] * plain[f][e];
            squares = row_sum(squares);
            if (p.normalize_plain)
                factor = stat = inverse_length(squares);
            if (FORM == SOFTMAX) {
                factor = total[half] > 0 ? 1 / total[half] : 0;
                stat = largest[half] + logf(total[half]);
            }
            if (token < 0)
                continue;
            if (p.stat && lane_of_warp() % 4 == 0)
                p.stat[token * p.heads + head] = stat;
            bool kept = !p.row_keep || p.row_keep[token];
            int64_t base = token * p.plain.token + head * p.plain.head;
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    int64_t i = f * 8 + column_of(e);
                    if (i < p.z.size)
                        from_float(static_cast<T *>(p.plain.data) + base + i,
                                   kept ? plain[f][e] * factor : 0.0f);
                }
        }
    }

    /* Scaled, and brought back to before x was normalised: (g - x (x . g)) / length. */
    __device__ void write_weighted()
    {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int row = block_row(2 * half);
            int64_t token = tiles.row_token[row];
            float inverse = tiles.x_inverse[row], along = 0;
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    int64_t i = f * 8 + column_of(e);
                    weighted[f][e] *= p.scale;
                    if (p.x.unit && i < p.x.size)
                        along += weighted[f][e] * x_at(row, i) * inverse;
                }
            along = p.x.unit ? row_sum(along) : 0.0f;
            if (token < 0)
                continue;
            bool kept = !p.row_keep || p.row_keep[token];
            int64_t base =
                hash * p.hash_out_step + token * p.weighted.token + head * p.weighted.head;
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    int64_t i = f * 8 + column_of(e);
                    if (i >= p.y.size)
                        continue;
                    float g = weighted[f][e];
                    if (p.x.unit && kept)
                        g = (g - along * x_at(row, i) * inverse) * inverse;
                    from_float(static_cast<Part *>(p.weighted.data) + base + i, kept ? g : 0.0f);
                }
        }
    }
};

template <class T, Form FORM, int FRAGMENTS>
__global__ void __launch_bounds__(PAIR_THREADS) pairs_kernel(Pairs pairs, Widths width)
{
    DYNAMIC_SHARED(unsigned char, shared);
    PairsBlock<T, FORM, FRAGMENTS> block(pairs, width, shared);
    block.run();
}

template <class T, Form FORM>
yoso_status pairs_of(const char *name, const Pairs &pairs, int64_t jobs, int64_t hashes,
                     yo_stream *stream)
{
    Widths width = {round_up(pairs.y.size, 16), round_up(pairs.z.size, 16)};
    int widest = width.x > width.z ? width.x : width.z;
    if (widest > 128)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "%s: device cuda: heads of %d, must be at most 128",
                            name, widest);
    size_t bytes = Tiles<T>(nullptr, width, pairs.u.rows.data != nullptr).bytes;
    dim3 grid((unsigned)jobs, (unsigned)pairs.heads, (unsigned)hashes);
    return launch(name, widest <= 64 ? pairs_kernel<T, FORM, 8> : pairs_kernel<T, FORM, 16>, grid,
                  PAIR_THREADS, bytes, stream, pairs, width);
}

/* Sums in the dtype of the rows x, which are staged as they are. */
template <Form FORM>
yoso_status pairs_sum(const char *name, const Pairs &pairs, int64_t jobs, int64_t hashes,
                      yo_stream *stream)
{
    switch (pairs.y.rows.dtype) {
    case YOSO_F16:
        return pairs_of<f16, FORM>(name, pairs, jobs, hashes, stream);
    case YOSO_BF16:
        return pairs_of<bf16, FORM>(name, pairs, jobs, hashes, stream);
    default:
        return pairs_of<float, FORM>(name, pairs, jobs, hashes, stream);
    }
}

} // namespace yo_cuda

#endif
