/* Layer normalisation as norm.cu and norm_rows.cu share it. */
#ifndef YO_CUDA_NORM_CUH
#define YO_CUDA_NORM_CUH

#include "cuda/rows.cuh"

namespace yo_cuda
{

/* x + residual is normalised; weight, bias and residual may be NULL. */
struct Layer {
    const void *x, *residual, *weight, *bias;
    int32_t dtype;
    int64_t width;
    float eps;

    __device__ float value(int64_t row, int64_t i) const
    {
        float sum = load_float(x, row * width + i, dtype);
        return residual ? sum + load_float(residual, row * width + i, dtype) : sum;
    }

    /* The row's mean, and 1 / sqrt(variance + eps), by a block. */
    __device__ void statistics(int64_t row, float *mean, float *scale) const
    {
        float sum = 0, squares = 0;
        FOR_MY_COLUMNS(i, width)
        {
            sum += value(row, i);
        }
        float center = block_sum(sum) / (float)width;
        FOR_MY_COLUMNS(i, width)
        {
            float distance = value(row, i) - center;
            squares += distance * distance;
        }
        *mean = center;
        *scale = 1.0f / sqrtf(block_sum(squares) / (float)width + eps);
    }
};

/* norm_rows.cu: whether rows are whole vectors, few enough for a warp's registers. */
bool fits_registers(const Layer &l, const void *out, const void *grad);
yoso_status layer_norm_in_registers(void *out, const Layer &l, int64_t rows, yo_stream *stream);
/* Blocks of the gradient, each of which leaves sums of the parameters' gradients in
 * part[block][0] and part[block][1]. */
int64_t norm_grad_blocks(int64_t rows);
yoso_status layer_norm_grad_in_registers(void *grad_x, float *part, int64_t blocks,
                                         const void *grad, const Layer &l, int64_t rows,
                                         yo_stream *stream);

} // namespace yo_cuda

#endif
