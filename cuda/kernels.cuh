/* The module's kernels by name; table.cu lists them. What each does is said in src/kernels.h. */
#ifndef YO_CUDA_KERNELS_CUH
#define YO_CUDA_KERNELS_CUH

#include "module.h"

/* copy.cu */
yoso_status yo_cuda_copy(const yo_view *out, const yo_view *x, yo_stream *stream);
yoso_status yo_cuda_fill(const yo_view *out, double value, yo_stream *stream);

/* elementwise.cu */
yoso_status yo_cuda_binary(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream);

/* unary.cu */
yoso_status yo_cuda_unary(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream);
yoso_status yo_cuda_unary_grad(const yo_view *out, int32_t op, const yo_view *grad,
                               const yo_view *x, yo_stream *stream);

/* compare.cu */
yoso_status yo_cuda_compare(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                            yo_stream *stream);
yoso_status yo_cuda_where(const yo_view *out, const yo_view *condition, const yo_view *a,
                          const yo_view *b, yo_stream *stream);

/* reduce.cu */
yoso_status yo_cuda_reduce(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream);

/* random.cu */
yoso_status yo_cuda_random(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                           double a, double b, yo_stream *stream);
yoso_status yo_cuda_sequence(const yo_view *out, double start, double step, yo_stream *stream);

/* gather.cu */
yoso_status yo_cuda_gather(const yo_view *out, const yo_view *x, const yo_view *index, int32_t dim,
                           int64_t first, yo_stream *stream);
yoso_status yo_cuda_scatter(const yo_view *out, const yo_view *index, const yo_view *x, int32_t dim,
                            int64_t first, int32_t add, yo_stream *stream);
yoso_status yo_cuda_nonzero(int64_t *count, int64_t *places, const yo_view *x, int64_t first,
                            yo_stream *stream);

/* sort.cu */
yoso_status yo_cuda_sort(const yo_view *values, const yo_view *places, const yo_view *x,
                         int32_t descending, int64_t first, yo_stream *stream);
yoso_status yo_cuda_cumsum(const yo_view *out, const yo_view *x, int32_t reverse,
                           yo_stream *stream);

/* softmax.cu */
yoso_status yo_cuda_softmax(const yo_view *out, const yo_view *x, int32_t logarithm,
                            yo_stream *stream);
yoso_status yo_cuda_softmax_grad(const yo_view *grad_x, const yo_view *grad, const yo_view *y,
                                 int32_t logarithm, yo_stream *stream);

/* norm.cu */
yoso_status yo_cuda_layer_norm(const yo_view *out, const yo_view *x, const yo_view *weight,
                               const yo_view *bias, const yo_view *residual, double eps,
                               yo_stream *stream);
yoso_status yo_cuda_layer_norm_grad(const yo_view *grad_x, const yo_view *grad_weight,
                                    const yo_view *grad_bias, const yo_view *grad, const yo_view *x,
                                    const yo_view *weight, const yo_view *residual, double eps,
                                    yo_stream *stream);
yoso_status yo_cuda_l2_normalize(const yo_view *out, const yo_view *x, double eps,
                                 yo_stream *stream);
yoso_status yo_cuda_l2_normalize_grad(const yo_view *grad_x, const yo_view *grad, const yo_view *x,
                                      double eps, yo_stream *stream);

/* embedding.cu */
yoso_status yo_cuda_embedding(const yo_view *out, const yo_view *ids, const yo_view *table,
                              yo_stream *stream);
yoso_status yo_cuda_embedding_grad(const yo_view *grad_table, const yo_view *grad,
                                   const yo_view *ids, int64_t padding, yo_stream *stream);

/* conv.cu */
yoso_status yo_cuda_depthwise_conv(const yo_view *out, const yo_view *value, const yo_view *weight,
                                   const yo_packing *packing, yo_stream *stream);
yoso_status yo_cuda_depthwise_conv_grad(const yo_view *grad_value, const yo_view *grad_weight,
                                        const yo_view *grad, const yo_view *value,
                                        const yo_view *weight, const yo_packing *packing,
                                        yo_stream *stream);

/* dropout.cu */
yoso_status yo_cuda_dropout(const yo_view *out, const yo_view *x, double p, uint64_t seed,
                            yo_stream *stream);

/* loss.cu */
yoso_status yo_cuda_cross_entropy(const yo_view *loss, int64_t *kept, const yo_view *logits,
                                  const yo_view *labels, int64_t ignore, yo_stream *stream);
yoso_status yo_cuda_cross_entropy_grad(const yo_view *grad_logits, const yo_view *grad,
                                       double scale, const yo_view *logits, const yo_view *labels,
                                       int64_t ignore, yo_stream *stream);
