/* Cross entropy of a linear layer's results, some rows at a time, so that the matrix of all rows
 * by all classes never exists; its gradients are made on the way, while a chunk's logits are at
 * hand. */
#include "backend.h"
#include "ops/rows.h"

/* Bytes of one chunk's logits, and the fewest rows that are worth a product. */
enum { CHUNK_BYTES = 128 << 20, FEWEST_ROWS = 64 };

/* What the chunks add up to; gradients that are not wanted stay NULL. */
typedef struct totals {
    double loss;
    yoso_tensor *of_x, *of_weight, *of_bias;
} totals;

typedef struct layer {
    const yoso_tensor *x, *weight, *bias, *labels;
    int64_t ignore;
    double scale;
    bool wants_x, wants_weight, wants_bias;
} layer;

/* A number as a tensor beside x. */
static yoso_status new_number(yoso_tensor **out, const yoso_tensor *x, double value)
{
    yoso_tensor *number;
    YO_TRY(yo_tensor_like(&number, x, YOSO_F32, 0, NULL));
    yoso_status status = yoso_fill(number, value);
    if (status != YOSO_OK) {
        yoso_tensor_free(number);
        return status;
    }
    *out = number;
    return YOSO_OK;
}

static yoso_status count_kept(int64_t *kept, const yoso_tensor *labels, int64_t ignore)
{
    yoso_tensor *here, *dense;
    YO_TRY(yoso_to_device(&here, labels, YOSO_CPU));
    yoso_status status = yoso_contiguous(&dense, here);
    if (status == YOSO_OK) {
        const void *data = yo_tensor_data(dense);
        int64_t count = 0;
        for (int64_t i = 0; i < labels->shape[0]; i++)
            count += (labels->dtype == YOSO_I64 ? ((const int64_t *)data)[i]
                                                : ((const int32_t *)data)[i]) != ignore;
        *kept = count;
        yoso_tensor_free(dense);
    }
    yoso_tensor_free(here);
    return status;
}

/* *sum += part, or part itself where there is no sum yet. Takes part. */
static yoso_status add_part(yoso_tensor **sum, yoso_tensor *part)
{
    if (!*sum) {
        *sum = part;
        return YOSO_OK;
    }
    yoso_status status = yoso_binary_into(*sum, YOSO_ADD, *sum, part);
    yoso_tensor_free(part);
    return status;
}

/* Rows `first` .. of of_x become the part, which is taken. */
static yoso_status put_rows(totals *sum, const layer *l, int64_t first, yoso_tensor *part)
{
    yoso_tensor *place;
    yoso_status status = YOSO_OK;
    if (part->shape[0] == l->x->shape[0]) {
        sum->of_x = part;
        return YOSO_OK;
    }
    if (!sum->of_x)
        status = yo_tensor_like(&sum->of_x, l->x, l->x->dtype, 2, l->x->shape);
    if (status == YOSO_OK)
        status = yoso_narrow(&place, sum->of_x, 0, first, part->shape[0]);
    if (status == YOSO_OK) {
        status = yoso_copy_into(place, part);
        yoso_tensor_free(place);
    }
    yoso_tensor_free(part);
    return status;
}

/* The logits become their own gradient, and that the layer's. */
static yoso_status gradients(totals *sum, const layer *l, const yo_kernels *kernels,
                             yoso_tensor *logits, const yoso_tensor *x, const yoso_tensor *labels,
                             int64_t first)
{
    yoso_tensor *one, *of_x = NULL, *of_weight = NULL, *of_bias = NULL;
    YO_TRY(new_number(&one, logits, 1));
    yo_view view = yo_as_rows(logits), wanted = yo_as_rows(labels);
    yo_view unit = yo_tensor_as_broadcast_view(one, 1, labels->shape);
    yoso_status status =
        kernels->cross_entropy_grad(&view, &unit, l->scale, &view, &wanted, l->ignore,
                                    yo_backend_stream(logits->storage->device));
    yoso_tensor_free(one);
    if (status == YOSO_OK)
        status = yoso_linear_grad(l->wants_x ? &of_x : NULL, l->wants_weight ? &of_weight : NULL,
                                  l->wants_bias ? &of_bias : NULL, logits, x, l->weight);
    if (status == YOSO_OK && of_x)
        status = put_rows(sum, l, first, of_x);
    else
        yoso_tensor_free(of_x);
    if (status == YOSO_OK && of_weight)
        status = add_part(&sum->of_weight, of_weight);
    else
        yoso_tensor_free(of_weight);
    if (status == YOSO_OK && of_bias)
        return add_part(&sum->of_bias, of_bias);
    yoso_tensor_free(of_bias);
    return status;
}

static yoso_status add_losses(double *total, const yoso_tensor *losses)
{
    yoso_tensor *sum, *here;
    YO_TRY(yoso_reduce(&sum, YOSO_SUM, losses, 0, NULL, 0, 0));
    yoso_status status = yoso_to_device(&here, sum, YOSO_CPU);
    if (status == YOSO_OK) {
        *total += *(const float *)yo_tensor_data(here);
        yoso_tensor_free(here);
    }
    yoso_tensor_free(sum);
    return status;
}

