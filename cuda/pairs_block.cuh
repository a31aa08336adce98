/* One block of pairs.cuh: what it keeps in registers and the order of its work. Its steps are in
 * the files named beside them; pairs_kernel.cuh joins them into a kernel. */
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

template <class C> class PairsBlock
{
    using T = typename C::T;
    static const Form FORM = C::FORM;
    static const int D = C::D, TILES = C::TILES, STEP = C::STEP, FRAGMENTS = D / 8;
    static const bool PLAIN = C::PLAIN, WEIGHTED = C::WEIGHTED;

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
    Shared<C> shared;
    Job job;
    int64_t head, hash;
    int first_row; /* of this warp, in the block */
    LeftRows<T, D, TILES> x, u;
    float plain[PLAIN ? TILES : 1][FRAGMENTS][4] = {};
    float weighted[WEIGHTED ? TILES : 1][FRAGMENTS][4] = {};
    float largest[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0}; /* SOFTMAX: one tile */
    float row_factor[TILES][2], row_log[TILES][2], row_shift[TILES][2];
    static constexpr float LOG2_E = 1.44269504f;

    /* Row in the block of a lane's element. */
    __device__ int row_at(int tile, int element) const
    {
        return first_row + 16 * tile + row_of(element);
    }

    /* pairs_panels.cuh */
    struct Coming;
    __device__ int32_t token_at(const SortedRows &side, int64_t place) const;
    __device__ int code_at(const SortedRows &side, int64_t place) const;
    __device__ float number_of(const float *numbers, int64_t token) const;
    __device__ void stage_rows();
    __device__ void look_up(Coming &next, int first, int end) const;
    __device__ void start_panel(int to, Coming &next, int first, int end);
    __device__ void finish_panel(int to, const Coming &next);
    __device__ void add_panels(int first, int end);

    /* pairs_weights.cuh */
    __device__ void weigh(float (&b)[TILES][STEP / 8][4], const Columns &columns, int column);
    __device__ void exponentials(float (&b)[STEP / 8][4], const Columns &columns);

    /* pairs_sums.cuh */
    __device__ void add(float (&sum)[TILES][FRAGMENTS][4], const float (&b)[TILES][STEP / 8][4],
                        const Tile<T, C::CHUNKS> &right, int column);
    __device__ void product(float (&sum)[TILES][STEP / 8][4], const LeftRows<T, D, TILES> &rows,
                            const Tile<T, C::CHUNKS> &columns, int column);
    __device__ void add_columns(int at, int column);

    /* pairs_buckets.cuh */
    __device__ Places columns_of(int code) const;
    __device__ void meet_buckets();
    __device__ void add_matrix(int code, const Places &columns);

    /* pairs_results.cuh */
    __device__ float unit(int row, int column, float inverse) const;
    __device__ void write_plain();
    __device__ void write_weighted();
    template <class E>
    __device__ void write(const yo_rows &out, const float (&sum)[FRAGMENTS][4], int t, int64_t size,
                          int64_t offset, E);
};

} // namespace yo_cuda

#endif
