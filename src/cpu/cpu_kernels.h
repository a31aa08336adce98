/* The CPU's kernels by name, in the variant being compiled; table.c lists them. What each does
 * is said in src/kernels.h. */
#ifndef YO_CPU_CPU_KERNELS_H
#define YO_CPU_CPU_KERNELS_H

#include "cpu/cpu.h"

/* copy.c */
yoso_status YO_CPU(copy)(const yo_view *out, const yo_view *x, yo_stream *stream);
yoso_status YO_CPU(fill)(const yo_view *out, double value, yo_stream *stream);

/* elementwise.c */
yoso_status YO_CPU(binary)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream);

/* unary.c, unary_grad.c; the rows, for kernels that fuse an activation: out may be in or grad. */
yoso_status YO_CPU(unary)(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream);
yoso_status YO_CPU(unary_grad)(const yo_view *out, int32_t op, const yo_view *grad,
                               const yo_view *x, yo_stream *stream);
void YO_CPU(unary_row)(int32_t op, float *out, const float *in, int64_t n);
void YO_CPU(unary_grad_row)(int32_t op, float *out, const float *grad, const float *in, int64_t n);

/* compare.c */
yoso_status YO_CPU(compare)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                            yo_stream *stream);
yoso_status YO_CPU(where)(const yo_view *out, const yo_view *condition, const yo_view *a,
                          const yo_view *b, yo_stream *stream);

/* reduce.c */
yoso_status YO_CPU(reduce)(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                           double parameter, yo_stream *stream);

/* gather.c, sort.c */
yoso_status YO_CPU(gather)(const yo_view *out, const yo_view *x, const yo_view *index, int32_t dim,
                           int64_t first, yo_stream *stream);
yoso_status YO_CPU(scatter)(const yo_view *out, const yo_view *index, const yo_view *x, int32_t dim,
                            int64_t first, int32_t add, yo_stream *stream);
yoso_status YO_CPU(nonzero)(int64_t *count, int64_t *places, const yo_view *x, int64_t first,
                            yo_stream *stream);
yoso_status YO_CPU(sort)(const yo_view *values, const yo_view *places, const yo_view *x,
                         int32_t descending, int64_t first, yo_stream *stream);
yoso_status YO_CPU(cumsum)(const yo_view *out, const yo_view *x, int32_t reverse,
                           yo_stream *stream);

/* random.c */
yoso_status YO_CPU(random)(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                           double a, double b, yo_stream *stream);
yoso_status YO_CPU(sequence)(const yo_view *out, double start, double step, yo_stream *stream);

/* matmul.c */
yoso_status YO_CPU(matmul)(const yo_view *out, const yo_view *a, const yo_view *b,
                           yo_stream *stream);
/* By a weight packed in f32, x and out of any float dtype. */
yoso_status YO_CPU(linear_in_f32)(const yo_view *out, const yo_view *x, const yo_derived *packed,
                                  const yo_view *bias, int32_t activation, yo_stream *stream);
yoso_status YO_CPU(linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                           const yo_view *bias, int32_t activation, yo_stream *stream);
yoso_status YO_CPU(linear_norm)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, const yo_norm *norm, bool int8,
                                yo_stream *stream);
/* product.c */
yoso_status YO_CPU(product)(const yo_view *out, const yo_view *a, const yo_view *b,
                            const yo_view *bias, int32_t how, yo_stream *stream);
/* linear_int8.c */
yoso_status YO_CPU(linear_int8)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                                const yo_view *bias, int32_t activation, yo_stream *stream);

/* softmax.c, norm.c, embedding.c, conv.c, dropout.c, loss.c, optimizer.c */
yoso_status YO_CPU(softmax)(const yo_view *out, const yo_view *x, int32_t logarithm,
                            yo_stream *stream);
yoso_status YO_CPU(softmax_grad)(const yo_view *grad_x, const yo_view *grad, const yo_view *y,
                                 int32_t logarithm, yo_stream *stream);
yoso_status YO_CPU(layer_norm)(const yo_view *out, const yo_view *x, const yo_view *weight,
                               const yo_view *bias, const yo_view *residual, double eps,
                               yo_stream *stream);
/* row = its layer norm, in place. */
void YO_CPU(layer_norm_row)(float *row, int64_t n, const float *weight, const float *bias,
                            float eps);
yoso_status YO_CPU(layer_norm_grad)(const yo_view *grad_x, const yo_view *grad_weight,
                                    const yo_view *grad_bias, const yo_view *grad, const yo_view *x,
                                    const yo_view *weight, const yo_view *residual, double eps,
                                    yo_stream *stream);
yoso_status YO_CPU(l2_normalize)(const yo_view *out, const yo_view *x, double eps,
                                 yo_stream *stream);
yoso_status YO_CPU(l2_normalize_grad)(const yo_view *grad_x, const yo_view *grad, const yo_view *x,
                                      double eps, yo_stream *stream);
