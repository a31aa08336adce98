/* Derivatives of unary.c's functions: out = grad f'(x). */
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/vmath.h"
#include "cpu/walk.h"

#define FOR_EACH(EXPRESSION)                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                              \
        float x = in[i];                                                                           \
        out[i] = grad[i] * (EXPRESSION);                                                           \
    }                                                                                              \
    break

static inline float gelu_slope(float x)
{
    float density, p = yo_normal(x, &density);
    return YO_FMA(x, density, p);
}

static inline float gelu_tanh_slope(float x)
{
    float c = x < -12.0f ? -12.0f : x > 12.0f ? 12.0f : x; /* flat beyond */
    float u = 0.797884561f * YO_FMA(0.044715f * c * c, c, c);
    float du = 0.797884561f * YO_FMA(3.0f * 0.044715f * c, c, 1.0f);
    float s = 1.0f / (1.0f + yo_exp(-2.0f * u));
    return YO_FMA(2.0f * c * s * (1.0f - s), du, s);
}

/* d/dx x sigmoid(a x). */
static inline float gated_slope(float x, float a)
{
    float s = yo_sigmoid(a * x);
    return YO_FMA(a * x * (1.0f - s), s, s);
}

static inline float mish_slope(float x)
{
    float e = yo_exp(x > 20.0f ? 20.0f : x), w = e * (e + 2.0f), d = 1.0f / (w + 2.0f);
    return YO_FMA(4.0f * x * e * d, (e + 1.0f) * d, w * d);
}

static inline float laplace_slope(float x)
{
    float density;
    yo_normal((x - 0.707107f) / 0.282095f, &density);
    return density / 0.282095f;
}

static inline float sqrtsoftplus_slope(float x)
{
    float y = (x > 0.0f ? x : 0.0f) + yo_log1p(yo_exp(-yo_magnitude(x)));
    return y > 0.0f ? 0.5f * yo_sigmoid(x) / sqrtf(y) : 0.0f;
}

static inline float tanh_slope(float x)
{
    float y = yo_tanh(x);
    return 1.0f - y * y;
}

static inline float sigmoid_slope(float x)
{
    float s = yo_sigmoid(x);
    return s * (1.0f - s);
}

static inline float tan_slope(float x)
{
    float y = tanf(x);
    return YO_FMA(y, y, 1.0f);
}

static void elementary(int32_t op, float *out, const float *grad, const float *in, int64_t n)
{
    switch (op) {
    case YOSO_NEG:
        FOR_EACH(((void)x, -1.0f));
    case YOSO_ABS:
        FOR_EACH(x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f);
    case YOSO_EXP:
        FOR_EACH(yo_exp(x));
    case YOSO_LOG:
        FOR_EACH(1.0f / x);
    case YOSO_LOG1P:
        FOR_EACH(1.0f / (1.0f + x));
    case YOSO_EXPM1:
        FOR_EACH(yo_exp(x));
    case YOSO_SQRT:
        FOR_EACH(0.5f / sqrtf(x));
    case YOSO_RSQRT:
        FOR_EACH(-0.5f / (x * sqrtf(x)));
    case YOSO_RECIPROCAL:
        FOR_EACH(-1.0f / (x * x));
    case YOSO_SQUARE:
        FOR_EACH(2.0f * x);
    case YOSO_SIN:
        FOR_EACH(cosf(x));
    case YOSO_COS:
        FOR_EACH(-sinf(x));
    case YOSO_TAN:
        FOR_EACH(tan_slope(x));
    case YOSO_SINH:
        FOR_EACH(coshf(x));
    case YOSO_COSH:
        FOR_EACH(sinhf(x));
    case YOSO_ASIN:
        FOR_EACH(1.0f / sqrtf((1.0f - x) * (1.0f + x)));
    case YOSO_ACOS:
        FOR_EACH(-1.0f / sqrtf((1.0f - x) * (1.0f + x)));
    case YOSO_ATAN:
        FOR_EACH(1.0f / YO_FMA(x, x, 1.0f));
    case YOSO_ERF:
        FOR_EACH(1.12837917f * yo_exp(-x * x));
    default: /* sign, floor, ceil, round: flat */
        FOR_EACH(((void)x, 0.0f));
    }
}

void YO_CPU(unary_grad_row)(int32_t op, float *out, const float *grad, const float *in, int64_t n)
{
    switch (op) {
    case YOSO_LINEAR:
        FOR_EACH(((void)x, 1.0f));
    case YOSO_RELU:
        FOR_EACH(x > 0.0f ? 1.0f : 0.0f);
    case YOSO_RELU6:
        FOR_EACH(x > 0.0f && x < 6.0f ? 1.0f : 0.0f);
    case YOSO_RELU2:
        FOR_EACH(x > 0.0f ? 2.0f * x : 0.0f);
    case YOSO_LEAKY_RELU:
        FOR_EACH(x > 0.0f ? 1.0f : 0.01f);
    case YOSO_GELU:
        FOR_EACH(gelu_slope(x));
    case YOSO_GELU_TANH:
        FOR_EACH(gelu_tanh_slope(x));
    case YOSO_GELU_10:
        FOR_EACH(x > 10.0f ? 0.0f : gelu_slope(x));
    case YOSO_QUICK_GELU:
        FOR_EACH(gated_slope(x, 1.702f));
    case YOSO_SILU:
        FOR_EACH(gated_slope(x, 1.0f));
    case YOSO_MISH:
        FOR_EACH(mish_slope(x));
    case YOSO_LAPLACE:
        FOR_EACH(laplace_slope(x));
    case YOSO_HARDSWISH:
        FOR_EACH(x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : (2.0f * x + 3.0f) * (1.0f / 6));
    case YOSO_SOFTPLUS:
        FOR_EACH(yo_sigmoid(x));
    case YOSO_SQRTSOFTPLUS:
        FOR_EACH(sqrtsoftplus_slope(x));
    case YOSO_TANH:
        FOR_EACH(tanh_slope(x));
    case YOSO_SIGMOID:
        FOR_EACH(sigmoid_slope(x));
    default:
        elementary(op, out, grad, in, n);
    }
}

yoso_status YO_CPU(unary_grad)(const yo_view *out, int32_t op, const yo_view *grad,
                               const yo_view *x, yo_stream *stream)
{
    (void)stream;
    const yo_view *views[] = {out, grad, x};
    yo_walk walk = yo_walk_over(3, views);
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        const int64_t *step = walk.inner_stride;
        if (x->dtype == YOSO_F32 && step[0] == 1 && step[1] == 1 && step[2] == 1) {
            YO_CPU(unary_grad_row)
            (op, (float *)out->data + offset[0], (const float *)grad->data + offset[1],
             (const float *)x->data + offset[2], n);
        } else {
            float g[YO_WALK_BLOCK], row[YO_WALK_BLOCK];
            yo_load_floats(g, grad->data, offset[1], step[1], grad->dtype, n);
            yo_load_floats(row, x->data, offset[2], step[2], x->dtype, n);
            YO_CPU(unary_grad_row)(op, g, g, row, n);
            yo_store_floats(out->data, offset[0], step[0], out->dtype, g, n);
        }
    }
    return YOSO_OK;
}
