/* The kernel of pairs.cuh: one block's rows against its panels of columns. */
#ifndef YO_CUDA_PAIRS_BLOCK_CUH
#define YO_CUDA_PAIRS_BLOCK_CUH

#include "cuda/pairs.cuh"
#include "cuda/stage.cuh"

namespace yo_cuda
{

/* The sum of a row's elements over the four lanes that hold them. */
__device__ inline float row_sum(float x)
{
    x += __shfl_xor_sync(FULL, x, 1);
    return x + __shfl_xor_sync(FULL, x, 2);
}

template <class T, Form FORM, int D, bool PLAIN, bool WEIGHTED> class PairsBlock
{
    using C = Cut<T, FORM, D, PLAIN, WEIGHTED>;
    static const int TILES = C::TILES, STEP = C::STEP, FRAGMENTS = D / 8;

  public:
    __device__ PairsBlock(const Pairs &pairs, unsigned char *memory)
        : p(pairs), shared(memory), job(p.jobs[blockIdx.x]), head(p.first_head + blockIdx.y),
          hash(p.first_hash + blockIdx.z), first_row(warp_of_block() * 16 * TILES)
    {
    }

    __device__ void run()
    {
        stage_rows();
        if (FORM == COLLISION)
            meet_buckets();
        else
            add_panels(job.column, job.columns_end);
        __syncthreads(); /* the panels' memory is free */
        if (PLAIN)
            write_plain();
        if (WEIGHTED)
            write_weighted();
    }

  private:
    const Pairs &p;
    Shared<T, FORM, D, PLAIN, WEIGHTED> shared;
    Job job;
    int64_t head, hash;
    int first_row; /* of this warp, in the block */
    LeftRows<T, D, TILES> x, u;
    float plain[PLAIN ? TILES : 1][FRAGMENTS][4] = {};
    float weighted[WEIGHTED ? TILES : 1][FRAGMENTS][4] = {};
    float largest[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0}; /* SOFTMAX: one tile */
    float row_factor[TILES][2], row_log[TILES][2], row_shift[TILES][2];

    /* -- Rows ----------------------------------------------------------------------------------- */

    __device__ int32_t token_at(const SortedRows &side, int64_t place) const
    {
        return FORM == COLLISION ? side.order[side.list(head, hash) + place] : (int32_t)place;
    }
    __device__ int code_at(const SortedRows &side, int64_t place) const
    {
        return FORM == COLLISION ? side.code[side.list(head, hash) + place] : 0;
    }
    __device__ float number_of(const float *numbers, int64_t token) const
    {
        return numbers && token >= 0 ? numbers[token * p.heads + head] : 0.0f;
    }

    __device__ void stage_rows()
    {
        for (int r = threadIdx.x; r < C::ROWS; r += PAIR_THREADS) {
            bool there = r < job.count;
            shared.row_token[r] = there ? token_at(p.row_sorted, job.first + r) : -1;
            shared.row_code[r] = there ? code_at(p.row_sorted, job.first + r) : -1;
        }
        __syncthreads();
        auto token = [&](int r) { return shared.row_token[r]; };
        if (FORM != COLLISION)
            stage<C::ROWS, PAIR_THREADS, 1>(shared.x, p.x, head, token);
        if (WEIGHTED)
            stage<C::ROWS, PAIR_THREADS, 1>(shared.u, p.u, head, token);
        copies_end_group();
        copies_wait<0>();
        __syncthreads();
        if (FORM != COLLISION)
            x.take(shared.x, first_row);
        if (WEIGHTED)
            u.take(shared.u, first_row);
#pragma unroll
        for (int t = 0; t < TILES; t++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int64_t of = shared.row_token[row_at(t, 2 * half)];
                row_factor[t][half] = p.x.factor(of, head);
                row_log[t][half] = number_of(p.row_log, of);
                row_shift[t][half] = number_of(p.row_shift, of);
            }
    }

    /* Row in the block of a lane's element. */
    __device__ int row_at(int tile, int element) const
    {
        return first_row + 16 * tile + row_of(element);
    }

    /* -- Panels --------------------------------------------------------------------------------- */

    /* What one thread brings of the next panel beside vectors. */
    struct Coming {
        int32_t token[C::COPIES]; /* COLLISION: whose vectors */
        float factor = 0, log = 0, shift = 0;
        int32_t code = 0;
    };

    __device__ void look_up(Coming &next, int first, int end) const
    {
        if (FORM == COLLISION)
#pragma unroll
            for (int i = 0; i < C::COPIES; i++) {
                int place = first + (threadIdx.x + i * PAIR_THREADS) / C::CHUNKS;
                next.token[i] = place < end ? token_at(p.column_sorted, place) : -1;
            }
    }

    /* Starts the copies of columns first .. first + COLUMNS - 1 into panel `to`. */
    __device__ void start_panel(int to, Coming &next, int first, int end)
    {
        if constexpr (FORM == COLLISION) {
            int copy = 0;
            auto token = [&](int) { return next.token[copy++]; };
            stage<C::COLUMNS, PAIR_THREADS, C::COPIES>(shared.y(to), p.y, head, token);
            copy = 0;
            stage<C::COLUMNS, PAIR_THREADS, C::COPIES>(shared.z(to), p.z, head, token);
        } else {
            stage_run<C::COLUMNS, PAIR_THREADS>(shared.y(to), p.y, head, first, end);
            stage_run<C::COLUMNS, PAIR_THREADS>(shared.z(to), p.z, head, first, end);
        }
        copies_end_group();
        if (threadIdx.x < C::COLUMNS) {
            int place = first + threadIdx.x;
            int32_t of = place < end ? token_at(p.column_sorted, place) : -1;
            bool seen = of >= 0 && p.z.kept(of);
            next.factor = seen ? p.y.factor(of, head) : 0.0f;
            if (FORM == SOFTMAX || FORM == SOFTMAX_GRAD) {
                next.log = seen ? number_of(p.column_log, of) : INFINITY;
                next.shift = number_of(p.column_shift, of);
            }
            if (FORM == COLLISION)
                next.code = place < end ? code_at(p.column_sorted, place) : -2;
        }
    }

    /* What start_panel read beside vectors goes where the panel's columns find it. */
    __device__ void finish_panel(int to, const Coming &next)
    {
        if (threadIdx.x >= C::COLUMNS)
            return;
        Columns &columns = shared.columns[to];
        columns.factor[threadIdx.x] = next.factor;
        if (FORM == SOFTMAX || FORM == SOFTMAX_GRAD) {
            columns.log[threadIdx.x] = next.log;
            columns.shift[threadIdx.x] = next.shift;
        }
        if (FORM == COLLISION)
            columns.code[threadIdx.x] = next.code;
    }

    /* All columns from first to end, a panel under way while one is worked on. */
    __device__ void add_panels(int first, int end)
    {
        Coming next;
        if (first >= end)
            return;
        __syncthreads(); /* what was here before is done with */
        look_up(next, first, end);
        start_panel(0, next, first, end);
        finish_panel(0, next);
        for (int at = 0; first < end; first += C::COLUMNS, at ^= 1) {
            int following = first + C::COLUMNS;
            look_up(next, following, end);
            copies_wait<0>();
            __syncthreads(); /* this panel is here, and the one before is done with */
            if (following < end)
                start_panel(at ^ 1, next, following, end);
            int count = end - first;
#pragma unroll 1
            for (int c = 0; c < C::COLUMNS && c < count; c += STEP)
                add_columns(at, c);
            if (following < end)
                finish_panel(at ^ 1, next);
        }
    }

    /* -- Weights -------------------------------------------------------------------------------- */

    /* weight(product, tile, element, column) for all of b. */
    template <class F>
    __device__ static void for_each(float (&b)[TILES][STEP / 8][4], int column, F weight)
    {
#pragma unroll
        for (int f = 0; f < STEP / 8; f++)
#pragma unroll
            for (int t = 0; t < TILES; t++)
#pragma unroll
                for (int e = 0; e < 4; e++)
                    b[t][f][e] = weight(b[t][f][e], t, e, column + 8 * f + column_of(e));
    }

    /* Products b of STEP columns from `column` on become weights. */
    __device__ void weigh(float (&b)[TILES][STEP / 8][4], const Columns &columns, int column)
    {
        if (FORM == COLLISION)
            for_each(b, column, [&](float, int t, int e, int c) {
                return columns.code[c] == shared.row_code[row_at(t, e)] ? 1.0f : 0.0f;
            });
        if (FORM == SOFTMAX_GRAD)
            for_each(b, column, [&](float product, int t, int e, int c) {
                float power = p.factor * product - columns.log[c] - row_log[t][e / 2];
                return quick_power_of_2(fminf(LOG2_E * power, 0.0f));
            });
        if (FORM == EXPECTATION && C::NARROW && p.collision.squarings >= 0) {
            for_each(b, column, [&](float product, int t, int e, int c) {
                return quick_base(product * (-0.5f * row_factor[t][e / 2]), columns.factor[c],
                                  p.collision);
            });
#pragma unroll
            for (int i = 0; i < MOST_SQUARINGS; i++)
                if (i < p.collision.squarings)
                    for_each(b, column, [](float g, int, int, int) { return g * g; });
        } else if (FORM == EXPECTATION) {
            for_each(b, column, [&](float product, int t, int e, int c) {
                return exact_weight(product * (-0.5f * row_factor[t][e / 2]) * columns.factor[c],
                                    p.collision);
            });
        }
    }

    static constexpr float LOG2_E = 1.44269504f;

    /* SOFTMAX: products become exponentials; the sums so far shrink to the rows' new maxima. */
    __device__ void exponentials(float (&b)[STEP / 8][4], const Columns &columns)
    {
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float most = largest[half], sum = 0;
#pragma unroll
            for (int f = 0; f < STEP / 8; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    b[f][e] = LOG2_E * p.factor * b[f][e] - columns.log[8 * f + column_of(e)];
                    most = fmaxf(most, b[f][e]);
                }
            most = fmaxf(most, __shfl_xor_sync(FULL, most, 1));
            most = fmaxf(most, __shfl_xor_sync(FULL, most, 2));
            float base = most > -INFINITY ? most : 0.0f;
            float shrink = quick_power_of_2(largest[half] - base);
#pragma unroll
            for (int f = 0; f < STEP / 8; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++) {
                    b[f][e] = quick_power_of_2(b[f][e] - base);
                    sum += b[f][e];
                }
            total[half] = total[half] * shrink + row_sum(sum);
            largest[half] = most;
#pragma unroll
            for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                for (int e = 2 * half; e < 2 * half + 2; e++)
                    plain[0][f][e] *= shrink;
        }
    }

