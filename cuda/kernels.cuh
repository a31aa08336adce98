/* The module's kernels by name; table.cu lists them. What each does is said in src/kernels.h. */
#ifndef YO_CUDA_KERNELS_CUH
#define YO_CUDA_KERNELS_CUH

#include "module.h"

/* copy.cu */
yoso_status yo_cuda_copy(const yo_view *out, const yo_view *x, yo_stream *stream);
yoso_status yo_cuda_fill(const yo_view *out, double value, yo_stream *stream);

/* elementwise.cu */
yoso_status yo_cuda_binary(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream);

#endif
