/* The way back through one encoder layer: train_layer.c read from its end. A matrix that is no
 * longer needed becomes the gradient of what it held where that spares one. */
#include "ops/train_layer.h"

#include "backend.h"
#include "ops/attention.h"

/* Everything that one call makes; what is not handed out is freed at the end. */
typedef struct gradients {
    yoso_tensor *hidden;
    yoso_tensor *weight[YOSO_LAYER_WEIGHTS];
    yoso_tensor *outer, *middle, *attended, *middle_value, *active, *active_grad, *part;
    yoso_tensor *fused, *joined, *joined_bias;
} gradients;

/* Places in weight, in the order of yoso_layer_weights. */
enum {
    QUERY = 0,
    PROJECTION = 6,
    ATTENTION_NORM = 8,
    INNER = 10,
    OUTER = 12,
    OUTPUT_NORM = 14,
    CONV = 16
};

/* A matrix and the vector behind it, shaped like the weights. */
static yoso_status new_pair(gradients *g, const yo_layer *l, int at)
{
    const yoso_tensor *const *weights = (const yoso_tensor *const *)l->w;
    for (int i = at; i < at + 2; i++)
        YO_TRY(yo_tensor_like(&g->weight[i], weights[i], weights[i]->dtype, weights[i]->ndim,
                              weights[i]->shape));
    return YOSO_OK;
}

/* weight's gradient (+)= grad^T x */
static yoso_status of_weight(const yo_layer *l, yoso_tensor *gradient, const yo_view *grad,
                             const yo_view *x, bool add)
{
    yo_view target = yo_as_rows(gradient), turned = yo_turned(grad);
    return yo_layer_product(l, &target, &turned, x, NULL, add);
}

/* x's gradient (+)= grad weight */
static yoso_status of_input(const yo_layer *l, const yo_view *target, const yo_view *grad,
                            const yoso_tensor *weight, bool add)
{
    yo_view matrix = yo_as_rows(weight);
    return yo_layer_product(l, target, grad, &matrix, NULL, add);
}

/* Back through one norm with its dropout: *residual takes the gradient of the sum, *x that of the
 * product before, which is the same tensor without dropout. */
static yoso_status back_norm(const yo_layer *l, gradients *g, int which, yoso_tensor **residual,
                             yoso_tensor **x, const yoso_tensor *grad, const yoso_tensor *sum)
{
    int norm_at = which ? OUTPUT_NORM : ATTENTION_NORM, bias_at = which ? OUTER : PROJECTION;
    yo_residual_norm_settings norm = yo_layer_norm_of(l, which);
    YO_TRY(new_pair(g, l, norm_at));
    YO_TRY(new_pair(g, l, bias_at));
    if (!*residual)
        YO_TRY(yo_layer_rows(l, residual, l->tokens, l->width));
    if (norm.p > 0)
        YO_TRY(yo_layer_rows(l, x, l->tokens, l->width));
    else
        YO_TRY(yoso_contiguous(x, *residual));
    yo_view of_sum = yo_as_rows(*residual), of_x = yo_as_rows(*x);
    yo_view result = yo_as_rows(grad), values = yo_as_rows(sum);
    yo_norm_gradients vectors = {yo_as_rows(g->weight[norm_at]), yo_as_rows(g->weight[norm_at + 1]),
                                 yo_as_rows(g->weight[bias_at + 1])};
    return yo_residual_norm_grad(&l->place, &of_sum, &of_x, &vectors, &result, &values, &norm);
}

/* Some rows of the feed-forward part: grad is the outer product's, middle's is added to. */
static yoso_status back_rows(const yo_layer *l, gradients *g, const yo_view *grad,
                             const yo_view *of_middle, const yo_view *wide, const yo_view *middle,
                             bool add)
{
    yo_view all = yo_as_rows(g->active), all_grad = yo_as_rows(g->active_grad);
    yo_view active = yo_some_rows(&all, 0, wide->shape[0]);
    yo_view active_grad = yo_some_rows(&all_grad, 0, wide->shape[0]);
    yo_view bias = yo_as_rows(g->weight[INNER + 1]);
    YO_TRY(of_input(l, &active_grad, grad, l->w->outer_weight, false));
    if (add)
        YO_TRY(yo_tensor_like(&g->part, g->weight[INNER + 1], bias.dtype, 1, &l->inner));
    yo_view sum = add ? yo_as_rows(g->part) : bias;
    YO_TRY(yo_activation_grad(&l->place, &active_grad, &active, &sum, l->how->activation, wide));
    if (add)
        YO_TRY(l->place.kernels->binary(&bias, YOSO_ADD, &bias, &sum, l->place.stream));
    yoso_tensor_free(g->part);
    g->part = NULL;
    YO_TRY(of_weight(l, g->weight[OUTER], grad, &active, add));
    YO_TRY(of_weight(l, g->weight[INNER], &active_grad, middle, add));
    return of_input(l, of_middle, &active_grad, l->w->inner_weight, true);
}