    /* -- Sums ----------------------------------------------------------------------------------- */

    /* sum += b times rows of `right` from `column` on. */
    __device__ void add(float (&sum)[TILES][FRAGMENTS][4], const float (&b)[TILES][STEP / 8][4],
                        const Tile<T, C::CHUNKS> &right, int column)
    {
#pragma unroll
        for (int f = 0; f < STEP / 8; f += 2)
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                Weights<T> weights;
                weights.set(b[t][f], b[t][f + 1],
                            shared.weight + warp_of_block() * (Weights<T>::BYTES / (int)sizeof(T)));
                weights.template multiply<D>(sum[t], right, column + 8 * f);
            }
    }

    /* sum = rows times columns turned, STEP columns. */
    __device__ void product(float (&sum)[TILES][STEP / 8][4], const LeftRows<T, D, TILES> &rows,
                            const Tile<T, C::CHUNKS> &columns, int column)
    {
#pragma unroll
        for (int f = 0; f < STEP / 8; f += 2) {
            float part[TILES][2][4] = {};
            rows.multiply_turned(part, columns, column + 8 * f);
#pragma unroll
            for (int t = 0; t < TILES; t++)
#pragma unroll
                for (int e = 0; e < 8; e++)
                    sum[t][f + e / 4][e % 4] = part[t][e / 4][e % 4];
        }
    }

    /* STEP columns of a panel, from `column` on. */
    __device__ void add_columns(int at, int column)
    {
        const Columns &columns = shared.columns[at];
        float b[TILES][STEP / 8][4];
        if (FORM != COLLISION)
            product(b, x, shared.y(at), column);
        if constexpr (FORM == SOFTMAX)
            exponentials(b[0], columns);
        else
            weigh(b, columns, column);
        if constexpr (PLAIN)
            add(plain, b, shared.z(at), column);
        if constexpr (WEIGHTED) {
            float w[TILES][STEP / 8][4];
            product(w, u, shared.z(at), column);
            for_each(w, column, [&](float product, int t, int e, int c) {
                if (FORM == SOFTMAX_GRAD)
                    product -= row_shift[t][e / 2] + columns.shift[c];
                return product * columns.factor[c];
            });
#pragma unroll
            for (int i = 0; i < TILES * STEP / 2; i++) {
                int t = i / (STEP / 2), f = i / 4 % (STEP / 8);
                b[t][f][i % 4] *= w[t][f][i % 4];
            }
            add(weighted, b, shared.y(at), column);
        }
    }

    /* -- Buckets (COLLISION) -------------------------------------------------------------------- */

    __device__ Places columns_of(int code) const
    {
        return p.column_sorted.places_of(code, job.sequence, head, hash, job.column,
                                         job.columns_end);
    }

    /* The columns with the rows' codes. Where they are many, bucket by bucket, so that a bucket
     * that many rows share can be met by its matrix. */
    __device__ void meet_buckets()
    {
        int count = job.count;
        while (count > 0 && shared.row_token[count - 1] < 0)
            count--; /* masked */
        if (count == 0)
            return;
        int low = columns_of(shared.row_code[0]).first;
        int high = columns_of(shared.row_code[count - 1]).end;
        if (high - low <= Matrices::FEW) {
            add_panels(low, high);
            return;
        }
        for (int r = 0; r < count; r++) {
            int code = shared.row_code[r];
            if (r > 0 && code == shared.row_code[r - 1])
                continue;
            Places columns = columns_of(code);
            Places rows = p.row_sorted.places_of(code, job.sequence, head, hash, job.rows_first,
                                                 job.rows_end);
            if (Matrices::worth(rows, columns))
                add_matrix(code, columns);
            else
                add_panels(columns.first, columns.end);
        }
    }

    /* weighted += count U M for the rows of one code. */
    __device__ void add_matrix(int code, const Places &columns)
    {
        if constexpr (FORM == COLLISION) {
            float sum[TILES][FRAGMENTS][4] = {};
            int64_t slot = Matrices::slot_of(columns.first, job.column, job.sequence);
            const T *matrix =
                static_cast<const T *>(p.matrices.matrix) +
                ((blockIdx.y * gridDim.z + blockIdx.z) * p.matrices.slots + slot) * D * D;
            for (int row = 0; row < D; row += C::COLUMNS) {
                __syncthreads();
                for (int i = threadIdx.x; i < C::COLUMNS * C::CHUNKS; i += PAIR_THREADS)
                    copy_16(shared.y(0).chunk(i / C::CHUNKS, i % C::CHUNKS),
                            matrix + row * D + i * Tile<T, C::CHUNKS>::EACH, true);
                copies_end_group();
                copies_wait<0>();
                __syncthreads();
                for (int step = 0; step < C::COLUMNS; step += STEP) {
                    float b[TILES][STEP / 8][4];
#pragma unroll
                    for (int i = 0; i < TILES * STEP / 2; i++) {
                        int t = i / (STEP / 2), f = i / 4 % (STEP / 8), e = i % 4;
                        int r = row_at(t, e), c = row + step + 8 * f + column_of(e);
                        b[t][f][e] =
                            shared.row_code[r] == code ? to_float(*shared.u.element(r, c)) : 0.0f;
                    }
                    add(sum, b, shared.y(0), step);
                }
            }
            float count = (float)(columns.end - columns.first);
#pragma unroll
            for (int t = 0; t < TILES; t++)
#pragma unroll
                for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                    for (int e = 0; e < 4; e++)
                        weighted[t][f][e] = fmaf(count, sum[t][f][e], weighted[t][f][e]);
        }
    }

    /* -- Results -------------------------------------------------------------------------------- */

    __device__ void write_plain()
    {
        if constexpr (PLAIN)
#pragma unroll
            for (int t = 0; t < TILES; t++) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    float factor = 1, stat = 1, squares = 0;
#pragma unroll
                    for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                        for (int e = 2 * half; e < 2 * half + 2; e++)
                            squares += plain[t][f][e] * plain[t][f][e];
                    squares = row_sum(squares);
                    if (p.normalize_plain)
                        factor = stat = inverse_length(squares);
                    if (FORM == SOFTMAX) {
                        factor = total[half] > 0 ? 1 / total[half] : 0;
                        stat = largest[half] / LOG2_E + logf(total[half]);
                    }
                    int64_t token = shared.row_token[row_at(t, 2 * half)];
                    if (p.stat && token >= 0 && lane_of_warp() % 4 == 0)
                        p.stat[token * p.heads + head] = stat;
                    bool kept = token >= 0 && (!p.row_keep || p.row_keep[token]);
#pragma unroll
                    for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                        for (int e = 2 * half; e < 2 * half + 2; e++)
                            plain[t][f][e] = kept ? plain[t][f][e] * factor : 0.0f;
                }
                write(p.plain, plain[t], t, p.z.size, 0, T());
            }
    }

    /* Scaled, and brought back to before x was normalised: (g - x (x . g)) / length. */
    __device__ void write_weighted()
    {
        if constexpr (WEIGHTED)
#pragma unroll
            for (int t = 0; t < TILES; t++) {
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    int row = row_at(t, 2 * half);
                    int64_t token = shared.row_token[row];
                    bool kept = token >= 0 && (!p.row_keep || p.row_keep[token]);
                    float inverse = row_factor[t][half], along = 0;
#pragma unroll
                    for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                        for (int e = 2 * half; e < 2 * half + 2; e++) {
                            weighted[t][f][e] *= p.scale;
                            along += weighted[t][f][e] * unit(row, 8 * f + column_of(e), inverse);
                        }
                    along = row_sum(along);
#pragma unroll
                    for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
                        for (int e = 2 * half; e < 2 * half + 2; e++) {
                            float g = weighted[t][f][e] -
                                      along * unit(row, 8 * f + column_of(e), inverse);
                            weighted[t][f][e] = kept ? g * inverse : 0.0f;
                        }
                }
                using Part = typename PartOf<FORM == COLLISION, T>::type;
                write(p.weighted, weighted[t], t, p.y.size, blockIdx.z * p.hash_out_step, Part());
            }
    }

    /* Element of a row at length 1; 0 where rows are taken as they are. */
    __device__ float unit(int row, int column, float inverse) const
    {
        if constexpr (FORM == EXPECTATION)
            return p.x.inverse ? to_float(*shared.x.element(row, column)) * inverse : 0.0f;
        else
            return 0.0f;
    }

    /* A tile of sums to rows of `out`, by way of shared memory, whole rows at a time. */
    template <class E>
    __device__ void write(const yo_rows &out, const float (&sum)[FRAGMENTS][4], int t, int64_t size,
                          int64_t offset, E)
    {
        const int CHUNKS = D * (int)sizeof(E) / 16;
        Tile<E, CHUNKS> tile;
        tile.data = reinterpret_cast<E *>(reinterpret_cast<unsigned char *>(shared.panels) +
                                          warp_of_block() * Tile<E, CHUNKS>::bytes(16));
        __syncwarp();
#pragma unroll
        for (int f = 0; f < FRAGMENTS; f++)
#pragma unroll
            for (int e = 0; e < 4; e++)
                from_float(tile.element(row_of(e), 8 * f + column_of(e)), sum[f][e]);
        __syncwarp();
        unstage<16>(out, tile, size, FORM == COLLISION ? blockIdx.y : head, offset,
                    [&](int r) { return shared.row_token[first_row + 16 * t + r]; });
    }
};

