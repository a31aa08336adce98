/* The module's table of kernels. */
#include "cuda/launch.cuh"

extern const yo_kernels yo_cuda_kernels;

static yo_kernels make_table()
{
    yo_kernels table = {};
    table.name = "cuda";
    table.copy = yo_cuda_copy;
    table.fill = yo_cuda_fill;
    table.binary = yo_cuda_binary;
    table.unary = yo_cuda_unary;
    table.unary_grad = yo_cuda_unary_grad;
    table.compare = yo_cuda_compare;
    table.where = yo_cuda_where;
    table.reduce = yo_cuda_reduce;
    table.random = yo_cuda_random;
    table.sequence = yo_cuda_sequence;
    table.gather = yo_cuda_gather;
    table.scatter = yo_cuda_scatter;
    table.nonzero = yo_cuda_nonzero;
    table.sort = yo_cuda_sort;
    table.cumsum = yo_cuda_cumsum;
    table.softmax = yo_cuda_softmax;
    table.softmax_grad = yo_cuda_softmax_grad;
    table.layer_norm = yo_cuda_layer_norm;
    table.layer_norm_grad = yo_cuda_layer_norm_grad;
    table.l2_normalize = yo_cuda_l2_normalize;
    table.l2_normalize_grad = yo_cuda_l2_normalize_grad;
    table.embedding = yo_cuda_embedding;
    table.embedding_grad = yo_cuda_embedding_grad;
    table.depthwise_conv = yo_cuda_depthwise_conv;
    table.depthwise_conv_grad = yo_cuda_depthwise_conv_grad;
    table.dropout = yo_cuda_dropout;
    table.cross_entropy = yo_cuda_cross_entropy;
    table.cross_entropy_grad = yo_cuda_cross_entropy_grad;
    table.pointwise_loss = yo_cuda_pointwise_loss;
    table.pointwise_loss_grad = yo_cuda_pointwise_loss_grad;
    table.matmul = yo_cuda_matmul;
    table.linear = yo_cuda_linear;
    table.linear_int8 = yo_cuda_linear_int8;
    table.product = yo_cuda_product;
    table.residual_norm = yo_cuda_residual_norm;
    table.residual_norm_grad = yo_cuda_residual_norm_grad;
    table.activation_grad = yo_cuda_activation_grad;
    table.yoso_expectation = yo_cuda_yoso_expectation;
    table.yoso_expectation_grad = yo_cuda_yoso_expectation_grad;
    table.softmax_attention = yo_cuda_softmax_attention;
    table.softmax_attention_grad = yo_cuda_softmax_attention_grad;
    table.lsh_hash = yo_cuda_lsh_hash;
    table.fast_hash = yo_cuda_fast_hash;
    table.lsh_cumulation = yo_cuda_lsh_cumulation;
    table.lsh_weighted_cumulation = yo_cuda_lsh_weighted_cumulation;
    table.yoso_sample = yo_cuda_yoso_sample;
    table.yoso_sample_grad = yo_cuda_yoso_sample_grad;
    table.adamw = yo_cuda_adamw;
    table.sgd = yo_cuda_sgd;
    return table;
}

const yo_kernels yo_cuda_kernels = make_table();