static yoso_status chunk_of_rows(totals *sum, const layer *l, const yo_kernels *kernels,
                                 const yoso_tensor *x, const yoso_tensor *labels, int64_t first)
{
    yoso_tensor *logits, *losses;
    int64_t kept;
    YO_TRY(yoso_linear(&logits, x, l->weight, l->bias, YOSO_ACT_NONE));
    yoso_status status = yoso_cross_entropy(&losses, &kept, logits, labels, l->ignore);
    if (status == YOSO_OK) {
        status = add_losses(&sum->loss, losses);
        yoso_tensor_free(losses);
    }
    if (status == YOSO_OK && (l->wants_x || l->wants_weight || l->wants_bias))
        status = gradients(sum, l, kernels, logits, x, labels, first);
    yoso_tensor_free(logits);
    return status;
}

static yoso_status all_chunks(totals *sum, const layer *l)
{
    const yo_kernels *kernels;
    YO_TRY(yo_backend_kernels(&kernels, l->x->storage->device));
    int64_t rows = l->x->shape[0], row_bytes = l->weight->shape[0] * yoso_dtype_size(l->x->dtype);
    int64_t most = CHUNK_BYTES / (row_bytes > 0 ? row_bytes : 1);
    most = most > FEWEST_ROWS ? most : FEWEST_ROWS;
    int64_t chunks = (rows + most - 1) / most;
    for (int64_t c = 0; c < chunks; c++) {
        int64_t first = rows * c / chunks, count = rows * (c + 1) / chunks - first;
        yoso_tensor *x, *labels = NULL;
        YO_TRY(yoso_narrow(&x, l->x, 0, first, count));
        yoso_status status = yoso_narrow(&labels, l->labels, 0, first, count);
        if (status == YOSO_OK)
            status = chunk_of_rows(sum, l, kernels, x, labels, first);
        yoso_tensor_free(labels);
        yoso_tensor_free(x);
        YO_TRY(status);
    }
    return YOSO_OK;
}

static yoso_status zeros_where_missing(yoso_tensor **gradient, bool wanted, const yoso_tensor *like)
{
    if (!wanted || *gradient)
        return YOSO_OK;
    return yoso_tensor_zeros(gradient, like->dtype, like->storage->device, like->ndim, like->shape);
}

static yoso_status finish(yoso_tensor **loss, totals *sum, const layer *l)
{
    YO_TRY(zeros_where_missing(&sum->of_x, l->wants_x, l->x));
    YO_TRY(zeros_where_missing(&sum->of_weight, l->wants_weight, l->weight));
    if (l->bias)
        YO_TRY(zeros_where_missing(&sum->of_bias, l->wants_bias, l->bias));
    return new_number(loss, l->x, sum->loss * l->scale);
}

static yoso_status check(const layer *l)
{
    const yoso_tensor *floats[] = {l->x, l->weight, l->bias};
    YO_TRY(yo_check_floats("linear_cross_entropy", 3, floats));
    if (l->x->ndim != 2 || l->weight->ndim != 2 || l->labels->ndim != 1 ||
        l->x->shape[1] != l->weight->shape[1] || l->labels->shape[0] != l->x->shape[0])
        return yo_fail(YOSO_MISUSE,
                       "linear_cross_entropy: x is %s, weight %s, labels %s; must be [n, in], "
                       "[classes, in] and [n]",
                       yo_text(l->x).text, yo_text(l->weight).text, yo_text(l->labels).text);
    if (l->labels->dtype != YOSO_I64 && l->labels->dtype != YOSO_I32)
        return yo_fail(YOSO_MISUSE, "linear_cross_entropy: labels are %s, must be i64 or i32",
                       yoso_dtype_name(l->labels->dtype));
    if (l->wants_bias && !l->bias)
        return yo_fail(YOSO_MISUSE, "linear_cross_entropy: without a bias it has no gradient");
    return YOSO_OK;
}

yoso_status yoso_linear_cross_entropy(yoso_tensor **loss, yoso_tensor **grad_x,
                                      yoso_tensor **grad_weight, yoso_tensor **grad_bias,
                                      const yoso_tensor *x, const yoso_tensor *weight,
                                      const yoso_tensor *bias, const yoso_tensor *labels,
                                      int64_t ignore_index, int32_t mean)
{
    layer l = {.x = x,
               .weight = weight,
               .bias = bias,
               .labels = labels,
               .ignore = ignore_index,
               .scale = 1,
               .wants_x = grad_x != NULL,
               .wants_weight = grad_weight != NULL,
               .wants_bias = grad_bias != NULL};
    totals sum = {.loss = 0};
    int64_t kept = 1;
    YO_TRY(check(&l));
    if (mean) {
        YO_TRY(count_kept(&kept, labels, ignore_index));
        l.scale =
            1.0 / (double)kept; /* none kept: 0 times infinity, not a number, as the mean is */
    }
    yoso_status status = all_chunks(&sum, &l);
    if (status == YOSO_OK)
        status = finish(loss, &sum, &l);
    if (status != YOSO_OK) {
        yoso_tensor_free(sum.of_x);
        yoso_tensor_free(sum.of_weight);
        yoso_tensor_free(sum.of_bias);
        return status;
    }
    if (grad_x)
        *grad_x = sum.of_x;
    if (grad_weight)
        *grad_weight = sum.of_weight;
    if (grad_bias)
        *grad_bias = sum.of_bias;
    return YOSO_OK;
}
