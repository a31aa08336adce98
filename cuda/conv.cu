/* Depth-wise convolution along packed sequences, one filter of taps a head, and its gradients.
 * The formulas are those of src/cpu/conv.c. */
#include "cuda/rows.cuh"

using namespace yo_cuda;

/* The device's copy of a packing. */
struct Packed {
    int64_t heads, sequences, tokens;
    const int64_t *offset;
    const uint8_t *keep;

    __device__ bool kept(int64_t token) const
    {
        return !keep || keep[token];
    }

    /* The sequence of a token: [*start, *stop). */
    __device__ void bounds(int64_t token, int64_t *start, int64_t *stop) const
    {
        int64_t low = 0, high = sequences - 1;
        while (low < high) {
            int64_t middle = (low + high + 1) / 2;
            if (offset[middle] <= token)
                low = middle;
            else
                high = middle - 1;
        }
        *start = offset[low];
        *stop = offset[low + 1];
    }
};

/* turned: the gradient's walk, u = t - shift, the mask at the target. */
__global__ void conv_kernel(void *out, const void *x, int32_t dtype, const void *weight,
                            int64_t taps, int64_t width, Packed p, bool turned)
{
    int64_t size = width / p.heads, token = blockIdx.x, start, stop;
    p.bounds(token, &start, &stop);
    FOR_MY_COLUMNS(i, width)
    {
        float sum = 0;
        for (int64_t w = 0; w < taps; w++) {
            int64_t shift = w - taps / 2, u = turned ? token - shift : token + shift;
            if (u >= start && u < stop && p.kept(turned ? token : u))
                sum += load_float(weight, i / size * taps + w, dtype) *
                       load_float(x, u * width + i, dtype);
        }
        store_float(out, token * width + i, dtype, sum);
    }
}

/* One tap's gradient a block: the products of grad[t] and the value that the tap read. */
__global__ void conv_grad_kernel(void *grad_weight, const void *grad, const void *value,
                                 int32_t dtype, int64_t taps, int64_t width, Packed p)
{
    int64_t size = width / p.heads, head = blockIdx.x / taps, shift = blockIdx.x % taps - taps / 2;
    double total = 0;
    for (int64_t t = threadIdx.x / WARP; t < p.tokens; t += blockDim.x / WARP) {
        int64_t u = t + shift, start, stop;
        p.bounds(t, &start, &stop);
        if (u < start || u >= stop || !p.kept(u))
            continue;
        float sum = 0;
        for (int64_t i = threadIdx.x % WARP; i < size; i += WARP)
            sum += load_float(grad, t * width + head * size + i, dtype) *
                   load_float(value, u * width + head * size + i, dtype);
        total += (double)sum;
    }
    total = block_sum(total);
    if (threadIdx.x == 0)
        store_float(grad_weight, blockIdx.x, dtype, (float)total);
}

static yoso_status pack(Packed *p, const yo_view *value, const yo_packing *packing)
{
    size_t bytes = (size_t)(packing->sequences + 1) * sizeof(int64_t);
    const void *offset;
    YO_TRY(constant(&offset, packing->offset, bytes));
    *p = Packed{packing->heads, packing->sequences, value->shape[0],
                static_cast<const int64_t *>(offset), packing->keep};
    return YOSO_OK;
}

yoso_status yo_cuda_depthwise_conv(const yo_view *out, const yo_view *value, const yo_view *weight,
                                   const yo_packing *packing, yo_stream *stream)
{
    Packed p;
    YO_TRY(pack(&p, value, packing));
    return launch("depthwise_conv", conv_kernel, (unsigned)value->shape[0], ROW_THREADS, 0, stream,
                  out->data, value->data, value->dtype, weight->data, weight->shape[1],
                  value->shape[1], p, false);
}

yoso_status yo_cuda_depthwise_conv_grad(const yo_view *grad_value, const yo_view *grad_weight,
                                        const yo_view *grad, const yo_view *value,
                                        const yo_view *weight, const yo_packing *packing,
                                        yo_stream *stream)
{
    Packed p;
    int64_t taps = weight->shape[1];
    YO_TRY(pack(&p, value, packing));
    YO_TRY(launch("depthwise_conv_grad", conv_kernel, (unsigned)value->shape[0], ROW_THREADS, 0,
                  stream, grad_value->data, grad->data, grad->dtype, weight->data, taps,
                  value->shape[1], p, true));
    return launch("depthwise_conv_grad", conv_grad_kernel, (unsigned)(packing->heads * taps),
                  ROW_THREADS, 0, stream, grad_weight->data, grad->data, value->data, value->dtype,
                  taps, value->shape[1], p);
}
