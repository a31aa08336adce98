/* Cross entropy of a linear layer's results, some rows at a time, so that the matrix of all rows
 * by all classes never exists; its gradients are made on the way, while a chunk's logits are at
 * hand. */
#include "backend.h"
#include "ops/product.h"
#include "ops/residual.h"
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
    yo_place place;
    int64_t ignore;
    double scale;
    int32_t product; /* YO_PRODUCT_ */
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

/* The logits become their own gradient, and that the layer's. */
static yoso_status gradients(const totals *sum, const layer *l, const yo_view *logits,
                             const yo_view *x, const yo_view *labels, int64_t first)
{
    const yo_kernels *kernels = l->place.kernels;
    yoso_tensor *one;
    YO_TRY(new_number(&one, l->x, 1));
    yo_view unit = yo_tensor_as_broadcast_view(one, 1, &labels->shape[1]);
    yoso_status status = kernels->cross_entropy_grad(logits, &unit, l->scale, logits, labels,
                                                     l->ignore, l->place.stream);
    yoso_tensor_free(one);
    int32_t add = l->product | (first > 0 ? YO_PRODUCT_ADD : 0);
    yo_view weight = yo_as_rows(l->weight), turned = yo_turned(logits);
    if (status == YOSO_OK && sum->of_x) {
        yo_view all = yo_as_rows(sum->of_x), target = yo_some_rows(&all, first, x->shape[0]);
        status = yo_product(kernels, &target, logits, &weight, NULL, l->product, l->place.stream);
    }
    if (status == YOSO_OK && sum->of_weight) {
        yo_view target = yo_as_rows(sum->of_weight);
        status = yo_product(kernels, &target, &turned, x, NULL, add, l->place.stream);
    }
    if (status == YOSO_OK && sum->of_bias) {
        yoso_tensor *part;
        YO_TRY(yo_tensor_like(&part, sum->of_bias, logits->dtype, 1, &logits->shape[1]));
        yo_view row = yo_as_rows(part), total = yo_as_rows(sum->of_bias);
        status = yo_sum_rows(&l->place, &row, logits);
        if (status == YOSO_OK)
            status = first > 0 ? kernels->binary(&total, YOSO_ADD, &total, &row, l->place.stream)
                               : kernels->copy(&total, &row, l->place.stream);
        yoso_tensor_free(part);
    }
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

/* Rows first .. of x, with `logits` as the room for theirs. */
static yoso_status chunk_of_rows(totals *sum, const layer *l, const yo_view *room, int64_t first,
                                 int64_t rows)
{
    yo_view all_x = yo_as_rows(l->x), x = yo_some_rows(&all_x, first, rows);
    yo_view weight = yo_as_rows(l->weight), turned = yo_turned(&weight), bias = {.data = NULL};
    yo_view logits = yo_some_rows(room, 0, rows), labels = yo_as_rows(l->labels);
    labels = yo_columns(&labels, first, rows);
    if (l->bias)
        bias = yo_tensor_as_view(l->bias);
    YO_TRY(yo_product(l->place.kernels, &logits, &x, &turned, l->bias ? &bias : NULL, l->product,
                      l->place.stream));
    int64_t kept;
    yoso_tensor *losses;
    YO_TRY(yo_tensor_like(&losses, l->x, YOSO_F32, 1, &rows));
    yo_view target = yo_as_rows(losses);
    yoso_status status = l->place.kernels->cross_entropy(&target, &kept, &logits, &labels,
                                                         l->ignore, l->place.stream);
    if (status == YOSO_OK)
        status = add_losses(&sum->loss, losses);
    yoso_tensor_free(losses);
    if (status == YOSO_OK && (sum->of_x || sum->of_weight || sum->of_bias))
        status = gradients(sum, l, &logits, &x, &labels, first);
    return status;
}

static yoso_status all_chunks(totals *sum, const layer *l)
{
    int64_t rows = l->x->shape[0], classes = l->weight->shape[0];
    int64_t row_bytes = classes * yoso_dtype_size(l->x->dtype);
    int64_t most = CHUNK_BYTES / (row_bytes > 0 ? row_bytes : 1);
    most = most > FEWEST_ROWS ? most : FEWEST_ROWS;
    int64_t chunks = (rows + most - 1) / most;
    if (chunks == 0)
        return YOSO_OK;
    int64_t shape[2] = {(rows + chunks - 1) / chunks, classes};
    yoso_tensor *logits;
    YO_TRY(yo_tensor_like(&logits, l->x, l->x->dtype, 2, shape));
    yo_view room = yo_as_rows(logits);
    yoso_status status = YOSO_OK;
    for (int64_t c = 0; c < chunks && status == YOSO_OK; c++) {
        int64_t first = rows * c / chunks;
        status = chunk_of_rows(sum, l, &room, first, rows * (c + 1) / chunks - first);
    }
    yoso_tensor_free(logits);
    return status;
}

/* Where there are no rows nothing else writes the gradients. */
static yoso_status new_gradient(yoso_tensor **gradient, yoso_tensor *const *wanted, const layer *l,
                                const yoso_tensor *like)
{
    if (!wanted)
        return YOSO_OK;
    YO_TRY(yo_tensor_like(gradient, like, like->dtype, like->ndim, like->shape));
    return l->x->shape[0] == 0 ? yoso_fill(*gradient, 0) : YOSO_OK;
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
    for (int i = 0; i < 3; i++)
        if (floats[i] && !yoso_tensor_is_contiguous(floats[i]))
            return yo_fail(YOSO_MISUSE, "linear_cross_entropy: operands must be contiguous");
    if (!yoso_tensor_is_contiguous(l->labels) ||
        l->labels->storage->device != l->x->storage->device)
        return yo_fail(YOSO_MISUSE, "linear_cross_entropy: labels must be contiguous, beside x");
    return YOSO_OK;
}

yoso_status yoso_linear_cross_entropy(yoso_tensor **loss, yoso_tensor **grad_x,
                                      yoso_tensor **grad_weight, yoso_tensor **grad_bias,
                                      const yoso_tensor *x, const yoso_tensor *weight,
                                      const yoso_tensor *bias, const yoso_tensor *labels,
                                      int64_t ignore_index, int32_t mean, int32_t split)
{
    layer l = {.x = x,
               .weight = weight,
               .bias = bias,
               .labels = labels,
               .ignore = ignore_index,
               .scale = 1,
               .product = split ? YO_PRODUCT_SPLIT : 0};
    totals sum = {.loss = 0};
    YO_TRY(check(&l));
    if (grad_bias && !bias)
        return yo_fail(YOSO_MISUSE, "linear_cross_entropy: without a bias it has no gradient");
    YO_TRY(yo_place_of(&l.place, x));
    if (mean) {
        int64_t kept;
        YO_TRY(count_kept(&kept, labels, ignore_index));
        l.scale =
            1.0 / (double)kept; /* none kept: 0 times infinity, not a number, as the mean is */
    }
    yoso_status status = new_gradient(&sum.of_x, grad_x, &l, x);
    if (status == YOSO_OK)
        status = new_gradient(&sum.of_weight, grad_weight, &l, weight);
    if (status == YOSO_OK && bias)
        status = new_gradient(&sum.of_bias, grad_bias, &l, bias);
    if (status == YOSO_OK)
        status = all_chunks(&sum, &l);
    if (status == YOSO_OK)
        status = new_number(loss, x, sum.loss * l.scale);
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
