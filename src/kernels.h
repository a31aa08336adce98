/* The table of kernels: what a device can compute, on raw buffers.
 *
 * Operations (src/ops) check shapes, allocate results and call through this table; kernels trust
 * what they are given. The CPU (src/cpu) and the CUDA module (cuda) each fill one table with
 * the same names. Outputs come first, inputs next, sizes and the stream last.
 *
 * Shape letters, everywhere in the project:
 *   B batch (or sequences)  H heads  N length  D head size  M hashes  T bits of a hash code */
#ifndef YO_KERNELS_H
#define YO_KERNELS_H

#include <stdbool.h>

#include "yoso.h"

/* A strided array: the first element, the element type, sizes and strides in elements.
 * A stride of 0 repeats. */
typedef struct yo_view {
    void *data;
    int32_t dtype;
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS];
    int64_t stride[YOSO_MAX_DIMS];
} yo_view;

/* Where work is queued: NULL on the CPU, a CUDA stream in the module. */
typedef struct yo_stream yo_stream;

/* A weight: an array that many calls read, with the place where kernels keep what they derive
 * from it (core/derived.h) and the version of its bytes. */
typedef struct yo_derived yo_derived;
typedef struct yo_weight {
    yo_view view;
    yo_derived **derived;
    int64_t version;
    bool from_file; /* the bytes are a mapped file's and were never written to */
} yo_weight;

/* Sequences end to end: tokens offset[s] .. offset[s + 1] - 1 are sequence s. keep (one byte a
 * token, 0 masks) may be NULL. offset is in the CPU's memory. */
typedef struct yo_packing {
    int64_t heads, sequences;
    const int64_t *offset;
    const uint8_t *keep;
} yo_packing;

/* One operand of the attention: element e of head h of token t is
 * data[t * token + h * head + e]. */
typedef struct yo_rows {
    void *data;
    int32_t dtype;
    int64_t token, head;
} yo_rows;

/* What the attention's kernels are asked: sequences end to end, each attending to itself (or to
 * the sequence of keys of the same number). */
typedef struct yo_attention {
    int64_t sequences, heads;
    int64_t head_size, value_size;      /* D of queries and keys, that of values and results */
    const int64_t *q_offset, *k_offset; /* host: sequence s has rows offset[s] .. offset[s + 1] */
    const uint8_t *q_keep, *k_keep;     /* a byte a row, 0 masks it; NULL keeps all */
    bool normalize;                     /* queries, keys and results to unit length */
    int32_t code_len, num_hash;         /* T, M */
    bool fast_hash, spread; /* spread: as YOSO_HASH_SPREAD says; then fast_hash is set too */
    bool lsh_backward;
    uint64_t seed;
    uint32_t layer;
} yo_attention;

/* The layer norm behind a product: of its rows plus those of residual. weight and bias are [1, N].
 */
typedef struct yo_norm {
    const yo_view *residual, *weight, *bias;
    double eps;
} yo_norm;

/* What an AdamW step needs, derived from its settings and the step's number: decay 1 - lr weight
 * decay, rest 1 - beta, rate lr / (1 - beta1^step), root sqrt(1 - beta2^step). */
typedef struct yo_adamw {
    float decay, beta1, rest1, beta2, rest2, eps, rate, root;
} yo_adamw;

typedef struct yo_sgd {
    float rate, momentum, decay;
    int32_t first, nesterov;
} yo_sgd;

/* ADD: out's elements are added to. SPLIT: f32 may be multiplied as the sum of two bf16, which
 * keeps 16 of its 24 bits, where the machine is faster at that. */
enum { YO_PRODUCT_ADD = 1, YO_PRODUCT_SPLIT = 2 };

