/* What stands between a layer's products in training, in one pass over each row: dropout, the
 * residual and the layer norm; and back, with the sums that are the biases' gradients
 * (src/cpu/residual.c). Rows too wide for a warp's registers take the parts one by one. */
#include "cuda/columns.cuh"
#include "cuda/row.cuh"

using namespace yo_cuda;

/* Views of one call. */
struct Residual {
    void *out, *sum;
    const void *x, *residual, *weight, *bias;
    int64_t rows, width;
    float eps, p;
    Seed seed;
};

template <class T, int VECTORS>
__global__ void __launch_bounds__(NORM_WARPS *WARP) residual_norm_kernel(Residual r)
{
    int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP, first = row * r.width;
    if (row >= r.rows)
        return;
    Row<T, VECTORS> h;
    h.load(r.x, first, r.width);
    if (r.p > 0)
        h.drop(first, r.width, r.p, r.seed.value());
    h.add(r.residual, first, r.width);
    h.round(); /* the gradient knows the sum as it is stored */
    h.store(r.sum, first, r.width);
    h.normalize(r.width, r.eps);
    h.scale_and_shift(r.weight, r.bias, r.width);
    h.store(r.out, first, r.width);
}

/* As norm_row_grad_kernel has it; part[block] also takes the sum of grad_x's rows. */
template <class T, int VECTORS>
__global__ void __launch_bounds__(NORM_WARPS *WARP)
    residual_norm_grad_kernel(void *grad_sum, void *grad_x, float *part, const void *grad,
                              Residual r)
{
    DYNAMIC_SHARED(float, shared); /* [width] */
    Row<T, VECTORS> of_weight = {}, of_bias = {}, of_x = {};
    for (int64_t row = (int64_t)blockIdx.x * NORM_WARPS + threadIdx.x / WARP; row < r.rows;
         row += (int64_t)gridDim.x * NORM_WARPS) {
        int64_t first = row * r.width;
        Row<T, VECTORS> h, g;
        h.load(r.sum, first, r.width);
        g.load(grad, first, r.width);
        float scale = h.normalize(r.width, r.eps);
        norm_gradient(g, h, of_weight, of_bias, r.weight, r.width, scale);
        g.store(grad_sum, first, r.width);
        if (r.p > 0) {
            g.drop(first, r.width, r.p, r.seed.value());
            g.store(grad_x, first, r.width);
        }
        g.for_each(r.width, [&](int v, int64_t) {
#pragma unroll
            for (int i = 0; i < Vector<T>::COUNT; i++)
                of_x.x[v][i] += g.x[v][i];
        });
    }
    part += 3 * blockIdx.x * r.width;
    join_warps(part, shared, of_weight, r.width);
    join_warps(part + r.width, shared, of_bias, r.width);
    join_warps(part + 2 * r.width, shared, of_x, r.width);
}

namespace
{

struct Forward {
    const Residual &r;
    yo_stream *stream;

    template <class T, int VECTORS> yoso_status of()
    {
        return launch("residual_norm", residual_norm_kernel<T, VECTORS>,
                      (unsigned)((r.rows + NORM_WARPS - 1) / NORM_WARPS), NORM_WARPS * WARP, 0,
                      stream, r);
    }
};

struct Backward {
    void *grad_sum, *grad_x;
    float *part;
    int64_t blocks;
    const void *grad;
    const Residual &r;
    yo_stream *stream;

    template <class T, int VECTORS> yoso_status of()
    {
        return launch("residual_norm_grad", residual_norm_grad_kernel<T, VECTORS>, (unsigned)blocks,
                      NORM_WARPS * WARP, (size_t)r.width * sizeof(float), stream, grad_sum, grad_x,
                      part, grad, r);
    }
};

bool fits(const yo_view *like, const void *const (&all)[6])
{
    for (const void *one : all)
        if (!is_aligned_16(one))
            return false;
    return row_fits_registers(like->dtype, like->shape[1]);
}

} // namespace

