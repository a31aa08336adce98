/* Functions of one element over strided views, and their derivatives. */
#include "cuda/activation.cuh"
#include "cuda/vector.cuh"

using namespace yo_cuda;

/* The operations that integers have too; the rest leaves them as they are (floor, round). */
__device__ inline int64_t unary_integer(int32_t op, int64_t x)
{
    switch (op) {
    case YOSO_NEG:
        return (int64_t)(0 - (uint64_t)x);
    case YOSO_ABS:
        return x < 0 ? (int64_t)(0 - (uint64_t)x) : x;
    case YOSO_SIGN:
        return (x > 0) - (x < 0);
    case YOSO_SQUARE:
        return (int64_t)((uint64_t)x * (uint64_t)x);
    case YOSO_RELU:
        return x < 0 ? 0 : x;
    default:
        return x;
    }
}

__global__ void unary_kernel(void *out, int32_t out_dtype, int32_t op, const void *x, int32_t dtype,
                             Walk<2> walk)
{
    bool floats = is_float(dtype);
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[2];
        walk.offsets(i, offset);
        if (floats)
            store_float(out, offset[0], out_dtype,
                        unary_float(op, load_float(x, offset[1], dtype)));
        else
            store_integer(out, offset[0], out_dtype,
                          unary_integer(op, load_integer(x, offset[1], dtype)));
    }
}

__global__ void unary_grad_kernel(void *out, int32_t op, const void *grad, const void *x,
                                  int32_t out_dtype, int32_t grad_dtype, int32_t dtype,
                                  Walk<3> walk)
{
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[3];
        walk.offsets(i, offset);
        float slope = unary_slope(op, load_float(x, offset[2], dtype));
        store_float(out, offset[0], out_dtype, load_float(grad, offset[1], grad_dtype) * slope);
    }
}

struct Gelu {
    __device__ float operator()(float x, float) const
    {
        return x * normal_below(x);
    }
};
struct GeluGrad {
    __device__ float operator()(float grad, float x) const
    {
        return grad * gelu_slope(x);
    }
};

yoso_status yo_cuda_unary(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream)
{
    Walk<2> walk = walk_over<2>({out, x});
    if (op == YOSO_GELU && is_vector_walk<2>(walk, {out, x}))
        return map("unary", out, x, x, walk.count, Gelu(), stream);
    return launch("unary", unary_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, op, x->data, x->dtype, walk);
}

yoso_status yo_cuda_unary_grad(const yo_view *out, int32_t op, const yo_view *grad,
                               const yo_view *x, yo_stream *stream)
{
    Walk<3> walk = walk_over<3>({out, grad, x});
    if (op == YOSO_GELU && is_vector_walk<3>(walk, {out, grad, x}))
        return map("unary_grad", out, grad, x, walk.count, GeluGrad(), stream);
    return launch("unary_grad", unary_grad_kernel, blocks_for(walk.count, THREADS), THREADS, 0,
                  stream, out->data, op, grad->data, x->data, out->dtype, grad->dtype, x->dtype,
                  walk);
}
