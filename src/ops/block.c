/* One encoder layer in one call: the fused product of queries, keys and values, the attention,
 * its projection with residual and norm, and the two feed-forward products with theirs. */
#include "backend.h"
#include "ops/rows.h"

/* Rows that go from the attention to the layer's result together: the wide values between the two
 * feed-forward products stay in the last cache, and memory does not grow with them. */
enum { ROWS_AT_ONCE = 1024, ROWS_AT_ONCE_OF_DEVICE = 8192 };

typedef struct block {
    const yoso_block_weights *w;
    const yoso_tensor *hidden;
    const yo_kernels *kernels;
    yo_stream *stream;
    int64_t tokens, width, inner;
} block;

/* -- Checks -------------------------------------------------------------------------------------
 */

static yoso_status check_part(const block *b, const char *name, const yoso_tensor *part,
                              int64_t rows, int64_t columns)
{
    int64_t shape[2] = {rows, columns};
    int32_t ndim = columns > 0 ? 2 : 1;
    if (!part)
        return yo_fail(YOSO_MISUSE, "block: %s is missing", name);
    bool fits = part->ndim == ndim && part->shape[0] == rows &&
                (ndim == 1 || part->shape[1] == columns) && part->dtype == b->hidden->dtype &&
                part->storage->device == b->hidden->storage->device;
    if (!fits || (ndim == 1 && !yoso_tensor_is_contiguous(part)))
        return yo_fail(YOSO_MISUSE, "block: %s is %s %s, must be %s %s beside hidden", name,
                       yoso_dtype_name(part->dtype), yo_text(part).text,
                       yoso_dtype_name(b->hidden->dtype), yo_shape_to_text(ndim, shape).text);
    return YOSO_OK;
}

static yoso_status check_block(const block *b)
{
    const yoso_block_weights *w = b->w;
    YO_TRY(check_part(b, "qkv_weight", w->qkv_weight, 3 * b->width, b->width));
    YO_TRY(check_part(b, "qkv_bias", w->qkv_bias, 3 * b->width, 0));
    YO_TRY(check_part(b, "projection_weight", w->projection_weight, b->width, b->width));
    YO_TRY(check_part(b, "projection_bias", w->projection_bias, b->width, 0));
    YO_TRY(check_part(b, "attention_norm_weight", w->attention_norm_weight, b->width, 0));
    YO_TRY(check_part(b, "attention_norm_bias", w->attention_norm_bias, b->width, 0));
    YO_TRY(check_part(b, "inner_weight", w->inner_weight, b->inner, b->width));
    YO_TRY(check_part(b, "inner_bias", w->inner_bias, b->inner, 0));
    YO_TRY(check_part(b, "outer_weight", w->outer_weight, b->width, b->inner));
    YO_TRY(check_part(b, "outer_bias", w->outer_bias, b->width, 0));
    YO_TRY(check_part(b, "output_norm_weight", w->output_norm_weight, b->width, 0));
    YO_TRY(check_part(b, "output_norm_bias", w->output_norm_bias, b->width, 0));
    if (w->activation < YOSO_ACT_NONE || w->activation > YOSO_ACT_TANH)
        return yo_fail(YOSO_MISUSE, "block: unknown activation %d", w->activation);
    return YOSO_OK;
}

/* -- Parts --------------------------------------------------------------------------------------
 */

static yo_view rows_from(const yoso_tensor *matrix, int64_t first, int64_t rows)
{
    yo_view all = yo_as_rows(matrix);
    return yo_some_rows(&all, first, rows);
}

static yoso_status product(const block *b, const yo_view *out, const yo_view *x,
                           const yoso_tensor *weight, const yoso_tensor *bias, int32_t activation)
{
    yo_weight packed = yo_tensor_as_weight(weight);
    yo_view shift = yo_tensor_as_view(bias);
    if (b->w->int8 && b->kernels->linear_int8)
        return b->kernels->linear_int8(out, x, &packed, &shift, activation, b->stream);
    return b->kernels->linear(out, x, &packed, &shift, activation, b->stream);
}

/* out = norm(x weight^T + bias + residual) */
static yoso_status product_norm(const block *b, const yo_view *out, const yo_view *x,
                                const yoso_tensor *weight, const yoso_tensor *bias,
                                const yo_view *residual, const yoso_tensor *norm_weight,
                                const yoso_tensor *norm_bias)
{
    yo_view scale = yo_as_rows(norm_weight), shift = yo_as_rows(norm_bias);
    const yo_kernels *kernels = b->kernels;
    if (!kernels->linear_norm) {
        YO_TRY(product(b, out, x, weight, bias, YOSO_ACT_NONE));
        return kernels->layer_norm(out, out, &scale, &shift, residual, b->w->eps, b->stream);
    }
    yo_weight packed = yo_tensor_as_weight(weight);
    yo_view added = yo_tensor_as_view(bias);
    yo_norm norm = {residual, &scale, &shift, b->w->eps};
    return kernels->linear_norm(out, x, &packed, &added, &norm, b->w->int8, b->stream);
}

static yoso_status new_rows(const block *b, yoso_tensor **out, int64_t rows, int64_t columns)
{
    int64_t shape[2] = {rows, columns};
    return yo_tensor_like(out, b->hidden, b->hidden->dtype, 2, shape);
}

