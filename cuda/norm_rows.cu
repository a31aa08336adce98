/* Layer normalisation of rows that stay in a warp's registers. */
#include "cuda/row.cuh"

using namespace yo_cuda;

template <class T, int VECTORS>
__global__ void __launch_bounds__(NORM_WARPS *WARP) norm_row_kernel(void *out, Layer l, int64_t rows)
{
    int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP, first = row * l.width;
    if (row >= rows)
        return;
    Row<T, VECTORS> h;
    h.load(l.x, first, l.width);
    if (l.residual)
        h.add(l.residual, first, l.width);
    h.normalize(l.width, l.eps);
    h.scale_and_shift(l.weight, l.bias, l.width);
    h.store(out, first, l.width);
}

/* A block takes rows block, block + blocks, ... NORM_WARPS at a time, and adds up what the
 * parameters' gradients get from them. */
template <class T, int VECTORS>
__global__ void __launch_bounds__(NORM_WARPS *WARP)
    norm_row_grad_kernel(void *grad_x, float *part, const void *grad, Layer l, int64_t rows)
{
    DYNAMIC_SHARED(float, shared); /* [width] */
    Row<T, VECTORS> of_weight = {}, of_bias = {};
    for (int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP; row < rows;
         row += (int64_t)gridDim.x * NORM_WARPS) {
        int64_t first = row * l.width;
        Row<T, VECTORS> h, g;
        h.load(l.x, first, l.width);
        if (l.residual)
            h.add(l.residual, first, l.width);
        g.load(grad, first, l.width);
        float scale = h.normalize(l.width, l.eps);
        norm_gradient(g, h, of_weight, of_bias, l.weight, l.width, scale);
        g.store(grad_x, first, l.width);
    }
    part += 2 * blockIdx.x * l.width;
    join_warps(part, shared, of_weight, l.width);
    join_warps(part + l.width, shared, of_bias, l.width);
}

bool yo_cuda::fits_registers(const Layer &l, const void *out, const void *grad)
{
    const void *all[] = {l.x, l.residual, l.weight, l.bias, out, grad};
    for (const void *one : all)
        if (!is_aligned_16(one))
            return false;
    return row_fits_registers(l.dtype, l.width);
}

int64_t yo_cuda::norm_grad_blocks(int64_t rows)
{
    return blocks_of_rows(rows);
}

namespace
{

struct Forward {
    void *out;
    const Layer &l;
    int64_t rows;
    yo_stream *stream;

    template <class T, int VECTORS> yoso_status of()
    {
        return launch("layer_norm", norm_row_kernel<T, VECTORS>,
                      (unsigned)((rows + NORM_WARPS - 1) / NORM_WARPS), NORM_WARPS * WARP, 0,
                      stream, out, l, rows);
    }
};

struct Backward {
    void *grad_x;
    float *part;
    int64_t blocks;
    const void *grad;
    const Layer &l;
    int64_t rows;
    yo_stream *stream;

    template <class T, int VECTORS> yoso_status of()
    {
        return launch("layer_norm_grad", norm_row_grad_kernel<T, VECTORS>, (unsigned)blocks,
                      NORM_WARPS * WARP, (size_t)l.width * sizeof(float), stream, grad_x, part,
                      grad, l, rows);
    }
};

} // namespace

yoso_status yo_cuda::layer_norm_in_registers(void *out, const Layer &l, int64_t rows,
                                             yo_stream *stream)
{
    return for_row(l.dtype, l.width, Forward{out, l, rows, stream});
}

yoso_status yo_cuda::layer_norm_grad_in_registers(void *grad_x, float *part, int64_t blocks,
                                                  const void *grad, const Layer &l, int64_t rows,
                                                  yo_stream *stream)
{
    return for_row(l.dtype, l.width, Backward{grad_x, part, blocks, grad, l, rows, stream});
}
