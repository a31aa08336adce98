/* The product that layers are trained with: into a matrix that is there, with a bias, and added to
 * what the matrix holds if so wanted. */
#include "ops/product.h"

#include "backend.h"
#include "ops/rows.h"

static yo_view row_as_matrix(const yo_view *row, const yo_view *like)
{
    yo_view matrix = *like;
    matrix.data = row->data;
    matrix.stride[0] = 0;
    matrix.stride[1] = 1;
    return matrix;
}

/* By matmul, through a matrix of its own. */
static yoso_status by_matmul(const yo_kernels *kernels, const yo_view *out, const yo_view *a,
                             const yo_view *b, const yo_view *bias, int32_t how, int32_t device,
                             yo_stream *stream)
{
    yoso_tensor *result;
    YO_TRY(yoso_tensor_new(&result, out->dtype, device, 2, out->shape));
    yo_view sum = yo_as_rows(result);
    yoso_status status = kernels->matmul(&sum, a, b, stream);
    if (status == YOSO_OK && bias) {
        yo_view row = row_as_matrix(bias, &sum);
        status = kernels->binary(&sum, YOSO_ADD, &sum, &row, stream);
    }
    if (status == YOSO_OK)
        status = how & YO_PRODUCT_ADD ? kernels->binary(out, YOSO_ADD, out, &sum, stream)
                                      : kernels->copy(out, &sum, stream);
    yoso_tensor_free(result);
    return status;
}

yoso_status yo_product(const yo_kernels *kernels, const yo_view *out, const yo_view *a,
                       const yo_view *b, const yo_view *bias, int32_t how, yo_stream *stream)
{
    if (out->shape[0] == 0 || out->shape[1] == 0)
        return YOSO_OK;
    if (a->shape[1] == 0) {
        yo_view row = bias ? row_as_matrix(bias, out) : *out;
        if (how & YO_PRODUCT_ADD)
            return bias ? kernels->binary(out, YOSO_ADD, out, &row, stream) : YOSO_OK;
        return bias ? kernels->copy(out, &row, stream) : kernels->fill(out, 0, stream);
    }
    if (kernels->product)
        return kernels->product(out, a, b, bias, how, stream);
    return by_matmul(kernels, out, a, b, bias, how, YOSO_CUDA, stream);
}

yoso_status yoso_product_into(yoso_tensor *out, const yoso_tensor *a, const yoso_tensor *b,
                              const yoso_tensor *bias, int32_t add, int32_t split)
{
    const yo_kernels *kernels;
    const yoso_tensor *all[] = {out, a, b, bias};
    YO_TRY(yo_check_floats("product", 4, all));
    bool fits = out->ndim == 2 && a->ndim == 2 && b->ndim == 2 && a->shape[1] == b->shape[0] &&
                out->shape[0] == a->shape[0] && out->shape[1] == b->shape[1] &&
                (out->stride[1] == 1 || out->shape[1] == 1) &&
                (!bias || (bias->ndim == 1 && bias->shape[0] == out->shape[1] &&
                           yoso_tensor_is_contiguous(bias)));
    if (!fits)
        return yo_fail(YOSO_MISUSE,
                       "product: out is %s, a %s, b %s, bias %s; must be [M, N] with neighbours in "
                       "a row, [M, K], [K, N] and [N]",
                       yo_text(out).text, yo_text(a).text, yo_text(b).text,
                       bias ? yo_text(bias).text : "none");
    YO_TRY(yo_backend_kernels(&kernels, out->storage->device));
    yo_view target = yo_tensor_as_view(out), left = yo_tensor_as_view(a);
    yo_view right = yo_tensor_as_view(b), row = yo_tensor_as_view(bias ? bias : b);
    yoso_status status = yo_product(kernels, &target, &left, &right, bias ? &row : NULL,
                                    (add ? YO_PRODUCT_ADD : 0) | (split ? YO_PRODUCT_SPLIT : 0),
                                    yo_backend_stream(out->storage->device));
    yoso_tensor_touch(out);
    return status;
}
