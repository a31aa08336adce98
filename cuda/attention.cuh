/* What the attention's kernels share: operands as the device sees them, rows brought into shared
 * memory, and the list of jobs that the grid works off. */
#ifndef YO_CUDA_ATTENTION_CUH
#define YO_CUDA_ATTENTION_CUH

#include "cuda/rows.cuh"

namespace yo_cuda
{

/* Where rows of numbers come from (src/cpu/attention.h has the same in C). */
struct Source {
    yo_rows rows;
    int64_t size, tokens;
    const uint8_t *keep; /* masked rows are read as zeros */
    bool vectors;        /* rows may be read 16 bytes at a time */
    /* [heads, tokens] 1 / length: rows are wanted at length 1, and stay as they are but for this
     * factor, which rounds nothing. NULL: rows are wanted as they are. */
    const float *inverse;

    __device__ float at(int64_t token, int64_t head, int64_t i) const
    {
        return load_float(rows.data, token * rows.token + head * rows.head + i, rows.dtype);
    }
    __device__ bool kept(int64_t token) const
    {
        return !keep || keep[token];
    }
    __device__ float factor(int64_t token, int64_t head) const
    {
        return inverse && token >= 0 ? inverse[head * tokens + token] : 1.0f;
    }
};

Source source_of(const yo_rows *rows, int64_t size, int64_t tokens, const uint8_t *keep);
/* The queries', keys' and values' sources. */
struct Operands {
    Source q, k, v;

    void take(const yo_rows *q_rows, const yo_rows *k_rows, const yo_rows *v_rows,
              const yo_attention *at);
    /* Queries and keys at length 1, where the attention normalises. */
    yoso_status normalize(const yo_attention *at, yo_stream *stream);

  private:
    Scratch q_inverse, k_inverse;
};
/* The gradient of a result; of a normalised one it is brought back to before it,
 * (g - y (y . g)) / length, in memory of its own and the operands' dtype. */
yoso_status result_grad(Source *source, Scratch *own, const yo_rows *grad, const yo_rows *out,
                        const float *stat, const yo_attention *at, yo_stream *stream);

/* 1 / length, as the CPU has it. */
__device__ inline float inverse_length(float squares)
{
    float length = sqrtf(squares);
    return 1.0f / (length > 1e-12f ? length : 1e-12f);
}

/* One row into shared memory, by a whole warp: `padded` elements, zeros beyond size and for
 * token < 0 or masked. */
template <class T>
__device__ inline void stage_row(T *to, const Source &source, int64_t head, int64_t token,
                                 int padded)
{
    bool there = token >= 0 && source.kept(token);
    for (int i = threadIdx.x % WARP; i < padded; i += WARP)
        from_float(to + i, there && i < source.size ? source.at(token, head, i) : 0.0f);
}

/* Some rows of one sequence against all columns of the same sequence. */
struct Job {
    int32_t first, count;        /* rows */
    int32_t column, columns_end; /* columns */
    int32_t sequence, rows_first, rows_end; /* all rows of the sequence */
};

/* All rows cut into jobs of at most `block` rows, on the device. */
yoso_status make_jobs(const Job **jobs, int64_t *count, const yo_attention *at,
                      const int64_t *row_offset, const int64_t *column_offset, int64_t block);

inline int round_up(int64_t x, int step)
{
    return (int)((x + step - 1) / step * step);
}

} // namespace yo_cuda

#endif
