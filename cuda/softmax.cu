/* softmax and log_softmax of [before, size, after] arrays over the middle dimension, and their
 * gradients: a block for each column. */
#include "cuda/rows.cuh"

using namespace yo_cuda;

__global__ void softmax_kernel(void *out, const void *x, int32_t dtype, int64_t size, int64_t after,
                               bool logarithm)
{
    int64_t base = blockIdx.x / after * size * after + blockIdx.x % after;
    float largest = -INFINITY, sum = 0;
    FOR_MY_COLUMNS(i, size)
    {
        largest = Largest()(largest, load_float(x, base + i * after, dtype));
    }
    largest = block_max(largest);
    FOR_MY_COLUMNS(i, size)
    {
        sum += expf(load_float(x, base + i * after, dtype) - largest);
    }
    sum = block_sum(sum);
    float shift = largest + logf(sum);
    FOR_MY_COLUMNS(i, size)
    {
        float value = load_float(x, base + i * after, dtype);
        store_float(out, base + i * after, dtype,
                    logarithm ? value - shift : expf(value - largest) / sum);
    }
}

/* softmax: (grad - sum(grad y)) y;  log_softmax: grad - exp(y) sum(grad). */
__global__ void softmax_grad_kernel(void *grad_x, const void *grad, const void *y, int32_t dtype,
                                    int64_t size, int64_t after, bool logarithm)
{
    int64_t base = blockIdx.x / after * size * after + blockIdx.x % after;
    float sum = 0;
    FOR_MY_COLUMNS(i, size)
    {
        float g = load_float(grad, base + i * after, dtype);
        sum += logarithm ? g : g * load_float(y, base + i * after, dtype);
    }
    sum = block_sum(sum);
    FOR_MY_COLUMNS(i, size)
    {
        float g = load_float(grad, base + i * after, dtype);
        float value = load_float(y, base + i * after, dtype);
        store_float(grad_x, base + i * after, dtype,
                    logarithm ? g - expf(value) * sum : (g - sum) * value);
    }
}

yoso_status yo_cuda_softmax(const yo_view *out, const yo_view *x, int32_t logarithm,
                            yo_stream *stream)
{
    return launch("softmax", softmax_kernel, (unsigned)(x->shape[0] * x->shape[2]), ROW_THREADS, 0,
                  stream, out->data, x->data, x->dtype, x->shape[1], x->shape[2], logarithm != 0);
}

yoso_status yo_cuda_softmax_grad(const yo_view *grad_x, const yo_view *grad, const yo_view *y,
                                 int32_t logarithm, yo_stream *stream)
{
    return launch("softmax_grad", softmax_grad_kernel, (unsigned)(y->shape[0] * y->shape[2]),
                  ROW_THREADS, 0, stream, grad_x->data, grad->data, y->data, y->dtype, y->shape[1],
                  y->shape[2], logarithm != 0);
}