/* g->middle, the residual's share, becomes the whole gradient of the middle values. */
static yoso_status back_feed_forward(const yo_layer *l, gradients *g, yoso_tensor *const *saved)
{
    int64_t most = yo_layer_most_rows(l);
    yo_residual_norm_settings norm = yo_layer_norm_of(l, 0);
    YO_TRY(new_pair(g, l, INNER));
    YO_TRY(yo_layer_rows(l, &g->middle_value, most, l->width));
    YO_TRY(yo_layer_rows(l, &g->active, most, l->inner));
    YO_TRY(yo_layer_rows(l, &g->active_grad, most, l->inner));
    yo_view grad = yo_as_rows(g->outer), of_middle = yo_as_rows(g->middle);
    yo_view wide = yo_as_rows(saved[4]), sums = yo_as_rows(saved[3]);
    yo_view values = yo_as_rows(g->middle_value);
    for (int64_t first = 0; first < l->tokens; first += most) {
        int64_t rows = l->tokens - first < most ? l->tokens - first : most;
        yo_view part = yo_some_rows(&grad, first, rows), sum = yo_some_rows(&sums, first, rows);
        yo_view target = yo_some_rows(&of_middle, first, rows);
        yo_view before = yo_some_rows(&wide, first, rows), middle = yo_some_rows(&values, 0, rows);
        YO_TRY(l->place.kernels->layer_norm(&middle, &sum, &norm.weight, &norm.bias, NULL, norm.eps,
                                            l->place.stream)); /* made again rather than kept */
        YO_TRY(back_rows(l, g, &part, &target, &before, &middle, first > 0));
    }
    return YOSO_OK;
}

static void drop(yoso_tensor **tensor)
{
    yoso_tensor_free(*tensor);
    *tensor = NULL;
}

/* part[0 .. 2] are query, key and value; g->fused takes their gradients side by side. */
static yoso_status back_attention(const yo_layer *l, gradients *g, yoso_tensor *const part[3],
                                  yoso_tensor *const *saved)
{
    YO_TRY(yo_layer_rows(l, &g->fused, l->tokens, 3 * l->width));
    YO_TRY(yo_attention_grad_into(g->fused, g->attended, saved[2], saved[1], part, l->offset,
                                  l->keep, l->attention));
    if (!l->w->conv_weight)
        return YOSO_OK;
    YO_TRY(yoso_depthwise_conv_grad(&g->part, &g->weight[CONV], g->attended, part[2],
                                    l->w->conv_weight, l->attention->heads, l->offset, l->keep));
    yo_view all = yo_as_rows(g->fused), conv = yo_as_rows(g->part);
    yo_view value = yo_columns(&all, 2 * l->width, l->width);
    return l->place.kernels->binary(&value, YOSO_ADD, &value, &conv, l->place.stream);
}

/* The parts of a joined gradient to the weights' own: [3 H, H] or [3 H]. */
static yoso_status deal(const yo_layer *l, gradients *g, const yoso_tensor *joined, int at)
{
    for (int i = 0; i < 3; i++) {
        yoso_tensor *part;
        YO_TRY(yoso_narrow(&part, joined, 0, i * l->width, l->width));
        yo_view source = yo_tensor_as_view(part);
        yo_view target = yo_tensor_as_view(g->weight[QUERY + 2 * i + at]);
        yoso_status status = l->place.kernels->copy(&target, &source, l->place.stream);
        yoso_tensor_free(part);
        YO_TRY(status);
    }
    return YOSO_OK;
}

/* The product at the layer's beginning; g->hidden holds the residual's share. */
static yoso_status back_projections(const yo_layer *l, gradients *g)
{
    int64_t shape[2] = {3 * l->width, l->width};
    yo_view x = yo_as_rows(l->hidden), target = yo_as_rows(g->hidden), grad = yo_as_rows(g->fused);
    for (int i = 0; i < 3; i++)
        YO_TRY(new_pair(g, l, QUERY + 2 * i));
    YO_TRY(yo_layer_joined(l, &g->joined, NULL));
    YO_TRY(of_input(l, &target, &grad, g->joined, true));
    YO_TRY(of_weight(l, g->joined, &grad, &x, false)); /* in place of what is no longer needed */
    YO_TRY(deal(l, g, g->joined, 0));
    YO_TRY(yo_tensor_like(&g->joined_bias, l->hidden, l->hidden->dtype, 1, shape));
    yo_view bias = yo_as_rows(g->joined_bias);
    YO_TRY(yo_sum_rows(&l->place, &bias, &grad));
    return deal(l, g, g->joined_bias, 1);
}

