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
    int64_t size;
    const uint8_t *keep; /* masked rows are read as zeros */
    bool unit;           /* wanted at length 1: rows stay as they are, the inverse is told */
    /* The gradient of a normalised result is brought back to before it:
     * (g - y (y . g)) / length, inverse [rows, heads] = 1 / length. */
    bool of_result;
    yo_rows result;
    const float *inverse;
    int64_t heads;

    __device__ float at(int64_t token, int64_t head, int64_t i) const
    {
        return load_float(rows.data, token * rows.token + head * rows.head + i, rows.dtype);
    }
    __device__ float result_at(int64_t token, int64_t head, int64_t i) const
    {
        return load_float(result.data, token * result.token + head * result.head + i, result.dtype);
    }
    __device__ bool kept(int64_t token) const
    {
        return !keep || keep[token];
    }
};

Source source_of(const yo_rows *rows, int64_t size, const uint8_t *keep, bool unit);
Source source_of_grad(const yo_rows *grad, const yo_rows *out, const float *stat,
                      const yo_attention *at);

/* 1 / length, as the CPU has it. */
__device__ inline float inverse_length(float squares)
{
    float length = sqrtf(squares);
    return 1.0f / (length > 1e-12f ? length : 1e-12f);
}

/* One row into shared memory, by a whole warp: `padded` elements, zeros beyond size and for
 * token < 0 or masked. Returns the factor that the row is still to be multiplied by. */
template <class T>
__device__ inline float stage_row(T *to, const Source &source, int64_t head, int64_t token,
                                  int padded)
{
    int lane = threadIdx.x % WARP;
    bool there = token >= 0 && source.kept(token);
    float squares = 0, along = 0;
    if (there && (source.unit || source.of_result))
        for (int i = lane; i < source.size; i += WARP) {
            float x = source.at(token, head, i);
            squares += x * x;
            along += source.of_result ? x * source.result_at(token, head, i) : 0.0f;
        }
    squares = source.unit ? warp_reduce(squares, Add()) : 0;
    along = source.of_result ? warp_reduce(along, Add()) : 0;
    float inverse = there && source.of_result ? source.inverse[token * source.heads + head] : 1;
    for (int i = lane; i < padded; i += WARP) {
        float x = 0;
        if (there && i < source.size) {
            x = source.at(token, head, i);
            if (source.of_result)
                x = (x - along * source.result_at(token, head, i)) * inverse;
        }
        from_float(to + i, x);
    }
    return source.unit ? inverse_length(squares) : 1.0f;
}

/* Some rows of one sequence against all columns of the same sequence. */
struct Job {
    int64_t first, count;        /* rows */
    int64_t column, columns_end; /* columns */
    int64_t sequence;
};

/* All rows cut into jobs of at most `block` rows, on the device. */
yoso_status make_jobs(Scratch *jobs, int64_t *count, const yo_attention *at,
                      const int64_t *row_offset, const int64_t *column_offset, int64_t block,
                      yo_stream *stream);

inline int round_up(int64_t x, int step)
{
    return (int)((x + step - 1) / step * step);
}

} // namespace yo_cuda

#endif
