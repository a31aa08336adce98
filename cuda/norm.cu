/* Layer normalisation and l2 normalisation of rows, and their gradients, in f32. Rows of whole
 * vectors stay in a warp's registers, read once and written once; other rows have a block each.
 * The parameters' gradients are summed over chunks of rows and then over the chunks, in order. */
#include "cuda/columns.cuh"
#include "cuda/norm.cuh"

using namespace yo_cuda;

__global__ void layer_norm_kernel(void *out, Layer l)
{
    float mean, scale;
    l.statistics(blockIdx.x, &mean, &scale);
    FOR_MY_COLUMNS(i, l.width)
    {
        float h = (l.value(blockIdx.x, i) - mean) * scale;
        h = l.weight ? h * load_float(l.weight, i, l.dtype) : h;
        h = l.bias ? h + load_float(l.bias, i, l.dtype) : h;
        store_float(out, blockIdx.x * l.width + i, l.dtype, h);
    }
}

/* With h the normalised row and g = grad weight: (g - mean(g) - h mean(g h)) scale. Leaves the
 * row's mean and scale in statistic for the next kernel. */
__global__ void layer_norm_grad_kernel(void *grad_x, float *statistic, const void *grad, Layer l)
{
    int64_t row = blockIdx.x;
    float mean, scale, sum = 0, product = 0;
    l.statistics(row, &mean, &scale);
    FOR_MY_COLUMNS(i, l.width)
    {
        float g = load_float(grad, row * l.width + i, l.dtype);
        g = l.weight ? g * load_float(l.weight, i, l.dtype) : g;
        sum += g;
        product += g * (l.value(row, i) - mean) * scale;
    }
    sum = block_sum(sum) / (float)l.width;
    product = block_sum(product) / (float)l.width;
    FOR_MY_COLUMNS(i, l.width)
    {
        float g = load_float(grad, row * l.width + i, l.dtype);
        g = l.weight ? g * load_float(l.weight, i, l.dtype) : g;
        float h = (l.value(row, i) - mean) * scale;
        store_float(grad_x, row * l.width + i, l.dtype, (g - sum - h * product) * scale);
    }
    if (threadIdx.x == 0) {
        statistic[2 * row] = mean;
        statistic[2 * row + 1] = scale;
    }
}

const int CHUNKS = 64;

/* part[chunk][0] = sum of grad h over the chunk's rows, part[chunk][1] = sum of grad; a thread
 * for each column. */
__global__ void layer_norm_parameters_kernel(float *part, const float *statistic, const void *grad,
                                             Layer l, int64_t rows)
{
    int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, chunk = blockIdx.y;
    if (i >= l.width)
        return;
    float of_weight = 0, of_bias = 0;
    for (int64_t row = rows * chunk / CHUNKS; row < rows * (chunk + 1) / CHUNKS; row++) {
        float g = load_float(grad, row * l.width + i, l.dtype);
        of_weight += g * (l.value(row, i) - statistic[2 * row]) * statistic[2 * row + 1];
        of_bias += g;
    }
    part[2 * chunk * l.width + i] = of_weight;
    part[(2 * chunk + 1) * l.width + i] = of_bias;
}

static Layer layer_of(const yo_view *x, const yo_view *weight, const yo_view *bias,
                      const yo_view *residual, double eps)
{
    return Layer{x->data,
                 residual ? residual->data : nullptr,
                 weight ? weight->data : nullptr,
                 bias ? bias->data : nullptr,
                 x->dtype,
                 x->shape[1],
                 (float)eps};
}

yoso_status yo_cuda_layer_norm(const yo_view *out, const yo_view *x, const yo_view *weight,
                               const yo_view *bias, const yo_view *residual, double eps,
                               yo_stream *stream)
{
    Layer l = layer_of(x, weight, bias, residual, eps);
    if (x->shape[1] == 0)
        return YOSO_OK;
    if (fits_registers(l, out->data, nullptr))
        return layer_norm_in_registers(out->data, l, x->shape[0], stream);
    return launch("layer_norm", layer_norm_kernel, (unsigned)x->shape[0], ROW_THREADS, 0, stream,
                  out->data, l);
}