/* From the gradient of the middle values to that of hidden. */
static yoso_status back_first_half(const yo_layer *l, gradients *g, yoso_tensor *const part[3],
                                   yoso_tensor *const *saved)
{
    g->hidden = g->middle; /* in place */
    g->middle = NULL;
    YO_TRY(back_norm(l, g, 0, &g->hidden, &g->outer, g->hidden, saved[3]));
    YO_TRY(yo_layer_attended(l, &g->active, saved[2], part[2]));
    yo_view grad = yo_as_rows(g->outer), given = yo_as_rows(g->active);
    YO_TRY(of_weight(l, g->weight[PROJECTION], &grad, &given, false));
    drop(&g->active);
    YO_TRY(yo_layer_rows(l, &g->attended, l->tokens, l->width));
    yo_view target = yo_as_rows(g->attended);
    YO_TRY(of_input(l, &target, &grad, l->w->projection_weight, false));
    drop(&g->outer);
    YO_TRY(back_attention(l, g, part, saved));
    drop(&g->attended);
    return back_projections(l, g);
}

static yoso_status run(const yo_layer *l, gradients *g, const yoso_tensor *grad,
                       yoso_tensor *const *saved)
{
    yoso_tensor *part[3] = {NULL, NULL, NULL};
    YO_TRY(back_norm(l, g, 1, &g->middle, &g->outer, grad, saved[5]));
    YO_TRY(back_feed_forward(l, g, saved));
    drop(&g->active);
    drop(&g->active_grad);
    drop(&g->middle_value);
    drop(&g->outer);
    yoso_status status = YOSO_OK;
    for (int i = 0; i < 3 && status == YOSO_OK; i++)
        status = yoso_narrow(&part[i], saved[0], 1, i * l->width, l->width);
    if (status == YOSO_OK)
        status = back_first_half(l, g, part, saved);
    for (int i = 0; i < 3; i++)
        yoso_tensor_free(part[i]);
    return status;
}

static yoso_status check_saved(const yo_layer *l, const yoso_tensor *grad,
                               yoso_tensor *const *saved)
{
    int64_t columns[YOSO_LAYER_SAVED] = {
        3 * l->width, l->attention->heads, l->width, l->width, l->inner, l->width};
    YO_TRY(yo_check_like("layer_grad", "grad", grad, l->hidden));
    for (int i = 0; i < YOSO_LAYER_SAVED; i++)
        if (!saved[i] || saved[i]->ndim != 2 || saved[i]->shape[0] != l->tokens ||
            saved[i]->shape[1] != columns[i] || !yoso_tensor_is_contiguous(saved[i]))
            return yo_fail(YOSO_MISUSE, "layer_grad: saved tensor %d is not what the forward gave",
                           i + 1);
    return YOSO_OK;
}

yoso_status yoso_layer_grad(yoso_tensor **grad_hidden, yoso_tensor **gradients_out,
                            const yoso_tensor *grad, yoso_tensor *const *saved,
                            const yoso_tensor *hidden, const yoso_layer_weights *weights,
                            const yoso_tensor *offset, const yoso_tensor *keep,
                            const yoso_attention_options *attention,
                            const yoso_layer_options *options)
{
    yo_layer l;
    YO_TRY(yo_layer_open(&l, hidden, weights, offset, keep, attention, options));
    YO_TRY(check_saved(&l, grad, saved));
    gradients g = {.hidden = NULL};
    yoso_tensor *dense;
    YO_TRY(yoso_contiguous(&dense, grad));
    yoso_status status = run(&l, &g, dense, saved);
    yoso_tensor *rest[] = {dense,         g.outer, g.middle, g.attended, g.middle_value, g.active,
                           g.active_grad, g.part,  g.fused,  g.joined,   g.joined_bias};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        yoso_tensor_free(rest[i]);
    if (status != YOSO_OK) {
        yoso_tensor_free(g.hidden);
        for (int i = 0; i < YOSO_LAYER_WEIGHTS; i++)
            yoso_tensor_free(g.weight[i]);
        return status;
    }
    *grad_hidden = g.hidden;
    for (int i = 0; i < YOSO_LAYER_WEIGHTS; i++)
        gradients_out[i] = g.weight[i];
    return YOSO_OK;
}
