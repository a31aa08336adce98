/* How a block of pairs.cuh gets its rows, and its columns panel by panel, the next one on its way
 * while one is worked on. */
#ifndef YO_CUDA_PAIRS_PANELS_CUH
#define YO_CUDA_PAIRS_PANELS_CUH

#include "cuda/pairs_block.cuh"

namespace yo_cuda
{

/* -- Rows -------------------------------------------------------------------------------------- */

template <class C>
__device__ int32_t PairsBlock<C>::token_at(const SortedRows &side, int64_t place) const
{
    return FORM == COLLISION ? side.order[side.list(head, hash) + place] : (int32_t)place;
}

template <class C>
__device__ int PairsBlock<C>::code_at(const SortedRows &side, int64_t place) const
{
    return FORM == COLLISION ? side.code[side.list(head, hash) + place] : 0;
}

template <class C>
__device__ float PairsBlock<C>::number_of(const float *numbers, int64_t token) const
{
    return numbers && token >= 0 ? numbers[token * p.heads + head] : 0.0f;
}

template <class C> __device__ void PairsBlock<C>::stage_rows()
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

/* -- Panels ------------------------------------------------------------------------------------ */

/* What one thread brings of the next panel beside vectors. */
template <class C> struct PairsBlock<C>::Coming {
    int32_t token[C::COPIES]; /* COLLISION: whose vectors */
    float factor = 0, log = 0, shift = 0;
    int32_t code = 0;
};

template <class C> __device__ void PairsBlock<C>::look_up(Coming &next, int first, int end) const
{
    if (FORM == COLLISION)
#pragma unroll
        for (int i = 0; i < C::COPIES; i++) {
            int place = first + (threadIdx.x + i * PAIR_THREADS) / C::CHUNKS;
            next.token[i] = place < end ? token_at(p.column_sorted, place) : -1;
        }
}

/* Starts the copies of columns first .. first + COLUMNS - 1 into panel `to`. */
template <class C>
__device__ void PairsBlock<C>::start_panel(int to, Coming &next, int first, int end)
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
template <class C> __device__ void PairsBlock<C>::finish_panel(int to, const Coming &next)
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
template <class C> __device__ void PairsBlock<C>::add_panels(int first, int end)
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

} // namespace yo_cuda

#endif
