/* Rows in the order of their codes, hash by hash, so that equal codes are neighbours. */
#ifndef YO_CUDA_SORTED_CUH
#define YO_CUDA_SORTED_CUH

#include "cuda/lsh.cuh"

namespace yo_cuda
{

/* Places between `first` and `end`. */
struct Places {
    int first, end;
};

/* One side's rows in order. Place p of a sequence holds row order[p], whose code is code[p]; rows
 * that are masked come last, with an order of -1. */
struct SortedRows {
    const int32_t *order;
    const uint16_t *code;
    /* start[sequence][head][hash][bucket]: its first place. NULL for long codes. */
    const int32_t *start;
    int64_t rows, heads;
    int32_t num_hash, buckets;

    __device__ int64_t list(int64_t head, int64_t hash) const
    {
        return (head * num_hash + hash) * rows;
    }
    /* Places of a code among a sequence's places first .. end - 1 of the list. */
    __device__ Places places_of(int code, int64_t sequence, int64_t head, int64_t hash, int first,
                                int end) const
    {
        if (start) {
            const int32_t *at =
                start + ((sequence * heads + head) * num_hash + hash) * (buckets + 1) + code;
            return Places{at[0], at[1]};
        }
        const uint16_t *codes = this->code + list(head, hash);
        int low = lower_bound(codes, first, end, code);
        return Places{low, lower_bound(codes, low, end, code + 1)};
    }

    /* First place in [low, high) whose code is not below `code`. */
    __device__ static int lower_bound(const uint16_t *codes, int low, int high, int code)
    {
        while (low < high) {
            int middle = (low + high) / 2;
            if (codes[middle] < code)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
};

/* The memory of one side's sorted rows. */
struct Sorting {
    Scratch order, code, start;
    SortedRows rows;

    yoso_status sort(const Codes &codes, const uint8_t *keep, const int64_t *offset,
                     const yo_attention *at, yo_stream *stream);
};

/* Buckets that so many rows and columns share that U (Z' Y) is less work than (U Z') Y: Z' Y of
 * each, divided by the number of its columns. A bucket's matrix is that of its first place that
 * is a multiple of FEW, so that no two have the same. */
struct Matrices {
    /* Columns and rows that are not worth it. */
    static const int FEW = EMULATED ? 64 : 512, ROWS = 64;
    void *matrix; /* [heads][hashes][slots][D][D] */
    int64_t slots;

    __device__ static bool worth(const Places &rows, const Places &columns)
    {
        return columns.end - columns.first > FEW && rows.end - rows.first > ROWS;
    }
    /* The slot of a bucket of columns from `place` on, in a sequence from `first` on. */
    __host__ __device__ static int64_t slot_of(int64_t place, int64_t first, int64_t sequence)
    {
        return first / FEW + sequence + (place - first + FEW - 1) / FEW;
    }
};

} // namespace yo_cuda

#endif
