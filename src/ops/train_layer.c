/* One encoder layer in training: dropout, and what the gradient needs is kept. */
#include "ops/train_layer.h"

#include "backend.h"

/* -- Checks and small parts ---------------------------------------------------------------------
 */

static yoso_status check_part(const yo_layer *l, const char *name, const yoso_tensor *part,
                              int64_t rows, int64_t columns)
{
    int64_t shape[2] = {rows, columns};
    int32_t ndim = columns > 0 ? 2 : 1;
    if (!part)
        return yo_fail(YOSO_MISUSE, "layer: %s is missing", name);
    if (part->ndim != ndim || part->shape[0] != rows || (ndim == 2 && part->shape[1] != columns) ||
        part->dtype != l->hidden->dtype || part->storage->device != l->hidden->storage->device ||
        !yoso_tensor_is_contiguous(part))
        return yo_fail(YOSO_MISUSE, "layer: %s is %s %s, must be a contiguous %s %s beside hidden",
                       name, yoso_dtype_name(part->dtype), yo_text(part).text,
                       yoso_dtype_name(l->hidden->dtype), yo_shape_to_text(ndim, shape).text);
    return YOSO_OK;
}

static yoso_status check_parts(const yo_layer *l)
{
    const yoso_layer_weights *w = l->w;
    int64_t h = l->width, i = l->inner;
    const struct {
        const char *name;
        const yoso_tensor *part;
        int64_t rows, columns;
    } parts[] = {
        {"query_weight", w->query_weight, h, h},
        {"query_bias", w->query_bias, h, 0},
        {"key_weight", w->key_weight, h, h},
        {"key_bias", w->key_bias, h, 0},
        {"value_weight", w->value_weight, h, h},
        {"value_bias", w->value_bias, h, 0},
        {"projection_weight", w->projection_weight, h, h},
        {"projection_bias", w->projection_bias, h, 0},
        {"attention_norm_weight", w->attention_norm_weight, h, 0},
        {"attention_norm_bias", w->attention_norm_bias, h, 0},
        {"inner_weight", w->inner_weight, i, h},
        {"inner_bias", w->inner_bias, i, 0},
        {"outer_weight", w->outer_weight, h, i},
        {"outer_bias", w->outer_bias, h, 0},
        {"output_norm_weight", w->output_norm_weight, h, 0},
        {"output_norm_bias", w->output_norm_bias, h, 0},
    };
    for (size_t n = 0; n < sizeof parts / sizeof parts[0]; n++)
        YO_TRY(check_part(l, parts[n].name, parts[n].part, parts[n].rows, parts[n].columns));
    return YOSO_OK;
}

yoso_status yo_layer_open(yo_layer *layer, const yoso_tensor *hidden,
                          const yoso_layer_weights *weights, const yoso_tensor *offset,
                          const yoso_tensor *keep, const yoso_attention_options *attention,
                          const yoso_layer_options *how)
{
    *layer = (yo_layer){.w = weights,
                        .how = how,
                        .attention = attention,
                        .hidden = hidden,
                        .offset = offset,
                        .keep = keep,
                        .product = how->split ? YO_PRODUCT_SPLIT : 0};
    YO_TRY(yo_check_floats("layer", 1, &hidden));
    if (hidden->ndim != 2 || hidden->shape[1] < 1 || !yoso_tensor_is_contiguous(hidden) ||
        !weights->inner_weight)
        return yo_fail(YOSO_MISUSE, "layer: hidden is %s, must be a contiguous [tokens, width]%s",
                       yo_text(hidden).text,
                       weights->inner_weight ? "" : "; inner_weight is missing");
    if (!(how->dropout >= 0 && how->dropout <= 1))
        return yo_fail(YOSO_MISUSE, "layer: dropout is %g, must be 0 to 1", how->dropout);
    layer->tokens = hidden->shape[0];
    layer->width = hidden->shape[1];
    layer->inner = weights->inner_weight->shape[0];
    YO_TRY(check_parts(layer));
    return yo_place_of(&layer->place, hidden);
}

yoso_status yo_layer_rows(const yo_layer *layer, yoso_tensor **out, int64_t rows, int64_t columns)
{
    int64_t shape[2] = {rows, columns};
    return yo_tensor_like(out, layer->hidden, layer->hidden->dtype, 2, shape);
}

yo_residual_norm_settings yo_layer_norm_of(const yo_layer *layer, int which)
{
    const yoso_layer_weights *w = layer->w;
    return (yo_residual_norm_settings){
        .weight = yo_as_rows(which ? w->output_norm_weight : w->attention_norm_weight),
        .bias = yo_as_rows(which ? w->output_norm_bias : w->attention_norm_bias),
        .eps = layer->how->eps,
        .p = layer->how->dropout,
        .seed = (uint64_t)layer->how->seed[which]};
}

