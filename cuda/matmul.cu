/* Matrix products: by cuBLASLt where it is, else by tiles of our own. */
#include "cuda/number.cuh"
#include "cuda/product.cuh"

using namespace yo_cuda;

yoso_status yo_cuda::multiply(const Product &p, yo_stream *stream)
{
    static const int32_t unary[] = {YOSO_LINEAR, YOSO_GELU, YOSO_RELU, YOSO_TANH};
    bool done;
    int32_t left;
    YO_TRY(cublas_product(&done, &left, p, stream));
    if (done)
        return left == YOSO_ACT_NONE ? YOSO_OK : yo_cuda_unary(p.out, unary[left], p.out, stream);
    return product_by_tiles(p, stream);
}

static yo_view turned(const yo_view *matrix)
{
    yo_view view = *matrix;
    for (int i = 0; i < 2; i++) {
        view.shape[i] = matrix->shape[1 - i];
        view.stride[i] = matrix->stride[1 - i];
    }
    return view;
}

yoso_status yo_cuda_matmul(const yo_view *out, const yo_view *a, const yo_view *b,
                           yo_stream *stream)
{
    return multiply(Product{out, a, b, nullptr, YOSO_ACT_NONE, false}, stream);
}

yoso_status yo_cuda_linear(const yo_view *out, const yo_view *x, const yo_weight *weight,
                           const yo_view *bias, int32_t activation, yo_stream *stream)
{
    yo_view b = turned(&weight->view); /* [N, K] as [K, N] */
    return multiply(Product{out, x, &b, bias ? bias->data : nullptr, activation, false}, stream);
}

/* -- The product that layers are trained with -------------------------------------------------- */

/* f32 split into two bf16 is worth its copies from here on. */
const int64_t LEAST = EMULATED ? 8 : 64;
const int SQUARE = 32;

/* to[row][3 depth] = x's numbers in bf16, what they leave, in the order of a left factor (high,
 * high, low) or a right one (high, low, high): a block for 32 x 32 of them. */
__global__ void split_kernel(bf16 *to, const float *x, int64_t row_step, int64_t depth_step,
                             int64_t rows, int64_t depth, bool left)
{
    SHARED(float, square, SQUARE *(SQUARE + 1));
    int64_t row0 = (int64_t)blockIdx.y * SQUARE, depth0 = (int64_t)blockIdx.x * SQUARE;
    int fast = threadIdx.x % SQUARE, slow = threadIdx.x / SQUARE;
    bool along_rows = row_step == 1; /* read in the order of memory */
    for (int i = slow; i < SQUARE; i += THREADS / SQUARE) {
        int r = along_rows ? fast : i, k = along_rows ? i : fast;
        bool inside = row0 + r < rows && depth0 + k < depth;
        square[r * (SQUARE + 1) + k] =
            inside ? x[(row0 + r) * row_step + (depth0 + k) * depth_step] : 0.0f;
    }
    __syncthreads();
    for (int r = slow; r < SQUARE; r += THREADS / SQUARE) {
        if (row0 + r >= rows || depth0 + fast >= depth)
            continue;
        float value = square[r * (SQUARE + 1) + fast];
        bf16 high, low, *at = to + (row0 + r) * 3 * depth + depth0 + fast;
        from_float(&high, value);
        from_float(&low, value - to_float(high));
        at[0] = high;
        at[depth] = left ? high : low;
        at[2 * depth] = left ? low : high;
    }
}

static yoso_status split(yo_view *pieces, Scratch *own, const yo_view *x, int row, bool left,
                         yo_stream *stream)
{
    int64_t rows = x->shape[row], depth = x->shape[1 - row];
    YO_TRY(own->take((size_t)(rows * 3 * depth) * sizeof(bf16)));
    *pieces = yo_view{own->as<void>(), YOSO_BF16, 2, {rows, 3 * depth}, {3 * depth, 1}};
    dim3 grid((unsigned)((depth + SQUARE - 1) / SQUARE), (unsigned)((rows + SQUARE - 1) / SQUARE));
    return launch("product", split_kernel, grid, THREADS, 0, stream, own->as<bf16>(),
                  static_cast<const float *>(x->data), x->stride[row], x->stride[1 - row], rows,
                  depth, left);
}

yoso_status yo_cuda_product(const yo_view *out, const yo_view *a, const yo_view *b,
                            const yo_view *bias, int32_t how, yo_stream *stream)
{
    Product p = {out, a, b, bias ? bias->data : nullptr, YOSO_ACT_NONE, (how & YO_PRODUCT_ADD) != 0};
    int64_t m = out->shape[0], n = out->shape[1], depth = a->shape[1];
    if (out->dtype != YOSO_F32 || !(how & YO_PRODUCT_SPLIT) || m < LEAST || n < LEAST ||
        depth < LEAST || m > 65535 * SQUARE || n > 65535 * SQUARE)
        return multiply(p, stream);
    yo_view left, right;
    Scratch own_left, own_right;
    YO_TRY(split(&left, &own_left, a, 0, true, stream));
    YO_TRY(split(&right, &own_right, b, 1, false, stream));
    yo_view b_pieces = turned(&right);
    p.a = &left;
    p.b = &b_pieces;
    return multiply(p, stream);
}
