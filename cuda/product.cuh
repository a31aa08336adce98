/* One matrix product with its epilogue, as matmul.cu asks cublas.cu for it. */
#ifndef YO_CUDA_PRODUCT_CUH
#define YO_CUDA_PRODUCT_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

/* out [.., M, N] = activation(a [.., M, K] b [.., K, N] + bias [N]): out is contiguous, a and b
 * have any strides, bias may be NULL; activation is a YOSO_ACT_. Bytes (i8, see BYTES) give sums
 * of i32, with neither bias nor activation. */
struct Product {
    const yo_view *out, *a, *b;
    const void *bias;
    int32_t activation;
};

/* The dtype of views of signed bytes, which tensors do not have. */
const int32_t BYTES = -1;

/* Does the product by cuBLASLt, whose library is loaded at the first call; *done is false, and
 * nothing was queued, where it is missing or does not take these strides. What it leaves of the
 * activation is *activation. */
yoso_status cublas_product(bool *done, int32_t *activation, const Product &product,
                           yo_stream *stream);

} // namespace yo_cuda

#endif