yoso_status yo_layer_product(const yo_layer *layer, const yo_view *out, const yo_view *a,
                             const yo_view *b, const yoso_tensor *bias, bool add)
{
    yo_view row = yo_as_rows(bias ? bias : layer->hidden);
    if (bias) { /* [N], as kernels want it */
        row.ndim = 1;
        row.shape[0] = row.shape[1];
        row.stride[0] = 1;
    }
    return yo_product(layer->place.kernels, out, a, b, bias ? &row : NULL,
                      layer->product | (add ? YO_PRODUCT_ADD : 0), layer->place.stream);
}

/* out = x weight^T + bias */
static yoso_status linear(const yo_layer *l, const yo_view *out, const yo_view *x,
                          const yoso_tensor *weight, const yoso_tensor *bias)
{
    yo_view matrix = yo_as_rows(weight), turned = yo_turned(&matrix);
    return yo_layer_product(l, out, x, &turned, bias, false);
}

static yoso_status join(const yo_layer *l, yoso_tensor **out, const yoso_tensor *const parts[3])
{
    int64_t shape[2] = {3 * l->width, l->width};
    yoso_tensor *all;
    YO_TRY(yo_tensor_like(&all, l->hidden, l->hidden->dtype, parts[0]->ndim, shape));
    yo_view target = yo_tensor_as_view(all);
    for (int i = 0; i < 3; i++) {
        yo_view part = target, source = yo_tensor_as_view(parts[i]);
        part.data =
            (char *)target.data + i * yoso_tensor_numel(parts[i]) * yoso_dtype_size(target.dtype);
        part.shape[0] = l->width;
        yoso_status status = l->place.kernels->copy(&part, &source, l->place.stream);
        if (status != YOSO_OK) {
            yoso_tensor_free(all);
            return status;
        }
    }
    *out = all;
    return YOSO_OK;
}

yoso_status yo_layer_joined(const yo_layer *layer, yoso_tensor **weight, yoso_tensor **bias)
{
    const yoso_layer_weights *w = layer->w;
    YO_TRY(join(layer, weight,
                (const yoso_tensor *[]){w->query_weight, w->key_weight, w->value_weight}));
    if (!bias)
        return YOSO_OK;
    yoso_status status =
        join(layer, bias, (const yoso_tensor *[]){w->query_bias, w->key_bias, w->value_bias});
    if (status != YOSO_OK)
        yoso_tensor_free(*weight);
    return status;
}

yoso_status yo_layer_attended(const yo_layer *layer, yoso_tensor **out, yoso_tensor *estimate,
                              const yoso_tensor *value)
{
    if (!layer->w->conv_weight)
        return yoso_contiguous(out, estimate);
    yoso_tensor *conv;
    YO_TRY(yoso_depthwise_conv(&conv, value, layer->w->conv_weight, layer->attention->heads,
                               layer->offset, layer->keep));
    yoso_status status = yoso_binary_into(conv, YOSO_ADD, conv, estimate);
    if (status != YOSO_OK) {
        yoso_tensor_free(conv);
        return status;
    }
    *out = conv;
    return YOSO_OK;
}

/* -- Forward ------------------------------------------------------------------------------------
 */

/* What the gradient will want, in the order of `saved`. */
typedef struct kept {
    yoso_tensor *fused, *stat, *estimate, *middle_sum, *wide, *sum;
} kept;

static yoso_status project(const yo_layer *l, const yoso_tensor *fused)
{
    yoso_tensor *weight, *bias;
    YO_TRY(yo_layer_joined(l, &weight, &bias));
    yo_view x = yo_as_rows(l->hidden), target = yo_as_rows(fused);
    yoso_status status = linear(l, &target, &x, weight, bias);
    yoso_tensor_free(weight);
    yoso_tensor_free(bias);
    return status;
}

/* The attention of the fused product; *attended is what the projection is given. */
static yoso_status attend(const yo_layer *l, kept *k, yoso_tensor **attended, bool keeps)
{
    yoso_tensor *part[3] = {NULL, NULL, NULL};
    yoso_status status = YOSO_OK;
    for (int i = 0; i < 3 && status == YOSO_OK; i++)
        status = yoso_narrow(&part[i], k->fused, 1, i * l->width, l->width);
    if (status == YOSO_OK)
        status = yoso_attention(&k->estimate, keeps ? &k->stat : NULL, part[0], part[1], part[2],
                                l->offset, NULL, l->keep, NULL, l->attention);
    if (status == YOSO_OK)
        status = yo_layer_attended(l, attended, k->estimate, part[2]);
    for (int i = 0; i < 3; i++)
        yoso_tensor_free(part[i]);
    return status;
}