yoso_status YO_CPU(embedding)(const yo_view *out, const yo_view *ids, const yo_view *table,
                              yo_stream *stream);
yoso_status YO_CPU(embedding_grad)(const yo_view *grad_table, const yo_view *grad,
                                   const yo_view *ids, int64_t padding, yo_stream *stream);
yoso_status YO_CPU(depthwise_conv)(const yo_view *out, const yo_view *value, const yo_view *weight,
                                   const yo_packing *packing, yo_stream *stream);
yoso_status YO_CPU(depthwise_conv_grad)(const yo_view *grad_value, const yo_view *grad_weight,
                                        const yo_view *grad, const yo_view *value,
                                        const yo_view *weight, const yo_packing *packing,
                                        yo_stream *stream);
yoso_status YO_CPU(dropout)(const yo_view *out, const yo_view *x, double p, uint64_t seed,
                            yo_stream *stream);
/* residual.c, activated.c */
yoso_status YO_CPU(residual_norm)(const yo_view *out, const yo_view *sum, const yo_view *x,
                                  const yo_view *residual, const yo_view *weight,
                                  const yo_view *bias, double eps, double p, uint64_t seed,
                                  yo_stream *stream);
yoso_status YO_CPU(residual_norm_grad)(const yo_view *grad_sum, const yo_view *grad_x,
                                       const yo_view *grad_weight, const yo_view *grad_bias,
                                       const yo_view *grad_x_rows, const yo_view *grad,
                                       const yo_view *sum, const yo_view *weight, double eps,
                                       double p, uint64_t seed, yo_stream *stream);
yoso_status YO_CPU(activation_grad)(const yo_view *grad_z, const yo_view *y,
                                    const yo_view *rows_sum, int32_t op, const yo_view *z,
                                    yo_stream *stream);
yoso_status YO_CPU(cross_entropy)(const yo_view *loss, int64_t *kept, const yo_view *logits,
                                  const yo_view *labels, int64_t ignore, yo_stream *stream);
yoso_status YO_CPU(cross_entropy_grad)(const yo_view *grad_logits, const yo_view *grad,
                                       double scale, const yo_view *logits, const yo_view *labels,
                                       int64_t ignore, yo_stream *stream);
yoso_status YO_CPU(pointwise_loss)(const yo_view *loss, int32_t kind, const yo_view *x,
                                   const yo_view *target, yo_stream *stream);
yoso_status YO_CPU(pointwise_loss_grad)(const yo_view *grad_x, int32_t kind, const yo_view *grad,
                                        double scale, const yo_view *x, const yo_view *target,
                                        yo_stream *stream);
yoso_status YO_CPU(adamw)(const yo_view *param, const yo_view *master, const yo_view *mean,
                          const yo_view *square, const yo_view *grad, const yo_adamw *settings,
                          yo_stream *stream);
yoso_status YO_CPU(sgd)(const yo_view *param, const yo_view *master, const yo_view *velocity,
                        const yo_view *grad, const yo_sgd *settings, yo_stream *stream);

/* lsh_hash.c, fast_hash.c, lsh_cumulation.c, lsh_weighted.c */
yoso_status YO_CPU(lsh_hash)(int32_t *code, const yo_rows *x, const float *projection,
                             const yo_attention *at, yo_stream *stream);
yoso_status YO_CPU(fast_hash)(int32_t *code, const yo_rows *x, const float *sign, int64_t sign_size,
                              const yo_attention *at, yo_stream *stream);
yoso_status YO_CPU(lsh_cumulation)(const yo_rows *out, const int32_t *q_code, const int32_t *k_code,
                                   const yo_rows *v, const yo_attention *at, yo_stream *stream);
yoso_status YO_CPU(lsh_weighted_cumulation)(const yo_rows *out, const int32_t *q_code,
                                            const yo_rows *q_weight, const int32_t *k_code,
                                            const yo_rows *k_weight, const yo_rows *v,
                                            const yo_attention *at, yo_stream *stream);

/* attention_parts.c */
yoso_status YO_CPU(attention_parts)(double *nanoseconds, const yo_rows *q, const yo_rows *k,
                                    const yo_rows *v, const yo_attention *at);

/* yoso_expectation.c, yoso_sample.c, softmax_attention.c */
#define YO_ATTENTION_FORM(NAME)                                                                    \
    yoso_status YO_CPU(NAME)(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,  \
                             const yo_rows *v, const yo_attention *at, yo_stream *stream);         \
    yoso_status YO_CPU(NAME##_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,       \
                                    const yo_rows *grad, const yo_rows *out, const float *stat,    \
                                    const yo_rows *q, const yo_rows *k, const yo_rows *v,          \
                                    const yo_attention *at, yo_stream *stream)
YO_ATTENTION_FORM(yoso_expectation);
YO_ATTENTION_FORM(yoso_sample);
YO_ATTENTION_FORM(softmax_attention);
#undef YO_ATTENTION_FORM

#endif