template <class T, Form FORM, int D, bool PLAIN, bool WEIGHTED>
__global__ void __launch_bounds__(PAIR_THREADS) pairs_kernel(Pairs pairs)
{
    DYNAMIC_SHARED(unsigned char, shared);
    PairsBlock<T, FORM, D, PLAIN, WEIGHTED> block(pairs, shared);
    block.run();
}

template <class T, Form FORM, int D, bool PLAIN, bool WEIGHTED>
yoso_status pairs_of(const char *name, const Pairs &pairs, dim3 grid, yo_stream *stream)
{
    size_t bytes = (size_t)Shared<T, FORM, D, PLAIN, WEIGHTED>(nullptr).bytes;
    return launch(name, pairs_kernel<T, FORM, D, PLAIN, WEIGHTED>, grid, PAIR_THREADS, bytes,
                  stream, pairs);
}

/* Sums in the dtype of the rows y. grid: jobs of rows_of_block() rows, heads, hashes. */
template <Form FORM, bool PLAIN, bool WEIGHTED>
yoso_status pairs_sum(const char *name, const Pairs &pairs, dim3 grid, yo_stream *stream)
{
    int64_t size = pairs.y.size > pairs.z.size ? pairs.y.size : pairs.z.size;
    if (size > 128)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "%s: device cuda: heads of %lld, must be at most 128",
                            name, (long long)size);
    switch (pairs.y.rows.dtype) {
    case YOSO_F16:
        return size > 64 ? pairs_of<f16, FORM, 128, PLAIN, WEIGHTED>(name, pairs, grid, stream)
                         : pairs_of<f16, FORM, 64, PLAIN, WEIGHTED>(name, pairs, grid, stream);
    case YOSO_BF16:
        return size > 64 ? pairs_of<bf16, FORM, 128, PLAIN, WEIGHTED>(name, pairs, grid, stream)
                         : pairs_of<bf16, FORM, 64, PLAIN, WEIGHTED>(name, pairs, grid, stream);
    default:
        return size > 64 ? pairs_of<float, FORM, 128, PLAIN, WEIGHTED>(name, pairs, grid, stream)
                         : pairs_of<float, FORM, 64, PLAIN, WEIGHTED>(name, pairs, grid, stream);
    }
}

} // namespace yo_cuda

#endif
