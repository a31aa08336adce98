/* YOSO's expectation: out_i = sum_j (1 - arccos(q_i . k_j) / pi)^T v_j, the probability that T
 * random hyperplanes leave q_i and k_j on one side, times v_j (arXiv 2111.09714, equation 3);
 * and its surrogate gradient, in which T / 2 times the weight stands for the weight's
 * derivative: dq_i = sum_j T / 2 w_ij (g_i . v_j) k_j. */
#include "core/arccos_power.h"
#include "cpu/pairs.h"
#include "cpu/short_pairs.h"
#if defined(__AMX_TILE__)
#include "cpu/amx_pairs.h"
#endif

/* h^(T / 2), T a constant where this is inlined. */
YO_INLINE yo_vec half_power(yo_vec h, const int code_len)
{
    yo_vec h2 = h * h, h4 = h2 * h2, result = yo_splat(1);
    if (code_len & 1)
        result = yo_sqrt(h);
    if (code_len & 2)
        result = result * h;
    if (code_len & 4)
        result = result * h2;
    if (code_len & 8)
        result = result * h4;
    if (code_len & 16)
        result = result * (h4 * h4);
    return result;
}

/* b = (1 - arccos(b) / pi)^T; what rounding put outside [-1, 1] is brought back. */
YO_INLINE void collision_probability(float *b, int64_t columns, const int code_len)
{
    for (int64_t j = 0; j < columns; j += YO_LANES)
#pragma GCC unroll 8
        for (int64_t r = 0; r < YO_TILE_ROWS; r++) {
            float *place = b + r * YO_PANEL + j;
            yo_vec x = yo_load(place), half = yo_splat(0.5f);
            /* The constant comes first so that a NaN stays one. */
            yo_vec s = yo_sqrt(yo_max(yo_splat(0), yo_fma(x, -half, half)));
            yo_vec p = yo_splat(yo_arccos_terms[YO_ARCCOS_TERMS - 1]);
#pragma GCC unroll 16
            for (int i = YO_ARCCOS_TERMS - 2; i >= 0; i--)
                p = yo_fma(p, s, yo_splat(yo_arccos_terms[i]));
            p = yo_fma(p, s, yo_splat(1));
            yo_vec rest = 1 - s;
            if (code_len == 1) /* a square root awaits: 1 - s must be right near 0 too */
                rest -= half * (yo_fma(-s, s, yo_splat(1)) - yo_fma(x, half, half));
            yo_store(place, half_power(yo_max(yo_splat(0), rest) * p, code_len));
        }
}

/* One copy of the loop for each T, its power unrolled. */
#define CASE(T)                                                                                    \
    case T:                                                                                        \
        collision_probability(b, columns, T);                                                      \
        break

static void weigh(float *b, int64_t columns, const float *row_log, const float *column_log,
                  const yo_pairs *pairs)
{
    (void)row_log, (void)column_log;
    switch (pairs->at->code_len) {
        CASE(1);
        CASE(2);
        CASE(3);
        CASE(4);
        CASE(5);
        CASE(6);
        CASE(7);
        CASE(8);
        CASE(9);
        CASE(10);
        CASE(11);
        CASE(12);
        CASE(13);
        CASE(14);
        CASE(15);
        CASE(16);
    }
}

yoso_status YO_CPU(yoso_expectation)(const yo_rows *out, float *stat, const yo_rows *q,
                                     const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                     yo_stream *stream)
{
    (void)stream;
#if defined(__AMX_TILE__)
    if (q->dtype == YOSO_BF16)
        return YO_CPU(amx_expectation)(out, stat, q, k, v, at);
#endif
    yo_pairs pairs = {.at = at,
                      .row_offset = at->q_offset,
                      .column_offset = at->k_offset,
                      .x = yo_source_of(q, at->head_size, at->q_keep, at->normalize),
                      .y = yo_source_of(k, at->head_size, at->k_keep, at->normalize),
                      .z = yo_source_of(v, at->value_size, at->k_keep, false),
                      .plain = out,
                      .normalize_plain = at->normalize,
                      .stat = stat};
    return YO_CPU(pairs_sum)(&pairs, weigh);
}

yoso_status YO_CPU(yoso_expectation_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                          const yo_rows *grad, const yo_rows *out,
                                          const float *stat, const yo_rows *q, const yo_rows *k,
                                          const yo_rows *v, const yo_attention *at,
                                          yo_stream *stream)
{
    (void)stream;
    yo_source query = yo_source_of(q, at->head_size, at->q_keep, at->normalize);
    yo_source key = yo_source_of(k, at->head_size, at->k_keep, at->normalize);
    yo_source value = yo_source_of(v, at->value_size, at->k_keep, false);
    yo_source result_grad = yo_source_of_grad(grad, out, stat, at);
    if (yo_are_short(at)) {
        yo_pairs all = {.at = at,
                        .x = query,
                        .u = result_grad,
                        .y = key,
                        .z = value,
                        .scale = 0.5f * (float)at->code_len};
        return YO_CPU(short_pairs_grad)(dq, dk, dv, &all, weigh);
    }
    yo_pairs of_query = {.at = at,
                         .row_offset = at->q_offset,
                         .column_offset = at->k_offset,
                         .x = query,
                         .u = result_grad,
                         .y = key,
                         .z = value,
                         .weighted = dq,
                         .scale = 0.5f * (float)at->code_len};
    YO_TRY(YO_CPU(pairs_sum)(&of_query, weigh));
    yo_pairs of_key = {.at = at,
                       .row_offset = at->k_offset,
                       .column_offset = at->q_offset,
                       .x = key,
                       .u = value,
                       .y = query,
                       .z = result_grad,
                       .plain = dv,
                       .weighted = dk,
                       .scale = 0.5f * (float)at->code_len};
    return YO_CPU(pairs_sum)(&of_key, weigh);
}
