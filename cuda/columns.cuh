/* Sums over the rows of a matrix. */
#ifndef YO_CUDA_COLUMNS_CUH
#define YO_CUDA_COLUMNS_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

/* out[i] = the sum over x's rows, of x's dtype or f32, in f32; x is [rows, columns] with neighbours
 * in a row. */
yoso_status column_sums(const yo_view *out, const yo_view *x, yo_stream *stream);

/* out[i] = the sum of part[k step + i] over k below parts, in order. */
yoso_status join_parts(void *out, int32_t dtype, const float *part, int64_t step, int64_t width,
                       int64_t parts, yo_stream *stream);

} // namespace yo_cuda

#endif
