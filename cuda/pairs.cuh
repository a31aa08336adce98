/* Sums over all pairs of rows and columns, tile by tile, with no matrix of pairs in memory
 * (src/cpu/pairs.h has the same in C).
 *
 * Rows i have vectors x_i and u_i, columns j have y_j and z_j; b_ij is the form's weight.
 *     plain_i    = sum_j b_ij z_j
 *     weighted_i = scale * sum_j w_ij y_j,   w_ij = b_ij (u_i . z_j - row_shift_i - column_shift_j)
 * A block has some rows, 16 or 32 a warp, whose sums stay in registers while panels of columns
 * pass through shared memory, the next one on its way while one is worked on. The forms:
 *     EXPECTATION   b = (1 - arccos(x . y) / pi)^T
 *     SOFTMAX       b = exp(factor x . y), plain divided by the sum of b; a running maximum
 *     SOFTMAX_GRAD  b = exp(factor x . y - row_log_i - column_log_j)
 *     COLLISION     b = 1 where the codes of i and j are equal, one hash for each blockIdx.z; rows
 *                   and columns come sorted by code, and columns with other codes than the
 *                   block's are passed over; x is not read */
#ifndef YO_CUDA_PAIRS_CUH
#define YO_CUDA_PAIRS_CUH

#include "cuda/attention.cuh"
#include "cuda/collision.cuh"
#include "cuda/factors.cuh"
#include "cuda/sorted.cuh"

namespace yo_cuda
{

enum Form { EXPECTATION, SOFTMAX, SOFTMAX_GRAD, COLLISION };

const int PAIR_WARPS = 4, PAIR_THREADS = PAIR_WARPS * WARP;

struct Pairs {
    const Job *jobs;
    Source x, u, y, z;
    yo_rows plain, weighted;
    const uint8_t *row_keep;
    bool normalize_plain;
    float *stat; /* takes 1 / length of the plain sums or the logarithm of the sum, or NULL */
    float scale, factor;
    const float *row_log, *column_log, *row_shift, *column_shift; /* [rows, heads] or NULL */
    int64_t heads;
    Collision collision;
    /* COLLISION: both sides in order, and the buckets that meet as matrices. */
    SortedRows row_sorted, column_sorted;
    Matrices matrices;
    int64_t first_head, first_hash, hash_out_step; /* of blockIdx 0; between hashes' sums */
};

/* How a block is cut: rows of 16 a warp has, columns of a panel. */
template <class T_, Form FORM_, int D_, bool PLAIN_, bool WEIGHTED_> struct Cut {
    typedef T_ T;
    static const Form FORM = FORM_;
    static const int D = D_;
    static const bool PLAIN = PLAIN_, WEIGHTED = WEIGHTED_;
    static const bool NARROW = sizeof(T) == 2;
    static const int TILES =
        NARROW && D == 64 && FORM == EXPECTATION && !(PLAIN && WEIGHTED) ? 2 : 1;
    static const int ROWS = TILES * PAIR_WARPS * 16;
    static const int COLUMNS = NARROW && D == 64 && FORM != COLLISION ? 64 : 32;
    static const int STEP = FORM == SOFTMAX ? COLUMNS : 16; /* columns weighed together */
    static const int CHUNKS = D * (int)sizeof(T) / 16;
    static const int COPIES = COLUMNS * CHUNKS / PAIR_THREADS; /* a thread's of a panel */
};

/* The most rows of a block, which jobs are cut into: two warps' tiles where they are allowed. */
template <Form FORM, bool PLAIN, bool WEIGHTED> int64_t rows_of_block(int32_t dtype, int64_t size)
{
    bool wide = size > 64, narrow = dtype != YOSO_F32;
    return narrow && !wide ? Cut<bf16, FORM, 64, PLAIN, WEIGHTED>::ROWS
                           : Cut<float, FORM, 64, PLAIN, WEIGHTED>::ROWS;
}

/* What the block knows of a panel's columns beside their vectors. */
struct Columns {
    float factor[64], log[64], shift[64];
    int32_t code[64];
};

/* The block's shared memory; the same on host (for the size) and device. */
template <class C> struct Shared {
    using T = typename C::T;
    typedef Tile<T, C::CHUNKS> Panel;
    Panel x, u;
    T *panels, *weight; /* weight, f32: what tensor cores have in registers */
    Columns *columns;
    int32_t *row_token, *row_code;
    int bytes;

    __host__ __device__ Shared(unsigned char *base)
    {
        bytes = 0;
        x.data = cut<T>(base, C::FORM == COLLISION ? 0 : Panel::bytes(C::ROWS));
        u.data = cut<T>(base, C::WEIGHTED ? Panel::bytes(C::ROWS) : 0);
        panels = cut<T>(base, 4 * Panel::bytes(C::COLUMNS));
        weight = cut<T>(base, C::NARROW ? 0 : PAIR_WARPS * Weights<T>::BYTES);
        columns = cut<Columns>(base, 2 * (int)sizeof(Columns));
        row_token = cut<int32_t>(base, C::ROWS * 4);
        row_code = cut<int32_t>(base, C::ROWS * 4);
    }

    template <class E> __host__ __device__ E *cut(unsigned char *base, int size)
    {
        E *start = reinterpret_cast<E *>(base + bytes);
        bytes += size;
        return start;
    }
    /* The columns' vectors of panel 0 or 1. */
    __device__ Panel y(int at) const
    {
        return Panel{panels + at * (Panel::bytes(C::COLUMNS) / (int)sizeof(T))};
    }
    __device__ Panel z(int at) const
    {
        return y(2 + at);
    }
};

} // namespace yo_cuda

#endif
