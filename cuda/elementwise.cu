/* Elementwise arithmetic on strided views. */
#include "cuda/fault.cuh"
#include "cuda/vector.cuh"

using namespace yo_cuda;

__device__ inline float binary_float(int32_t op, float a, float b)
{
    switch (op) {
    case YOSO_ADD:
        return a + b;
    case YOSO_SUB:
        return a - b;
    case YOSO_MUL:
        return a * b;
    case YOSO_DIV:
        return a / b;
    case YOSO_POW:
        return powf(a, b);
    case YOSO_MAXIMUM:
        return a != a || a > b ? a : b;
    default:
        return a != a || a < b ? a : b;
    }
}

__device__ inline int64_t integer_power(int64_t base, int64_t exponent)
{
    uint64_t result = 1, factor = (uint64_t)base;
    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1, factor *= factor)
        if (exponent & 1)
            result *= factor;
    return (int64_t)result;
}

/* Wraps around like unsigned arithmetic; a zero divisor is a fault and gives 0. */
__device__ inline int64_t binary_integer(int32_t op, int64_t a, int64_t b, Fault *fault)
{
    switch (op) {
    case YOSO_ADD:
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case YOSO_SUB:
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case YOSO_MUL:
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case YOSO_DIV:
        if (b == 0) {
            report(fault, ZERO_DIVISOR);
            return 0;
        }
        return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case YOSO_POW:
        return integer_power(a, b);
    case YOSO_MAXIMUM:
        return a > b ? a : b;
    default:
        return a < b ? a : b;
    }
}

__global__ void binary_kernel(void *out, int32_t out_dtype, int32_t op, const void *a,
                              const void *b, int32_t dtype, Walk<3> walk, Fault *fault)
{
    bool floats = is_float(dtype);
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[3];
        walk.offsets(i, offset);
        if (floats)
            store_float(
                out, offset[0], out_dtype,
                binary_float(op, load_float(a, offset[1], dtype), load_float(b, offset[2], dtype)));
        else
            store_integer(out, offset[0], out_dtype,
                          binary_integer(op, load_integer(a, offset[1], dtype),
                                         load_integer(b, offset[2], dtype), fault));
    }
}

struct Sum {
    __device__ float operator()(float a, float b) const
    {
        return a + b;
    }
};
struct Times {
    __device__ float operator()(float a, float b) const
    {
        return a * b;
    }
};

yoso_status yo_cuda_binary(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream)
{
    Walk<3> walk = walk_over<3>({out, a, b});
    if ((op == YOSO_ADD || op == YOSO_MUL) && is_vector_walk<3>(walk, {out, a, b}))
        return op == YOSO_ADD ? map("binary", out, a, b, walk.count, Sum(), stream)
                              : map("binary", out, a, b, walk.count, Times(), stream);
    return launch("binary", binary_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, op, a->data, b->data, a->dtype, walk, fault_record());
}
