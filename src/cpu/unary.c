/* Functions of one element: arithmetic, elementary functions and activations. Their derivatives
 * are in unary_grad.c. */
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/vmath.h"
#include "cpu/walk.h"

#define FOR_EACH(EXPRESSION)                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                              \
        float x = in[i];                                                                           \
        out[i] = (EXPRESSION);                                                                     \
    }                                                                                              \
    break

static inline float clip(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

static inline float sign_of(float x)
{
    return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x;
}

static inline float gelu(float x)
{
    float density;
    return x * yo_normal(x, &density);
}

/* x sigmoid(2u) = x (1 + tanh u) / 2, u = sqrt(2 / pi) (x + 0.044715 x^3). */
static inline float gelu_tanh(float x)
{
    float u = 0.797884561f * YO_FMA(0.044715f * x * x, x, x);
    return x / (1.0f + yo_exp(-2.0f * u));
}

/* x tanh(ln(1 + e^x)), the tangent written with w = e^x (e^x + 2). */
static inline float mish(float x)
{
    float e = yo_exp(x > 20.0f ? 20.0f : x), w = e * (e + 2.0f);
    return x * (w / (w + 2.0f));
}

static inline float softplus(float x)
{
    return (x > 0.0f ? x : x != x ? x : 0.0f) + yo_log1p(yo_exp(-yo_magnitude(x)));
}

static inline float laplace(float x)
{
    float density;
    return yo_normal((x - 0.707107f) / 0.282095f, &density);
}

static void elementary(int32_t op, float *out, const float *in, int64_t n)
{
    switch (op) {
    case YOSO_NEG:
        FOR_EACH(-x);
    case YOSO_ABS:
        FOR_EACH(yo_magnitude(x));
    case YOSO_SIGN:
        FOR_EACH(sign_of(x));
    case YOSO_EXP:
        FOR_EACH(yo_exp(x));
    case YOSO_LOG:
        FOR_EACH(yo_log(x));
    case YOSO_LOG1P:
        FOR_EACH(yo_log1p(x));
    case YOSO_EXPM1:
        FOR_EACH(yo_expm1(x));
    case YOSO_SQRT:
        FOR_EACH(sqrtf(x));
    case YOSO_RSQRT:
        FOR_EACH(1.0f / sqrtf(x));
    case YOSO_RECIPROCAL:
        FOR_EACH(1.0f / x);
    case YOSO_SQUARE:
        FOR_EACH(x * x);
    case YOSO_SIN:
        FOR_EACH(sinf(x));
    case YOSO_COS:
        FOR_EACH(cosf(x));
    case YOSO_TAN:
        FOR_EACH(tanf(x));
    case YOSO_SINH:
        FOR_EACH(sinhf(x));
    case YOSO_COSH:
        FOR_EACH(coshf(x));
    case YOSO_ASIN:
        FOR_EACH(asinf(x));
    case YOSO_ACOS:
        FOR_EACH(acosf(x));
    case YOSO_ATAN:
        FOR_EACH(atanf(x));
    case YOSO_ERF:
        FOR_EACH(yo_erf(x));
    case YOSO_FLOOR:
        FOR_EACH(floorf(x));
    case YOSO_CEIL:
        FOR_EACH(ceilf(x));
    case YOSO_ROUND:
        FOR_EACH(rintf(x));
    }
}

void YO_CPU(unary_row)(int32_t op, float *out, const float *in, int64_t n)
{
    switch (op) {
    case YOSO_LINEAR:
        FOR_EACH(x);
    case YOSO_RELU:
        FOR_EACH(x < 0.0f ? 0.0f : x);
    case YOSO_RELU6:
        FOR_EACH(clip(x, 0.0f, 6.0f));
    case YOSO_RELU2:
        FOR_EACH(x < 0.0f ? 0.0f : x * x);
    case YOSO_LEAKY_RELU:
        FOR_EACH(x < 0.0f ? 0.01f * x : x);
    case YOSO_GELU:
        FOR_EACH(gelu(x));
    case YOSO_GELU_TANH:
        FOR_EACH(gelu_tanh(x));
    case YOSO_GELU_10:
        FOR_EACH(clip(gelu(x), -10.0f, 10.0f));
    case YOSO_QUICK_GELU:
        FOR_EACH(x / (1.0f + yo_exp(-1.702f * x)));
    case YOSO_SILU:
        FOR_EACH(x / (1.0f + yo_exp(-x)));
    case YOSO_MISH:
        FOR_EACH(mish(x));
    case YOSO_LAPLACE:
        FOR_EACH(laplace(x));
    case YOSO_HARDSWISH:
        FOR_EACH(x * clip(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6));
    case YOSO_SOFTPLUS:
        FOR_EACH(softplus(x));
    case YOSO_SQRTSOFTPLUS:
        FOR_EACH(sqrtf(softplus(x)));
    case YOSO_TANH:
        FOR_EACH(yo_tanh(x));
    case YOSO_SIGMOID:
        FOR_EACH(yo_sigmoid(x));
    default:
        elementary(op, out, in, n);
    }
}

/* The operations that integers have too; the rest of yoso_unary refuses them. */
static void unary_integers(int32_t op, int64_t *x, int64_t n)
{
    switch (op) {
    case YOSO_NEG:
        for (int64_t i = 0; i < n; i++)
            x[i] = (int64_t)(0 - (uint64_t)x[i]);
        break;
    case YOSO_ABS:
        for (int64_t i = 0; i < n; i++)
            x[i] = x[i] < 0 ? (int64_t)(0 - (uint64_t)x[i]) : x[i];
        break;
    case YOSO_SIGN:
        for (int64_t i = 0; i < n; i++)
            x[i] = (x[i] > 0) - (x[i] < 0);
        break;
    case YOSO_SQUARE:
        for (int64_t i = 0; i < n; i++)
            x[i] = (int64_t)((uint64_t)x[i] * (uint64_t)x[i]);
        break;
    case YOSO_RELU:
        for (int64_t i = 0; i < n; i++)
            x[i] = x[i] < 0 ? 0 : x[i];
        break;
    }
}

yoso_status YO_CPU(unary)(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream)
{
    (void)stream;
    const yo_view *views[] = {out, x};
    yo_walk walk = yo_walk_over(2, views);
    bool floats = yo_dtype_is_float(x->dtype);
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        const int64_t *step = walk.inner_stride;
        if (!floats) {
            int64_t row[YO_WALK_BLOCK];
            yo_load_integers(row, x->data, offset[1], step[1], x->dtype, n);
            unary_integers(op, row, n);
            yo_store_integers(out->data, offset[0], step[0], out->dtype, row, n);
        } else if (x->dtype == YOSO_F32 && step[0] == 1 && step[1] == 1) {
            YO_CPU(unary_row)
            (op, (float *)out->data + offset[0], (const float *)x->data + offset[1], n);
        } else {
            float row[YO_WALK_BLOCK];
            yo_load_floats(row, x->data, offset[1], step[1], x->dtype, n);
            YO_CPU(unary_row)(op, row, row, n);
            yo_store_floats(out->data, offset[0], step[0], out->dtype, row, n);
        }
    }
    return YOSO_OK;
}
