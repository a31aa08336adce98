/* Functions of one element and their derivatives, for unary.cu and for the epilogues of products.
 * The formulas are those of src/cpu/unary.c and unary_grad.c. */
#ifndef YO_CUDA_ACTIVATION_CUH
#define YO_CUDA_ACTIVATION_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

__device__ inline float clip(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

/* P(X < x) of the normal distribution, and its density. */
__device__ inline float normal_below(float x)
{
    return 0.5f * erfcf(-0.707106781f * x);
}

__device__ inline float normal_density(float x)
{
    return 0.398942280f * expf(-0.5f * x * x);
}

__device__ inline float sigmoid(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

__device__ inline float softplus(float x)
{
    return (x > 0.0f ? x : x != x ? x : 0.0f) + log1pf(expf(-fabsf(x)));
}

/* u of gelu_tanh = x sigmoid(2u) = x (1 + tanh u) / 2. */
__device__ inline float gelu_tanh_inner(float x)
{
    return 0.797884561f * fmaf(0.044715f * x * x, x, x);
}

/* x tanh(ln(1 + e^x)), the tangent written with w = e^x (e^x + 2). */
__device__ inline float mish(float x)
{
    float e = expf(x > 20.0f ? 20.0f : x), w = e * (e + 2.0f);
    return x * (w / (w + 2.0f));
}

__device__ inline float unary_float(int32_t op, float x)
{
    switch (op) {
    case YOSO_NEG:
        return -x;
    case YOSO_ABS:
        return fabsf(x);
    case YOSO_SIGN:
        return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
    case YOSO_EXP:
        return expf(x);
    case YOSO_LOG:
        return logf(x);
    case YOSO_LOG1P:
        return log1pf(x);
    case YOSO_EXPM1:
        return expm1f(x);
    case YOSO_SQRT:
        return sqrtf(x);
    case YOSO_RSQRT:
        return 1.0f / sqrtf(x);
    case YOSO_RECIPROCAL:
        return 1.0f / x;
    case YOSO_SQUARE:
        return x * x;
    case YOSO_SIN:
        return sinf(x);
    case YOSO_COS:
        return cosf(x);
    case YOSO_TAN:
        return tanf(x);
    case YOSO_SINH:
        return sinhf(x);
    case YOSO_COSH:
        return coshf(x);
    case YOSO_TANH:
        return tanhf(x);
    case YOSO_ASIN:
        return asinf(x);
    case YOSO_ACOS:
        return acosf(x);
    case YOSO_ATAN:
        return atanf(x);
    case YOSO_SIGMOID:
        return sigmoid(x);
    case YOSO_ERF:
        return erff(x);
    case YOSO_FLOOR:
        return floorf(x);
    case YOSO_CEIL:
        return ceilf(x);
    case YOSO_ROUND:
        return rintf(x);
    case YOSO_RELU:
        return x < 0.0f ? 0.0f : x;
    case YOSO_RELU6:
        return clip(x, 0.0f, 6.0f);
    case YOSO_RELU2:
        return x < 0.0f ? 0.0f : x * x;
    case YOSO_LEAKY_RELU:
        return x < 0.0f ? 0.01f * x : x;
    case YOSO_GELU:
        return x * normal_below(x);
    case YOSO_GELU_TANH:
        return x / (1.0f + expf(-2.0f * gelu_tanh_inner(x)));
    case YOSO_GELU_10:
        return clip(x * normal_below(x), -10.0f, 10.0f);
    case YOSO_QUICK_GELU:
        return x / (1.0f + expf(-1.702f * x));
    case YOSO_SILU:
        return x / (1.0f + expf(-x));
    case YOSO_MISH:
        return mish(x);
    case YOSO_LAPLACE:
        return normal_below((x - 0.707107f) / 0.282095f);
    case YOSO_HARDSWISH:
        return x * clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6);
    case YOSO_SOFTPLUS:
        return softplus(x);
    case YOSO_SQRTSOFTPLUS:
        return sqrtf(softplus(x));
    default: /* linear */
        return x;
    }
}

__device__ inline float gelu_slope(float x)
{
    return fmaf(x, normal_density(x), normal_below(x));
}

__device__ inline float gelu_tanh_slope(float x)
{
    float c = clip(x, -12.0f, 12.0f); /* flat beyond */
    float du = 0.797884561f * fmaf(3.0f * 0.044715f * c, c, 1.0f);
    float s = sigmoid(2.0f * gelu_tanh_inner(c));
    return fmaf(2.0f * c * s * (1.0f - s), du, s);
}

/* d/dx x sigmoid(a x). */
__device__ inline float gated_slope(float x, float a)
{
    float s = sigmoid(a * x);
    return fmaf(a * x * (1.0f - s), s, s);
}

__device__ inline float mish_slope(float x)
{
    float e = expf(x > 20.0f ? 20.0f : x), w = e * (e + 2.0f), d = 1.0f / (w + 2.0f);
    return fmaf(4.0f * x * e * d, (e + 1.0f) * d, w * d);
}

__device__ inline float sqrtsoftplus_slope(float x)
{
    float y = softplus(x);
    return y > 0.0f ? 0.5f * sigmoid(x) / sqrtf(y) : 0.0f;
}

/* f'(x) of unary_float; 0 for the flat ones (sign, floor, ceil, round). */
__device__ inline float unary_slope(int32_t op, float x)
{
    switch (op) {
    case YOSO_NEG:
        return -1.0f;
    case YOSO_ABS:
        return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f;
    case YOSO_EXP:
    case YOSO_EXPM1:
        return expf(x);
    case YOSO_LOG:
        return 1.0f / x;
    case YOSO_LOG1P:
        return 1.0f / (1.0f + x);
    case YOSO_SQRT:
        return 0.5f / sqrtf(x);
    case YOSO_RSQRT:
        return -0.5f / (x * sqrtf(x));
    case YOSO_RECIPROCAL:
        return -1.0f / (x * x);
    case YOSO_SQUARE:
        return 2.0f * x;
    case YOSO_SIN:
        return cosf(x);
    case YOSO_COS:
        return -sinf(x);
    case YOSO_TAN:
        return fmaf(tanf(x), tanf(x), 1.0f);
    case YOSO_SINH:
        return coshf(x);
    case YOSO_COSH:
        return sinhf(x);
    case YOSO_TANH:
        return 1.0f - tanhf(x) * tanhf(x);
    case YOSO_ASIN:
        return 1.0f / sqrtf((1.0f - x) * (1.0f + x));
    case YOSO_ACOS:
        return -1.0f / sqrtf((1.0f - x) * (1.0f + x));
    case YOSO_ATAN:
        return 1.0f / fmaf(x, x, 1.0f);
    case YOSO_SIGMOID:
        return sigmoid(x) * (1.0f - sigmoid(x));
    case YOSO_ERF:
        return 1.12837917f * expf(-x * x);
    case YOSO_LINEAR:
        return 1.0f;
    case YOSO_RELU:
        return x > 0.0f ? 1.0f : 0.0f;
    case YOSO_RELU6:
        return x > 0.0f && x < 6.0f ? 1.0f : 0.0f;
    case YOSO_RELU2:
        return x > 0.0f ? 2.0f * x : 0.0f;
    case YOSO_LEAKY_RELU:
        return x > 0.0f ? 1.0f : 0.01f;
    case YOSO_GELU:
        return gelu_slope(x);
    case YOSO_GELU_TANH:
        return gelu_tanh_slope(x);
    case YOSO_GELU_10:
        return x > 10.0f ? 0.0f : gelu_slope(x);
    case YOSO_QUICK_GELU:
        return gated_slope(x, 1.702f);
    case YOSO_SILU:
        return gated_slope(x, 1.0f);
    case YOSO_MISH:
        return mish_slope(x);
    case YOSO_LAPLACE:
        return normal_density((x - 0.707107f) / 0.282095f) / 0.282095f;
    case YOSO_HARDSWISH:
        return x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : (2.0f * x + 3.0f) * (1.0f / 6);
    case YOSO_SOFTPLUS:
        return sigmoid(x);
    case YOSO_SQRTSOFTPLUS:
        return sqrtsoftplus_slope(x);
    default:
        return 0.0f;
    }
}

/* One of YOSO_ACT_, as products apply it. */
__device__ inline float activate(int32_t activation, float x)
{
    switch (activation) {
    case YOSO_ACT_GELU:
        return x * normal_below(x);
    case YOSO_ACT_RELU:
        return x < 0.0f ? 0.0f : x;
    case YOSO_ACT_TANH:
        return tanhf(x);
    default:
        return x;
    }
}

} // namespace yo_cuda

#endif
