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

/* unary.cu */
yoso_status yo_cuda_unary(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream);
yoso_status yo_cuda_unary_grad(const yo_view *out, int32_t op, const yo_view *grad,
                               const yo_view *x, yo_stream *stream);

/* compare.cu */
yoso_status yo_cuda_compare(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                            yo_stream *stream);
yoso_status yo_cuda_where(const yo_view *out, const yo_view *condition, const yo_view *a,
                          const yo_view *b, yo_stream *stream);

/* reduce.cu */
yoso_status yo_cuda_reduce(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream);

/* random.cu */
yoso_status yo_cuda_random(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                           double a, double b, yo_stream *stream);
yoso_status yo_cuda_sequence(const yo_view *out, double start, double step, yo_stream *stream);

#endif