typedef struct yo_kernels {
    /* The variant: "plain", "avx2", "avx512", "amx", "cuda". */
    const char *name;
    /* Layers of bf16 are multiplied by way of f16, faster than f32's. */
    bool bf16_by_f16;

    /* -- copy: out and x have one shape; converts between dtypes as yoso_cast says. */
    yoso_status (*copy)(const yo_view *out, const yo_view *x, yo_stream *stream);
    yoso_status (*fill)(const yo_view *out, double value, yo_stream *stream);

    /* -- elementwise: all views have one shape; a and b have one dtype. */
    yoso_status (*binary)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                          yo_stream *stream);

    yoso_status (*unary)(const yo_view *out, int32_t op, const yo_view *x, yo_stream *stream);
    yoso_status (*unary_grad)(const yo_view *out, int32_t op, const yo_view *grad, const yo_view *x,
                              yo_stream *stream);

    yoso_status (*compare)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream);
    yoso_status (*where)(const yo_view *out, const yo_view *condition, const yo_view *a,
                         const yo_view *b, yo_stream *stream);

    /* -- reductions: x has the kept dimensions first, then the reduced ones; out is contiguous,
     * one element a kept place. */
    yoso_status (*reduce)(const yo_view *out, int32_t op, const yo_view *x, int32_t kept,
                          double parameter, yo_stream *stream);

    /* -- gather, sort: positions count from `first`. gather: out and index have one shape, x
     * as many dimensions. scatter: index and x have one shape, out as many dimensions. nonzero
     * counts, and writes [count, ndim] places unless that is NULL. sort and cumsum work on the
     * last dimension; sort gives as many as values has there. */
    yoso_status (*gather)(const yo_view *out, const yo_view *x, const yo_view *index, int32_t dim,
                          int64_t first, yo_stream *stream);
    yoso_status (*scatter)(const yo_view *out, const yo_view *index, const yo_view *x, int32_t dim,
                           int64_t first, int32_t add, yo_stream *stream);
    yoso_status (*nonzero)(int64_t *count, int64_t *places, const yo_view *x, int64_t first,
                           yo_stream *stream);
    yoso_status (*sort)(const yo_view *values, const yo_view *places, const yo_view *x,
                        int32_t descending, int64_t first, yo_stream *stream);
    yoso_status (*cumsum)(const yo_view *out, const yo_view *x, int32_t reverse, yo_stream *stream);

    /* -- random: out is contiguous; `numbers` is the Philox stream. */
    yoso_status (*random)(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                          double a, double b, yo_stream *stream);
    yoso_status (*sequence)(const yo_view *out, double start, double step, yo_stream *stream);

    /* -- matmul: all views have one dtype, f32, f16 or bf16; sums are in f32. */
    /* out [.., M, N] = a [.., M, K] b [.., K, N]; leading dimensions of one shape. out is
     * contiguous; a and b have any strides. K > 0 and no size is 0. */
    yoso_status (*matmul)(const yo_view *out, const yo_view *a, const yo_view *b,
                          yo_stream *stream);
    /* out [M, N] = activation(x [M, K] weight^T [N, K] + bias [N]); out and x contiguous, bias
     * contiguous or NULL, activation one of YOSO_ACT_. K > 0 and no size is 0. */
    yoso_status (*linear)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                          const yo_view *bias, int32_t activation, yo_stream *stream);
    /* The same with x and weight rounded to 8 bits by row. May be NULL: then linear is taken. */
    yoso_status (*linear_int8)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                               const yo_view *bias, int32_t activation, yo_stream *stream);
    /* out = norm(x weight^T + bias + residual), with int8 as linear_int8. May be NULL. */
    yoso_status (*linear_norm)(const yo_view *out, const yo_view *x, const yo_weight *weight,
                               const yo_view *bias, const yo_norm *norm, bool int8,
                               yo_stream *stream);

    /* out [M, N] = a [M, K] b [K, N] + bias [N], for training: no weight is kept packed. bias may
     * be NULL; the columns of out are neighbours, a and b have any strides; `how` is a sum of
     * YO_PRODUCT_. K > 0 and no size is 0. May be NULL: then matmul is taken. */
    yoso_status (*product)(const yo_view *out, const yo_view *a, const yo_view *b,
                           const yo_view *bias, int32_t how, yo_stream *stream);

    /* -- layers: all views contiguous, floats of one dtype, computed in f32; as yoso.h says. */
    /* out and x are [before, size, after]; over the middle dimension. */
    yoso_status (*softmax)(const yo_view *out, const yo_view *x, int32_t logarithm,
                           yo_stream *stream);
    yoso_status (*softmax_grad)(const yo_view *grad_x, const yo_view *grad, const yo_view *y,
                                int32_t logarithm, yo_stream *stream);
    /* Rows [M, N]; weight and bias [1, N] or NULL, residual [M, N] or NULL; out may be x. */
    yoso_status (*layer_norm)(const yo_view *out, const yo_view *x, const yo_view *weight,
                              const yo_view *bias, const yo_view *residual, double eps,
                              yo_stream *stream);
    yoso_status (*layer_norm_grad)(const yo_view *grad_x, const yo_view *grad_weight,
                                   const yo_view *grad_bias, const yo_view *grad, const yo_view *x,
                                   const yo_view *weight, const yo_view *residual, double eps,
                                   yo_stream *stream);
    yoso_status (*l2_normalize)(const yo_view *out, const yo_view *x, double eps,
                                yo_stream *stream);
    yoso_status (*l2_normalize_grad)(const yo_view *grad_x, const yo_view *grad, const yo_view *x,
                                     double eps, yo_stream *stream);
    /* out [M, N], ids [M] i64 or i32, table [rows, N] with any row stride. */
    yoso_status (*embedding)(const yo_view *out, const yo_view *ids, const yo_view *table,
                             yo_stream *stream);
    /* Adds to grad_table, of grad's dtype: rows of one id are summed in f32 and rounded once. ids
     * equal to padding are left out. */
    yoso_status (*embedding_grad)(const yo_view *grad_table, const yo_view *grad,
                                  const yo_view *ids, int64_t padding, yo_stream *stream);
    /* out, value [tokens, heads * size]; weight [heads, taps]. */
    yoso_status (*depthwise_conv)(const yo_view *out, const yo_view *value, const yo_view *weight,
                                  const yo_packing *packing, yo_stream *stream);
    yoso_status (*depthwise_conv_grad)(const yo_view *grad_value, const yo_view *grad_weight,
                                       const yo_view *grad, const yo_view *value,
                                       const yo_view *weight, const yo_packing *packing,
                                       yo_stream *stream);
    /* Element i of the walk in order is dropped by number i of the seed's dropout stream. */
    yoso_status (*dropout)(const yo_view *out, const yo_view *x, double p, uint64_t seed,
                           yo_stream *stream);
    /* Between the products of a layer in training; all rows contiguous. They may be NULL: then
     * their parts are called one by one.
     * sum = dropout(x) + residual, out = its norm; sum may be x. */
    yoso_status (*residual_norm)(const yo_view *out, const yo_view *sum, const yo_view *x,
                                 const yo_view *residual, const yo_view *weight,
                                 const yo_view *bias, double eps, double p, uint64_t seed,
                                 yo_stream *stream);
    /* grad is out's; grad_sum, which may be grad, is residual's too. grad_x is written unless p is
     * 0, when it is grad_sum. grad_x_rows [1, N] is grad_x summed over the rows. */
    yoso_status (*residual_norm_grad)(const yo_view *grad_sum, const yo_view *grad_x,
                                      const yo_view *grad_weight, const yo_view *grad_bias,
                                      const yo_view *grad_x_rows, const yo_view *grad,
                                      const yo_view *sum, const yo_view *weight, double eps,
                                      double p, uint64_t seed, yo_stream *stream);
    /* y = op(z) and grad_z, which comes as y's gradient; rows_sum [1, N] is its sum over rows. */
    yoso_status (*activation_grad)(const yo_view *grad_z, const yo_view *y, const yo_view *rows_sum,
                                   int32_t op, const yo_view *z, yo_stream *stream);
    /* loss [1, n] f32, logits [n, classes], labels [1, n]; *kept counts those not ignored. A
     * device that would have to wait for it takes NULL. */
    yoso_status (*cross_entropy)(const yo_view *loss, int64_t *kept, const yo_view *logits,
                                 const yo_view *labels, int64_t ignore, yo_stream *stream);
    /* grad [n] f32 with stride 0 or 1; the result is multiplied by scale. */
    yoso_status (*cross_entropy_grad)(const yo_view *grad_logits, const yo_view *grad, double scale,
                                      const yo_view *logits, const yo_view *labels, int64_t ignore,
                                      yo_stream *stream);
    /* One dimension each; loss and grad f32, grad with stride 0 or 1; kind is YOSO_LOSS_. */
    yoso_status (*pointwise_loss)(const yo_view *loss, int32_t kind, const yo_view *x,
                                  const yo_view *target, yo_stream *stream);
    yoso_status (*pointwise_loss_grad)(const yo_view *grad_x, int32_t kind, const yo_view *grad,
                                       double scale, const yo_view *x, const yo_view *target,
                                       yo_stream *stream);
    /* Optimisers: flat views; master (or NULL) and states f32, param and grad of one dtype. */
    yoso_status (*adamw)(const yo_view *param, const yo_view *master, const yo_view *mean,
                         const yo_view *square, const yo_view *grad, const yo_adamw *settings,
                         yo_stream *stream);
    yoso_status (*sgd)(const yo_view *param, const yo_view *master, const yo_view *velocity,
                       const yo_view *grad, const yo_sgd *settings, yo_stream *stream);

    /* -- the attention: out has value_size a head. stat, [rows, heads], may be NULL: it takes
     * what the gradient needs, 1 / length of the result before it was normalised (YOSO's forms)
     * or the logarithm of the sum of exponentials (softmax). */
    yoso_status (*yoso_expectation)(const yo_rows *out, float *stat, const yo_rows *q,
                                    const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                    yo_stream *stream);
    yoso_status (*yoso_sample)(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                               const yo_rows *v, const yo_attention *at, yo_stream *stream);
    yoso_status (*softmax_attention)(const yo_rows *out, float *stat, const yo_rows *q,
                                     const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                     yo_stream *stream);
    /* Their gradients from that of out. */
    yoso_status (*yoso_expectation_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                         const yo_rows *grad, const yo_rows *out, const float *stat,
                                         const yo_rows *q, const yo_rows *k, const yo_rows *v,
                                         const yo_attention *at, yo_stream *stream);
    yoso_status (*yoso_sample_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                    const yo_rows *grad, const yo_rows *out, const float *stat,
                                    const yo_rows *q, const yo_rows *k, const yo_rows *v,
                                    const yo_attention *at, yo_stream *stream);
    yoso_status (*softmax_attention_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                          const yo_rows *grad, const yo_rows *out,
                                          const float *stat, const yo_rows *q, const yo_rows *k,
                                          const yo_rows *v, const yo_attention *at,
                                          yo_stream *stream);
    /* The pieces alone, with one head: code is [rows of q_offset, M]; projection is
     * [sequences, D, M * T], sign [sequences, 3, P, D2] (see yoso_fast_hash). */
    yoso_status (*lsh_hash)(int32_t *code, const yo_rows *x, const float *projection,
                            const yo_attention *at, yo_stream *stream);
    yoso_status (*fast_hash)(int32_t *code, const yo_rows *x, const float *sign, int64_t sign_size,
                             const yo_attention *at, yo_stream *stream);
    /* Codes outside 0 .. 2^T - 1 are YOSO_MISUSE. head_size is that of the weights. */
    yoso_status (*lsh_cumulation)(const yo_rows *out, const int32_t *q_code, const int32_t *k_code,
                                  const yo_rows *v, const yo_attention *at, yo_stream *stream);
    /* Measured, for benchmarks; may be missing (see yoso_attention_parts). */
    yoso_status (*attention_parts)(double *nanoseconds, const yo_rows *q, const yo_rows *k,
                                   const yo_rows *v, const yo_attention *at);
    yoso_status (*lsh_weighted_cumulation)(const yo_rows *out, const int32_t *q_code,
                                           const yo_rows *q_weight, const int32_t *k_code,
                                           const yo_rows *k_weight, const yo_rows *v,
                                           const yo_attention *at, yo_stream *stream);

} yo_kernels;

#endif
