/* Matrix products: shapes as PyTorch's matmul has them, leading dimensions merged where the
 * strides allow it. */
#include <string.h>

#include "backend.h"
#include "core/tensor.h"

/* What to multiply, after vectors were made matrices and leading dimensions were broadcast. */
typedef struct plan {
    yo_view a, b;
    int32_t lead;                 /* leading dimensions of the views */
    int32_t ndim;                 /* of the result */
    int64_t shape[YOSO_MAX_DIMS]; /* of the result */
    int64_t m, n, k;
} plan;

static yoso_status refuse_shapes(const yoso_tensor *a, const yoso_tensor *b)
{
    return yo_fail(YOSO_MISUSE, "matmul: shapes %s and %s do not fit: [.., M, K] and [.., K, N]",
                   yo_text(a).text, yo_text(b).text);
}

static yoso_status check_operands(const yoso_tensor *a, const yoso_tensor *b)
{
    if (a->storage->device != b->storage->device)
        return yo_fail(YOSO_MISUSE, "matmul: operands are on different devices");
    if (a->dtype != b->dtype || !yo_dtype_is_float(a->dtype))
        return yo_fail(YOSO_MISUSE, "matmul: dtypes %s and %s, must be one of f32, f16, bf16",
                       yoso_dtype_name(a->dtype), yoso_dtype_name(b->dtype));
    if (a->ndim == 0 || b->ndim == 0)
        return refuse_shapes(a, b);
    return YOSO_OK;
}

/* The matrix in the last two dimensions of the view; a vector is a row (or a column). */
static void place_matrix(yo_view *view, int32_t lead, const yoso_tensor *tensor, bool is_column)
{
    int32_t first = lead, last = lead + 1;
    view->ndim = lead + 2;
    if (tensor->ndim >= 2) {
        for (int32_t i = 0; i < 2; i++) {
            view->shape[lead + i] = tensor->shape[tensor->ndim - 2 + i];
            view->stride[lead + i] = tensor->stride[tensor->ndim - 2 + i];
        }
        return;
    }
    if (is_column) {
        first = lead + 1;
        last = lead;
    }
    view->shape[first] = 1;
    view->stride[first] = tensor->shape[0];
    view->shape[last] = tensor->shape[0];
    view->stride[last] = tensor->stride[0];
}

static int32_t lead_of(const yoso_tensor *tensor)
{
    return tensor->ndim > 2 ? tensor->ndim - 2 : 0;
}

/* Leading dimensions of the tensor, repeated to the common ones. */
static void place_lead(yo_view *view, int32_t lead, const int64_t *shape, const yoso_tensor *tensor)
{
    int32_t missing = lead - lead_of(tensor);
    for (int32_t i = 0; i < lead; i++) {
        bool repeated = i < missing || tensor->shape[i - missing] != shape[i];
        view->shape[i] = shape[i];
        view->stride[i] = repeated ? 0 : tensor->stride[i - missing];
    }
}

static yoso_status make_plan(plan *p, const yoso_tensor *a, const yoso_tensor *b)
{
    YO_TRY(yo_shape_broadcast(&p->lead, p->shape, "matmul", lead_of(a), a->shape, lead_of(b),
                              b->shape));
    p->a = (yo_view){.data = yo_tensor_data(a), .dtype = a->dtype};
    p->b = (yo_view){.data = yo_tensor_data(b), .dtype = b->dtype};
    place_lead(&p->a, p->lead, p->shape, a);
    place_lead(&p->b, p->lead, p->shape, b);
    place_matrix(&p->a, p->lead, a, false);
    place_matrix(&p->b, p->lead, b, true);
    p->m = p->a.shape[p->lead];
    p->k = p->a.shape[p->lead + 1];
    p->n = p->b.shape[p->lead + 1];
    if (p->b.shape[p->lead] != p->k)
        return refuse_shapes(a, b);
    p->ndim = p->lead;
    if (a->ndim >= 2)
        p->shape[p->ndim++] = p->m;
    if (b->ndim >= 2)
        p->shape[p->ndim++] = p->n;
    return YOSO_OK;
}

static void remove_dim(yo_view *view, int32_t dim)
{
    view->ndim--;
    for (int32_t i = dim; i < view->ndim; i++) {
        view->shape[i] = view->shape[i + 1];
        view->stride[i] = view->stride[i + 1];
    }
}

/* Merges neighbouring leading dimensions, and a single matrix b's leading rows of a into one
 * matrix: a product of [B, N, K] by [K, M] is one of [B N, K]. */
static void merge(plan *p)
{
    for (int32_t i = p->lead - 1; i > 0; i--) {
        yo_view *views[] = {&p->a, &p->b};
        bool mergeable = true;
        for (int32_t v = 0; v < 2; v++)
            mergeable &= views[v]->stride[i - 1] == views[v]->stride[i] * views[v]->shape[i];
        if (!mergeable)
            continue;
        for (int32_t v = 0; v < 2; v++) {
            views[v]->shape[i - 1] *= views[v]->shape[i];
            views[v]->stride[i - 1] = views[v]->stride[i];
            remove_dim(views[v], i);
        }
        p->lead--;
    }
    if (p->lead == 1 && p->b.stride[0] == 0 && p->a.stride[0] == p->a.stride[1] * p->m) {
        p->m *= p->a.shape[0];
        remove_dim(&p->a, 0);
        remove_dim(&p->b, 0);
        p->a.shape[0] = p->m;
        p->lead = 0;
    }
}

static yoso_status multiply(yoso_tensor *result, plan *p)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, result->storage->device));
    yo_view out = {.data = yo_tensor_data(result), .dtype = result->dtype, .ndim = p->lead + 2};
    merge(p);
    out.ndim = p->lead + 2;
    memcpy(out.shape, p->a.shape, (size_t)(out.ndim - 1) * sizeof out.shape[0]);
    out.shape[out.ndim - 1] = p->n;
    yo_shape_contiguous(out.stride, out.ndim, out.shape);
    return kernels->matmul(&out, &p->a, &p->b, yo_backend_stream(result->storage->device));
}

yoso_status yoso_matmul(yoso_tensor **out, const yoso_tensor *a, const yoso_tensor *b)
{
    plan p;
    yoso_tensor *result;
    YO_TRY(check_operands(a, b));
    YO_TRY(make_plan(&p, a, b));
    YO_TRY(yo_tensor_like(&result, a, a->dtype, p.ndim, p.shape));
    yoso_status status = YOSO_OK;
    if (yoso_tensor_numel(result) > 0)
        status = p.k == 0 ? yoso_fill(result, 0) : multiply(result, &p);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