yoso_status yo_cuda_residual_norm(const yo_view *out, const yo_view *sum, const yo_view *x,
                                  const yo_view *residual, const yo_view *weight,
                                  const yo_view *bias, double eps, double p, uint64_t seed,
                                  yo_stream *stream)
{
    Residual r = {out->data,   sum->data, x->data,     residual->data, weight->data,
                  bias->data,  x->shape[0], x->shape[1], (float)eps,     (float)p,
                  seed_of(seed)};
    if (r.width == 0)
        return YOSO_OK;
    if (fits(x, {out->data, sum->data, x->data, residual->data, weight->data, bias->data}))
        return for_row(x->dtype, r.width, Forward{r, stream});
    if (p > 0)
        YO_TRY(yo_cuda_dropout(sum, x, p, seed, stream));
    YO_TRY(yo_cuda_binary(sum, YOSO_ADD, p > 0 ? sum : x, residual, stream));
    return yo_cuda_layer_norm(out, sum, weight, bias, nullptr, eps, stream);
}

static yoso_status grad_in_parts(const yo_view *grad_sum, const yo_view *grad_x,
                                 const yo_view *grad_weight, const yo_view *grad_bias,
                                 const yo_view *grad_x_rows, const yo_view *grad,
                                 const yo_view *sum, const yo_view *weight, double eps, double p,
                                 uint64_t seed, yo_stream *stream)
{
    Scratch own; /* grad_sum may be grad */
    int64_t count = sum->shape[0] * sum->shape[1];
    YO_TRY(own.take((size_t)count * (sum->dtype == YOSO_F32 ? 4 : 2)));
    yo_view rows = *sum;
    rows.data = own.as<void>();
    YO_TRY(yo_cuda_layer_norm_grad(&rows, grad_weight, grad_bias, grad, sum, weight, nullptr, eps,
                                   stream));
    YO_TRY(yo_cuda_copy(grad_sum, &rows, stream));
    if (p > 0)
        YO_TRY(yo_cuda_dropout(grad_x, grad_sum, p, seed, stream));
    return column_sums(grad_x_rows, p > 0 ? grad_x : grad_sum, stream);
}

yoso_status yo_cuda_residual_norm_grad(const yo_view *grad_sum, const yo_view *grad_x,
                                       const yo_view *grad_weight, const yo_view *grad_bias,
                                       const yo_view *grad_x_rows, const yo_view *grad,
                                       const yo_view *sum, const yo_view *weight, double eps,
                                       double p, uint64_t seed, yo_stream *stream)
{
    int64_t rows = sum->shape[0], width = sum->shape[1], blocks = blocks_of_rows(rows);
    if (width == 0)
        return YOSO_OK;
    if (!fits(sum, {grad_sum->data, p > 0 ? grad_x->data : nullptr, grad->data, sum->data,
                    weight->data, nullptr}))
        return grad_in_parts(grad_sum, grad_x, grad_weight, grad_bias, grad_x_rows, grad, sum,
                             weight, eps, p, seed, stream);
    Residual r = {nullptr, sum->data, nullptr, nullptr,  weight->data, nullptr,
                  rows,    width,     (float)eps, (float)p, seed_of(seed)};
    Scratch part;
    YO_TRY(part.take((size_t)(3 * blocks * width) * sizeof(float)));
    YO_TRY(for_row(sum->dtype, width,
                   Backward{grad_sum->data, p > 0 ? grad_x->data : nullptr, part.as<float>(),
                            blocks, grad->data, r, stream}));
    const yo_view *to[] = {grad_weight, grad_bias, grad_x_rows};
    for (int i = 0; i < 3; i++)
        YO_TRY(join_parts(to[i]->data, to[i]->dtype, part.as<float>() + i * width, 3 * width, width,
                          blocks, stream));
    return YOSO_OK;
}

yoso_status yo_cuda_activation_grad(const yo_view *grad_z, const yo_view *y, const yo_view *rows_sum,
                                    int32_t op, const yo_view *z, yo_stream *stream)
{
    YO_TRY(yo_cuda_unary(y, op, z, stream));
    YO_TRY(yo_cuda_unary_grad(grad_z, op, grad_z, z, stream));
    return column_sums(rows_sum, grad_z, stream);
}