yoso_status yo_cuda_layer_norm_grad(const yo_view *grad_x, const yo_view *grad_weight,
                                    const yo_view *grad_bias, const yo_view *grad, const yo_view *x,
                                    const yo_view *weight, const yo_view *residual, double eps,
                                    yo_stream *stream)
{
    int64_t rows = x->shape[0], width = x->shape[1], chunks = CHUNKS;
    if (width == 0)
        return YOSO_OK;
    Layer l = layer_of(x, weight, nullptr, residual, eps);
    unsigned columns = blocks_for(width, ROW_THREADS);
    bool in_registers = fits_registers(l, grad_x->data, grad->data);
    Scratch statistic, part;
    if (in_registers)
        chunks = norm_grad_blocks(rows);
    YO_TRY(part.take((size_t)(2 * chunks * width) * sizeof(float)));
    if (in_registers) {
        YO_TRY(layer_norm_grad_in_registers(grad_x->data, part.as<float>(), chunks, grad->data, l,
                                            rows, stream));
    } else {
        YO_TRY(statistic.take((size_t)(2 * rows) * sizeof(float)));
        YO_TRY(launch("layer_norm_grad", layer_norm_grad_kernel, (unsigned)rows, ROW_THREADS, 0,
                      stream, grad_x->data, statistic.as<float>(), grad->data, l));
        YO_TRY(launch("layer_norm_grad", layer_norm_parameters_kernel, dim3(columns, CHUNKS),
                      ROW_THREADS, 0, stream, part.as<float>(), statistic.as<float>(), grad->data,
                      l, rows));
    }
    YO_TRY(join_parts(grad_weight->data, grad_weight->dtype, part.as<float>(), 2 * width, width,
                      chunks, stream));
    return join_parts(grad_bias->data, grad_bias->dtype, part.as<float>() + width, 2 * width, width,
                      chunks, stream);
}

__global__ void l2_normalize_kernel(void *out, const void *x, int32_t dtype, int64_t width,
                                    float eps)
{
    int64_t base = blockIdx.x * width;
    float squares = 0;
    FOR_MY_COLUMNS(i, width)
    {
        float value = load_float(x, base + i, dtype);
        squares += value * value;
    }
    float length = fmaxf(sqrtf(block_sum(squares)), eps);
    FOR_MY_COLUMNS(i, width)
    {
        store_float(out, base + i, dtype, load_float(x, base + i, dtype) / length);
    }
}

/* y = x / r: grad x = (grad - y (y . grad)) / r; below eps the length is a constant. */
__global__ void l2_normalize_grad_kernel(void *grad_x, const void *grad, const void *x,
                                         int32_t dtype, int64_t width, float eps)
{
    int64_t base = blockIdx.x * width;
    float squares = 0, product = 0;
    FOR_MY_COLUMNS(i, width)
    {
        float value = load_float(x, base + i, dtype);
        squares += value * value;
        product += value * load_float(grad, base + i, dtype);
    }
    float length = sqrtf(block_sum(squares));
    product = block_sum(product);
    bool tiny = length < eps;
    length = tiny ? eps : length;
    float factor = tiny ? 0 : product / (length * length);
    FOR_MY_COLUMNS(i, width)
    {
        float value = load_float(x, base + i, dtype);
        store_float(grad_x, base + i, dtype,
                    (load_float(grad, base + i, dtype) - value * factor) / length);
    }
}

yoso_status yo_cuda_l2_normalize(const yo_view *out, const yo_view *x, double eps,
                                 yo_stream *stream)
{
    return launch("l2_normalize", l2_normalize_kernel, (unsigned)x->shape[0], ROW_THREADS, 0,
                  stream, out->data, x->data, x->dtype, x->shape[1], (float)eps);
}

yoso_status yo_cuda_l2_normalize_grad(const yo_view *grad_x, const yo_view *grad, const yo_view *x,
                                      double eps, yo_stream *stream)
{
    return launch("l2_normalize_grad", l2_normalize_grad_kernel, (unsigned)x->shape[0], ROW_THREADS,
                  0, stream, grad_x->data, grad->data, x->data, x->dtype, x->shape[1], (float)eps);
}
