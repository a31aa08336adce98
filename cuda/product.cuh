/* One matrix product with its epilogue, as matmul.cu asks cublas.cu for it. */
#ifndef YO_CUDA_PRODUCT_CUH
#define YO_CUDA_PRODUCT_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

/* out [.., M, N] = activation(a [.., M, K] b [.., K, N] + bias [N]), added to what out holds if so
 * wanted: a and b have any strides, out is contiguous or a matrix whose rows are; bias, of out's
 * dtype, may be NULL; activation is a YOSO_ACT_. bf16 may give f32; bytes (see BYTES) give sums of
 * i32, with neither bias nor activation. */
struct Product {
    const yo_view *out, *a, *b;
    const void *bias;
    int32_t activation;
    bool add;
};

yoso_status multiply(const Product &product, yo_stream *stream);
yoso_status product_by_tiles(const Product &product, yo_stream *stream);

/* The dtype of views of signed bytes, which tensors do not have. */
const int32_t BYTES = -1;

/* Does the product by cuBLASLt, whose library is loaded at the first call; *done is false, and
 * nothing was queued, where it is missing or does not take these strides. What it leaves of the
 * activation is *activation. */
yoso_status cublas_product(bool *done, int32_t *activation, const Product &product,
                           yo_stream *stream);

} // namespace yo_cuda

#endif
