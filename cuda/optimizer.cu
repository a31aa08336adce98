/* Steps of optimisers in f32 (src/cpu/optimizer.c has the formulas). Where a master copy is given
 * it is what is updated, and the parameter becomes its rounding. */
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

/* The values to update: element i of the master copy or of the parameter. */
struct Values {
    void *param;
    int32_t dtype;
    float *master;

    __device__ float load(int64_t i) const
    {
        return master ? master[i] : load_float(param, i, dtype);
    }
    __device__ void store(int64_t i, float value) const
    {
        if (master)
            master[i] = value;
        store_float(param, i, dtype, value);
    }
};

static Values values_of(const yo_view *param, const yo_view *master)
{
    return Values{param->data, param->dtype, master ? (float *)master->data : nullptr};
}

__global__ void adamw_kernel(Values values, float *mean, float *square, const void *grad,
                             int32_t grad_dtype, yo_adamw s, int64_t count)
{
    FOR_MY_ELEMENTS(i, count)
    {
        float g = load_float(grad, i, grad_dtype);
        float m = mean[i] + (g - mean[i]) * s.rest1;
        float v = square[i] * s.beta2 + g * g * s.rest2;
        mean[i] = m;
        square[i] = v;
        values.store(i, values.load(i) * s.decay - s.rate * m / (sqrtf(v) / s.root + s.eps));
    }
}

/* The first velocity is the gradient itself. */
__global__ void sgd_kernel(Values values, float *velocity, const void *grad, int32_t grad_dtype,
                           yo_sgd s, int64_t count)
{
    FOR_MY_ELEMENTS(i, count)
    {
        float p = values.load(i), g = load_float(grad, i, grad_dtype) + s.decay * p;
        if (velocity) {
            float v = (s.first ? 0.0f : s.momentum * velocity[i]) + g;
            velocity[i] = v;
            g = s.nesterov ? g + s.momentum * v : v;
        }
        values.store(i, p - s.rate * g);
    }
}

yoso_status yo_cuda_adamw(const yo_view *param, const yo_view *master, const yo_view *mean,
                          const yo_view *square, const yo_view *grad, const yo_adamw *settings,
                          yo_stream *stream)
{
    int64_t count = param->shape[0];
    return launch("adamw", adamw_kernel, blocks_for(count, THREADS), THREADS, 0, stream,
                  values_of(param, master), (float *)mean->data, (float *)square->data, grad->data,
                  grad->dtype, *settings, count);
}

yoso_status yo_cuda_sgd(const yo_view *param, const yo_view *master, const yo_view *velocity,
                        const yo_view *grad, const yo_sgd *settings, yo_stream *stream)
{
    int64_t count = param->shape[0];
    return launch("sgd", sgd_kernel, blocks_for(count, THREADS), THREADS, 0, stream,
                  values_of(param, master), velocity ? (float *)velocity->data : nullptr,
                  grad->data, grad->dtype, *settings, count);
}
