/* Running sums of a list of whole numbers on the device. */
#ifndef YO_CUDA_SCAN_CUH
#define YO_CUDA_SCAN_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

/* list[0 .. count) become the sums of those before; list[count] takes the sum of all. */
yoso_status running_sums(const char *name, int64_t *list, int64_t count, yo_stream *stream);

} // namespace yo_cuda

#endif