/* middle = norm(dropout(projection(attended)) + hidden) */
static yoso_status close_attention(const yo_layer *l, kept *k, const yoso_tensor *middle,
                                   const yoso_tensor *attended)
{
    YO_TRY(yo_layer_rows(l, &k->middle_sum, l->tokens, l->width));
    yo_view sum = yo_as_rows(k->middle_sum), out = yo_as_rows(middle);
    yo_view x = yo_as_rows(attended), residual = yo_as_rows(l->hidden);
    YO_TRY(linear(l, &sum, &x, l->w->projection_weight, l->w->projection_bias));
    yo_residual_norm_settings norm = yo_layer_norm_of(l, 0);
    return yo_residual_norm(&l->place, &out, &sum, &sum, &residual, &norm);
}

/* sum = outer(activation(inner(middle))), some rows at a time; wide keeps inner's results. */
static yoso_status feed_forward(const yo_layer *l, kept *k, const yoso_tensor *middle, bool keeps)
{
    int64_t most = yo_layer_most_rows(l);
    yoso_tensor *active;
    YO_TRY(yo_layer_rows(l, &k->wide, keeps ? l->tokens : most, l->inner));
    YO_TRY(yo_layer_rows(l, &k->sum, l->tokens, l->width));
    YO_TRY(yo_layer_rows(l, &active, most, l->inner));
    yo_view x = yo_as_rows(middle), wide = yo_as_rows(k->wide), sum = yo_as_rows(k->sum);
    yo_view values = yo_as_rows(active);
    yoso_status status = YOSO_OK;
    for (int64_t first = 0; first < l->tokens && status == YOSO_OK; first += most) {
        int64_t rows = l->tokens - first < most ? l->tokens - first : most;
        yo_view source = yo_some_rows(&x, first, rows), target = yo_some_rows(&sum, first, rows);
        yo_view before = yo_some_rows(&wide, keeps ? first : 0, rows);
        yo_view after = yo_some_rows(&values, 0, rows);
        status = linear(l, &before, &source, l->w->inner_weight, l->w->inner_bias);
        if (status == YOSO_OK)
            status = l->place.kernels->unary(&after, l->how->activation, &before, l->place.stream);
        if (status == YOSO_OK)
            status = linear(l, &target, &after, l->w->outer_weight, l->w->outer_bias);
    }
    yoso_tensor_free(active);
    return status;
}

static yoso_status run(const yo_layer *l, kept *k, const yoso_tensor *out, yoso_tensor **attended,
                       yoso_tensor **middle, bool keeps)
{
    YO_TRY(yo_layer_rows(l, &k->fused, l->tokens, 3 * l->width));
    YO_TRY(project(l, k->fused));
    YO_TRY(attend(l, k, attended, keeps));
    YO_TRY(yo_layer_rows(l, middle, l->tokens, l->width));
    YO_TRY(close_attention(l, k, *middle, *attended));
    yoso_tensor_free(*attended);
    *attended = NULL;
    YO_TRY(feed_forward(l, k, *middle, keeps));
    yo_view result = yo_as_rows(out), sum = yo_as_rows(k->sum), residual = yo_as_rows(*middle);
    yo_residual_norm_settings norm = yo_layer_norm_of(l, 1);
    return yo_residual_norm(&l->place, &result, &sum, &sum, &residual, &norm);
}

yoso_status yoso_layer(yoso_tensor **out, yoso_tensor **saved, const yoso_tensor *hidden,
                       const yoso_layer_weights *weights, const yoso_tensor *offset,
                       const yoso_tensor *keep, const yoso_attention_options *attention,
                       const yoso_layer_options *options)
{
    yo_layer l;
    YO_TRY(yo_layer_open(&l, hidden, weights, offset, keep, attention, options));
    yoso_tensor *result, *attended = NULL, *middle = NULL;
    YO_TRY(yo_layer_rows(&l, &result, l.tokens, l.width));
    kept k = {.fused = NULL};
    yoso_status status =
        l.tokens > 0 || saved ? run(&l, &k, result, &attended, &middle, saved != NULL) : YOSO_OK;
    yoso_tensor_free(attended);
    yoso_tensor_free(middle);
    yoso_tensor *all[YOSO_LAYER_SAVED] = {k.fused, k.stat, k.estimate, k.middle_sum, k.wide, k.sum};
    for (int i = 0; i < YOSO_LAYER_SAVED; i++) {
        if (status == YOSO_OK && saved)
            saved[i] = all[i];
        else
            yoso_tensor_free(all[i]);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
