/* One encoder layer in training, forward (train_layer.c) and back (train_layer_grad.c): what both
 * halves know of it. */
#ifndef YO_OPS_TRAIN_LAYER_H
#define YO_OPS_TRAIN_LAYER_H

#include "ops/product.h"
#include "ops/residual.h"
#include "ops/rows.h"

/* Rows of the feed-forward part computed together: the wide values that only the products need
 * do not grow with the batch. */
enum { YO_LAYER_ROWS = 2048, YO_LAYER_ROWS_OF_DEVICE = 16384 };

typedef struct yo_layer {
    const yoso_layer_weights *w;
    const yoso_layer_options *how;
    const yoso_attention_options *attention;
    const yoso_tensor *hidden, *offset, *keep;
    yo_place place;
    int64_t tokens, width, inner;
    int32_t product; /* YO_PRODUCT_ */
} yo_layer;

/* Checks that everything fits. */
yoso_status yo_layer_open(yo_layer *layer, const yoso_tensor *hidden,
                          const yoso_layer_weights *weights, const yoso_tensor *offset,
                          const yoso_tensor *keep, const yoso_attention_options *attention,
                          const yoso_layer_options *how);

/* A tensor of hidden's dtype and device. */
yoso_status yo_layer_rows(const yo_layer *layer, yoso_tensor **out, int64_t rows, int64_t columns);

/* The most rows of the feed-forward part at a time. */
static inline int64_t yo_layer_most_rows(const yo_layer *layer)
{
    int64_t most = layer->place.device == YOSO_CPU ? YO_LAYER_ROWS : YO_LAYER_ROWS_OF_DEVICE;
    return layer->tokens < most ? layer->tokens : most;
}

/* Settings of the first norm (0) or the second (1). */
yo_residual_norm_settings yo_layer_norm_of(const yo_layer *layer, int which);

/* out (+)= a b (+ bias). */
yoso_status yo_layer_product(const yo_layer *layer, const yo_view *out, const yo_view *a,
                             const yo_view *b, const yoso_tensor *bias, bool add);

/* The weights of query, key and value one below the other, and their biases unless that is NULL. */
yoso_status yo_layer_joined(const yo_layer *layer, yoso_tensor **weight, yoso_tensor **bias);

/* estimate + conv(value): what the projection is given. *out is estimate itself, to be freed all
 * the same, where there is no convolution. */
yoso_status yo_layer_attended(const yo_layer *layer, yoso_tensor **out, yoso_tensor *estimate,
                              const yoso_tensor *value);

#endif
