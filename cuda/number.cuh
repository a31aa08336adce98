/* Elements of any dtype to and from what kernels compute in: float for the float formats, int64
 * for integers. The narrow formats are the project's own types, so that no CUDA header is needed
 * where there is no CUDA. The dtype is the same for all threads: a switch on it costs little. */
#ifndef YO_CUDA_NUMBER_CUH
#define YO_CUDA_NUMBER_CUH

#include "cuda/launch.cuh"
#include "core/dtype.h"
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace yo_cuda
{

struct f16 {
    uint16_t bits;
};
struct bf16 {
    uint16_t bits;
};

__device__ inline float to_float(float x)
{
    return x;
}

#if defined(__CUDACC__)
__device__ inline float to_float(f16 x)
{
    return __half2float(__ushort_as_half(x.bits));
}
__device__ inline float to_float(bf16 x)
{
    return __uint_as_float((uint32_t)x.bits << 16);
}
__device__ inline void from_float(f16 *to, float x)
{
    to->bits = __half_as_ushort(__float2half_rn(x));
}
__device__ inline void from_float(bf16 *to, float x)
{
    to->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
}
#else
inline float to_float(f16 x)
{
    return yo_from_f16(x.bits);
}
inline float to_float(bf16 x)
{
    return yo_from_bf16(x.bits);
}
inline void from_float(f16 *to, float x)
{
    to->bits = yo_to_f16(x);
}
inline void from_float(bf16 *to, float x)
{
    to->bits = yo_to_bf16(x);
}
#endif
__device__ inline void from_float(float *to, float x)
{
    *to = x;
}

__host__ __device__ inline bool is_float(int32_t dtype)
{
    return dtype == YOSO_F32 || dtype == YOSO_F16 || dtype == YOSO_BF16;
}

/* Truncates and saturates; NaN becomes 0. */
template <class T> __device__ inline int64_t to_integer(T x, int64_t low, int64_t high)
{
    if (x != x)
        return 0;
    if (x <= (T)low)
        return low;
    return x >= (T)high ? high : (int64_t)x;
}

__device__ inline int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* Element i as float, whatever the dtype. */
__device__ __forceinline__ float load_float(const void *data, int64_t i, int32_t dtype)
{
    switch (dtype) {
    case YOSO_F32:
        return static_cast<const float *>(data)[i];
    case YOSO_F16:
        return to_float(static_cast<const f16 *>(data)[i]);
    case YOSO_BF16:
        return to_float(static_cast<const bf16 *>(data)[i]);
    case YOSO_I32:
        return (float)static_cast<const int32_t *>(data)[i];
    case YOSO_I64:
        return (float)static_cast<const int64_t *>(data)[i];
    default:
        return (float)static_cast<const uint8_t *>(data)[i];
    }
}

/* Element i as int64; floats are truncated and saturate. */
__device__ __forceinline__ int64_t load_integer(const void *data, int64_t i, int32_t dtype)
{
    switch (dtype) {
    case YOSO_I32:
        return static_cast<const int32_t *>(data)[i];
    case YOSO_I64:
        return static_cast<const int64_t *>(data)[i];
    case YOSO_U8:
    case YOSO_BOOL:
        return static_cast<const uint8_t *>(data)[i];
    default:
        return to_integer(load_float(data, i, dtype), INT64_MIN, INT64_MAX);
    }
}

/* Element i of an integer dtype, saturated to its range. */
__device__ __forceinline__ void store_whole(void *data, int64_t i, int32_t dtype, int64_t x)
{
    switch (dtype) {
    case YOSO_I32:
        static_cast<int32_t *>(data)[i] = (int32_t)clamp(x, INT32_MIN, INT32_MAX);
        break;
    case YOSO_I64:
        static_cast<int64_t *>(data)[i] = x;
        break;
    case YOSO_U8:
        static_cast<uint8_t *>(data)[i] = (uint8_t)clamp(x, 0, 255);
        break;
    default:
        static_cast<uint8_t *>(data)[i] = x != 0;
    }
}

/* Element i of any dtype from a float. */
__device__ __forceinline__ void store_float(void *data, int64_t i, int32_t dtype, float x)
{
    switch (dtype) {
    case YOSO_F32:
        static_cast<float *>(data)[i] = x;
        break;
    case YOSO_F16:
        from_float(static_cast<f16 *>(data) + i, x);
        break;
    case YOSO_BF16:
        from_float(static_cast<bf16 *>(data) + i, x);
        break;
    case YOSO_BOOL:
        static_cast<uint8_t *>(data)[i] = x != 0;
        break;
    default:
        store_whole(data, i, dtype, to_integer(x, INT64_MIN, INT64_MAX));
    }
}

/* Element i of any dtype from an integer. */
__device__ __forceinline__ void store_integer(void *data, int64_t i, int32_t dtype, int64_t x)
{
    if (is_float(dtype))
        store_float(data, i, dtype, (float)x);
    else
        store_whole(data, i, dtype, x);
}

} // namespace yo_cuda

#endif