/* The estimate [tokens, width] from the fused product, which is freed before this returns. */
static yoso_status attend(const block *b, yoso_tensor **out, const yoso_tensor *hidden,
                          const yoso_tensor *offset, const yoso_tensor *keep,
                          const yoso_attention_options *options)
{
    yoso_tensor *fused, *part[3] = {NULL, NULL, NULL}, *estimate = NULL, *conv = NULL;
    YO_TRY(new_rows(b, &fused, b->tokens, 3 * b->width));
    yo_view target = yo_as_rows(fused), x = yo_as_rows(hidden);
    yoso_status status = product(b, &target, &x, b->w->qkv_weight, b->w->qkv_bias, YOSO_ACT_NONE);
    for (int i = 0; i < 3 && status == YOSO_OK; i++)
        status = yoso_narrow(&part[i], fused, 1, i * b->width, b->width);
    if (status == YOSO_OK)
        status = yoso_attention(&estimate, NULL, part[0], part[1], part[2], offset, NULL, keep,
                                NULL, options);
    if (status == YOSO_OK && b->w->conv_weight)
        status =
            yoso_depthwise_conv(&conv, part[2], b->w->conv_weight, options->heads, offset, keep);
    if (status == YOSO_OK && conv)
        status = yoso_binary_into(estimate, YOSO_ADD, estimate, conv);
    yoso_tensor_free(conv);
    for (int i = 0; i < 3; i++)
        yoso_tensor_free(part[i]);
    yoso_tensor_free(fused);
    if (status != YOSO_OK) {
        yoso_tensor_free(estimate);
        return status;
    }
    *out = estimate;
    return YOSO_OK;
}

/* What some rows need between the attention and the layer's result: middle [rows, H] and
 * wide [rows, I]. */
typedef struct between {
    int64_t rows;
    yoso_tensor *middle, *wide;
} between;

/* middle = norm(projection(estimate) + hidden), then, in the estimate's place,
 * out = norm(outer(activation(inner(middle))) + middle). */
static yoso_status finish_rows(const block *b, const yoso_tensor *estimate,
                               const yoso_tensor *hidden, const between *space, int64_t first,
                               int64_t rows)
{
    const yoso_block_weights *w = b->w;
    yo_view x = rows_from(estimate, first, rows), residual = rows_from(hidden, first, rows);
    yo_view middle = rows_from(space->middle, 0, rows), wide = rows_from(space->wide, 0, rows);
    YO_TRY(product_norm(b, &middle, &x, w->projection_weight, w->projection_bias, &residual,
                        w->attention_norm_weight, w->attention_norm_bias));
    YO_TRY(product(b, &wide, &middle, w->inner_weight, w->inner_bias, w->activation));
    return product_norm(b, &x, &wide, w->outer_weight, w->outer_bias, &middle,
                        w->output_norm_weight, w->output_norm_bias);
}

static yoso_status finish_layer(const block *b, const yoso_tensor *estimate,
                                const yoso_tensor *hidden)
{
    int64_t most = b->hidden->storage->device == YOSO_CPU ? ROWS_AT_ONCE : ROWS_AT_ONCE_OF_DEVICE;
    between space = {.rows = b->tokens < most ? b->tokens : most};
    YO_TRY(new_rows(b, &space.middle, space.rows, b->width));
    yoso_status status = new_rows(b, &space.wide, space.rows, b->inner);
    if (status == YOSO_OK) {
        for (int64_t first = 0; first < b->tokens && status == YOSO_OK; first += space.rows) {
            int64_t rows = b->tokens - first < space.rows ? b->tokens - first : space.rows;
            status = finish_rows(b, estimate, hidden, &space, first, rows);
        }
        yoso_tensor_free(space.wide);
    }
    yoso_tensor_free(space.middle);
    return status;
}

static yoso_status run_block(const block *b, yoso_tensor **out, const yoso_tensor *hidden,
                             const yoso_tensor *offset, const yoso_tensor *keep,
                             const yoso_attention_options *options)
{
    yoso_tensor *estimate;
    YO_TRY(attend(b, &estimate, hidden, offset, keep, options));
    yoso_status status = finish_layer(b, estimate, hidden);
    if (status != YOSO_OK) {
        yoso_tensor_free(estimate);
        return status;
    }
    *out = estimate;
    return YOSO_OK;
}

yoso_status yoso_block(yoso_tensor **out, const yoso_tensor *hidden,
                       const yoso_block_weights *weights, const yoso_tensor *offset,
                       const yoso_tensor *keep, const yoso_attention_options *options)
{
    block b = {.w = weights, .hidden = hidden};
    YO_TRY(yo_check_floats("block", 1, &hidden));
    if (hidden->ndim != 2 || hidden->shape[1] < 1 || !weights->inner_weight)
        return yo_fail(YOSO_MISUSE, "block: hidden is %s, must be [tokens, width]%s",
                       yo_text(hidden).text,
                       weights->inner_weight ? "" : "; inner_weight is missing");
    b.tokens = hidden->shape[0];
    b.width = hidden->shape[1];
    b.inner = weights->inner_weight->ndim > 0 ? weights->inner_weight->shape[0] : 0;
    YO_TRY(check_block(&b));
    YO_TRY(yo_backend_kernels(&b.kernels, hidden->storage->device));
    b.stream = yo_backend_stream(hidden->storage->device);
    if (b.tokens == 0)
        return new_rows(&b, out, 0, b.width);
    yoso_tensor *dense;
    YO_TRY(yoso_contiguous(&dense, hidden));
    yoso_status status = run_block(&b, out, dense, offset, keep, options);
    yoso_tensor_free(dense);
    return status;
}
