/* YOSO's expectation on tiles, for rows of bf16 (yoso_expectation.c says what it is). Products are
 * exact before the division by the lengths, so that equal vectors weigh 1; weights are right to the
 * 2^-9 that bf16 holds. */
#include "core/arccos_power.h"
#include "cpu/amx_pairs.h"

/* x^(T / 2) for x > 0, T a constant where this is inlined. */
YO_INLINE __m512 half_power(__m512 x, const int code_len)
{
    __m512 result = _mm512_set1_ps(1), x2 = x * x, x4 = x2 * x2;
    if (code_len & 1)
        result = x * _mm512_rsqrt14_ps(x);
    if (code_len & 2)
        result = result * x;
    if (code_len & 4)
        result = result * x2;
    if (code_len & 8)
        result = result * x4;
    if (code_len & 16)
        result = result * (x4 * x4);
    return result;
}

/* The weights of 16 products, times minus half of 1 / both lengths. */
YO_INLINE __m512 weight_of(__m512 product, __m512 factor, const int code_len)
{
    __m512 one = _mm512_set1_ps(1), least = _mm512_set1_ps(1e-30f);
    __m512 y = _mm512_fmadd_ps(product, factor, _mm512_set1_ps(0.5f));
    y = _mm512_max_ps(least, y); /* in this order a NaN stays one */
    __m512 s = y * _mm512_rsqrt14_ps(y);
    __m512 p = _mm512_set1_ps(yo_arccos_short[YO_ARCCOS_SHORT - 1]);
#pragma GCC unroll 4
    for (int i = YO_ARCCOS_SHORT - 2; i >= 0; i--)
        p = _mm512_fmadd_ps(p, s, _mm512_set1_ps(yo_arccos_short[i]));
    p = _mm512_fmadd_ps(p, s, one);
    return half_power(_mm512_max_ps(least, (one - s) * p), code_len);
}

YO_INLINE void weigh_row(const yo_amx_space *space, uint16_t *weight, const float *score,
                         int64_t row, int64_t columns, const int code_len)
{
    __m512 factor = _mm512_set1_ps(-0.5f * space->q_number[row]);
    for (int64_t j = 0; j < columns; j += 32) {
        __m512 low = factor * _mm512_loadu_ps(space->k_number + j);
        __m512 high = factor * _mm512_loadu_ps(space->k_number + j + 16);
        __m512 a = weight_of(_mm512_loadu_ps(score + j), low, code_len);
        __m512 b = weight_of(_mm512_loadu_ps(score + j + 16), high, code_len);
        yo_amx_store_weights(weight + j, (yo_vec)a, (yo_vec)b);
    }
}

/* One copy of the loop for each T, its power unrolled. */
#define CASE(T)                                                                                    \
    case T:                                                                                        \
        weigh_row(space, weight, score, row, columns, T);                                          \
        break

static void weigh(const yo_amx_pairs *pairs, const yo_amx_space *space, uint16_t *weight,
                  const float *score, int64_t row, int64_t columns)
{
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

static void end(const yo_amx_pairs *pairs, const yo_amx_space *space, const yo_job *job)
{
    YO_CPU(attention_finish)
    (&pairs->out, job->head, job->first, job->count, space->out, space->width);
}

yoso_status YO_CPU(amx_expectation)(const yo_rows *out, float *stat, const yo_rows *q,
                                    const yo_rows *k, const yo_rows *v, const yo_attention *at)
{
    yo_amx_pairs pairs = {.at = at,
                          .q = yo_source_of(q, at->head_size, at->q_keep, at->normalize),
                          .k = yo_source_of(k, at->head_size, at->k_keep, at->normalize),
                          .v = yo_source_of(v, at->value_size, at->k_keep, false),
                          .out = {.rows = out,
                                  .size = at->value_size,
                                  .keep = at->q_keep,
                                  .scale = 1,
                                  .unit = at->normalize,
                                  .stat = stat,
                                  .heads = at->heads},
                          .weigh = weigh,
                          .end = end};
    return YO_CPU(amx_pairs)(&pairs);
}