yoso_status yo_cuda_pointwise_loss(const yo_view *loss, int32_t kind, const yo_view *x,
                                   const yo_view *target, yo_stream *stream);
yoso_status yo_cuda_pointwise_loss_grad(const yo_view *grad_x, int32_t kind, const yo_view *grad,
                                        double scale, const yo_view *x, const yo_view *target,
                                        yo_stream *stream);

/* matmul.cu */
yoso_status yo_cuda_matmul(const yo_view *out, const yo_view *a, const yo_view *b,
                           yo_stream *stream);
yoso_status yo_cuda_linear(const yo_view *out, const yo_view *x, const yo_weight *weight,
                           const yo_view *bias, int32_t activation, yo_stream *stream);

yoso_status yo_cuda_product(const yo_view *out, const yo_view *a, const yo_view *b,
                            const yo_view *bias, int32_t how, yo_stream *stream);

/* residual.cu */
yoso_status yo_cuda_residual_norm(const yo_view *out, const yo_view *sum, const yo_view *x,
                                  const yo_view *residual, const yo_view *weight,
                                  const yo_view *bias, double eps, double p, uint64_t seed,
                                  yo_stream *stream);
yoso_status yo_cuda_residual_norm_grad(const yo_view *grad_sum, const yo_view *grad_x,
                                       const yo_view *grad_weight, const yo_view *grad_bias,
                                       const yo_view *grad_x_rows, const yo_view *grad,
                                       const yo_view *sum, const yo_view *weight, double eps,
                                       double p, uint64_t seed, yo_stream *stream);
yoso_status yo_cuda_activation_grad(const yo_view *grad_z, const yo_view *y, const yo_view *rows_sum,
                                    int32_t op, const yo_view *z, yo_stream *stream);

/* linear_int8.cu */
yoso_status yo_cuda_linear_int8(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation, yo_stream *stream);

/* yoso_expectation.cu */
yoso_status yo_cuda_yoso_expectation(const yo_rows *out, float *stat, const yo_rows *q,
                                     const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                     yo_stream *stream);
yoso_status yo_cuda_yoso_expectation_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                          const yo_rows *grad, const yo_rows *out,
                                          const float *stat, const yo_rows *q, const yo_rows *k,
                                          const yo_rows *v, const yo_attention *at,
                                          yo_stream *stream);

/* softmax_attention.cu */
yoso_status yo_cuda_softmax_attention(const yo_rows *out, float *stat, const yo_rows *q,
                                      const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                      yo_stream *stream);
yoso_status yo_cuda_softmax_attention_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                           const yo_rows *grad, const yo_rows *out,
                                           const float *stat, const yo_rows *q, const yo_rows *k,
                                           const yo_rows *v, const yo_attention *at,
                                           yo_stream *stream);

/* lsh_hash.cu */
yoso_status yo_cuda_lsh_hash(int32_t *code, const yo_rows *x, const float *projection,
                             const yo_attention *at, yo_stream *stream);

/* fast_hash.cu */
yoso_status yo_cuda_fast_hash(int32_t *code, const yo_rows *x, const float *sign, int64_t sign_size,
                              const yo_attention *at, yo_stream *stream);

/* lsh_cumulation.cu */
yoso_status yo_cuda_lsh_cumulation(const yo_rows *out, const int32_t *q_code, const int32_t *k_code,
                                   const yo_rows *v, const yo_attention *at, yo_stream *stream);

/* lsh_weighted.cu */
yoso_status yo_cuda_lsh_weighted_cumulation(const yo_rows *out, const int32_t *q_code,
                                            const yo_rows *q_weight, const int32_t *k_code,
                                            const yo_rows *k_weight, const yo_rows *v,
                                            const yo_attention *at, yo_stream *stream);

/* yoso_sample.cu */
yoso_status yo_cuda_yoso_sample(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                                const yo_rows *v, const yo_attention *at, yo_stream *stream);
yoso_status yo_cuda_yoso_sample_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                     const yo_rows *grad, const yo_rows *out, const float *stat,
                                     const yo_rows *q, const yo_rows *k, const yo_rows *v,
                                     const yo_attention *at, yo_stream *stream);

/* optimizer.cu */
yoso_status yo_cuda_adamw(const yo_view *param, const yo_view *master, const yo_view *mean,
                          const yo_view *square, const yo_view *grad, const yo_adamw *settings,
                          yo_stream *stream);
yoso_status yo_cuda_sgd(const yo_view *param, const yo_view *master, const yo_view *velocity,
                        const yo_view *grad, const yo_sgd *settings, yo_stream *stream);

#endif
