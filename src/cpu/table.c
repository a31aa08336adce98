/* This variant's table of kernels. */
#include "cpu/cpu_kernels.h"
#include "cpu/half_product.h"

extern const yo_kernels YO_CPU(kernels);
const yo_kernels YO_CPU(kernels) = {
    .name = YO_STRING(YO_ISA),
#if defined(YO_HALF_PRODUCTS)
    .bf16_by_f16 = true,
#endif
    .copy = YO_CPU(copy),
    .fill = YO_CPU(fill),
    .binary = YO_CPU(binary),
    .unary = YO_CPU(unary),
    .compare = YO_CPU(compare),
    .where = YO_CPU(where),
    .unary_grad = YO_CPU(unary_grad),

    /* reductions */
    .reduce = YO_CPU(reduce),

    /* gather, sort, padding */
    .gather = YO_CPU(gather),
    .scatter = YO_CPU(scatter),
    .nonzero = YO_CPU(nonzero),
    .sort = YO_CPU(sort),
    .cumsum = YO_CPU(cumsum),

    /* random */
    .random = YO_CPU(random),
    .sequence = YO_CPU(sequence),

    /* matmul */
    .matmul = YO_CPU(matmul),
    .linear = YO_CPU(linear),
    .linear_int8 = YO_CPU(linear_int8),
    .linear_norm = YO_CPU(linear_norm),
    .product = YO_CPU(product),

    /* layers */
    .softmax = YO_CPU(softmax),
    .softmax_grad = YO_CPU(softmax_grad),
    .layer_norm = YO_CPU(layer_norm),
    .layer_norm_grad = YO_CPU(layer_norm_grad),
    .l2_normalize = YO_CPU(l2_normalize),
    .l2_normalize_grad = YO_CPU(l2_normalize_grad),
    .embedding = YO_CPU(embedding),
    .embedding_grad = YO_CPU(embedding_grad),
    .depthwise_conv = YO_CPU(depthwise_conv),
    .depthwise_conv_grad = YO_CPU(depthwise_conv_grad),
    .dropout = YO_CPU(dropout),
    .residual_norm = YO_CPU(residual_norm),
    .residual_norm_grad = YO_CPU(residual_norm_grad),
    .activation_grad = YO_CPU(activation_grad),
    .cross_entropy = YO_CPU(cross_entropy),
    .cross_entropy_grad = YO_CPU(cross_entropy_grad),
    .pointwise_loss = YO_CPU(pointwise_loss),
    .pointwise_loss_grad = YO_CPU(pointwise_loss_grad),
    .adamw = YO_CPU(adamw),
    .sgd = YO_CPU(sgd),

    /* attention */
    .yoso_expectation = YO_CPU(yoso_expectation),
    .yoso_sample = YO_CPU(yoso_sample),
    .softmax_attention = YO_CPU(softmax_attention),
    .yoso_expectation_grad = YO_CPU(yoso_expectation_grad),
    .yoso_sample_grad = YO_CPU(yoso_sample_grad),
    .softmax_attention_grad = YO_CPU(softmax_attention_grad),
    .lsh_hash = YO_CPU(lsh_hash),
    .fast_hash = YO_CPU(fast_hash),
    .lsh_cumulation = YO_CPU(lsh_cumulation),
    .attention_parts = YO_CPU(attention_parts),
    .lsh_weighted_cumulation = YO_CPU(lsh_weighted_cumulation),

};
