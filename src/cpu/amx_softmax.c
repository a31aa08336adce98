/* Softmax attention on tiles, for rows of bf16 (softmax_attention.c says what it is). */
#include "cpu/amx_pairs.h"

/* 2^x for x <= 0: the whole part goes into the exponent, 2^f for 0 <= f < 1 is a polynomial right
 * to 4e-6. */
YO_INLINE __m512 power_of_two(__m512 x)
{
    __m512 f = _mm512_reduce_ps(x, 1); /* x - floor(x) */
    __m512 p = _mm512_set1_ps(0.013670309f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.051744998f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.24160436f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.69297292f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0000035f));
    return _mm512_scalef_ps(p, x);
}

/* A new maximum: what was summed so far shrinks. */
static void shrink(const yo_amx_space *space, int64_t row, float factor)
{
    space->total[row] *= factor;
    float *out = space->out + row * space->width;
    for (int64_t e = 0; e < space->width; e += YO_LANES)
        yo_store(out + e, yo_load(out + e) * factor);
}

static void weigh(const yo_amx_pairs *pairs, const yo_amx_space *space, uint16_t *weight,
                  const float *score, int64_t row, int64_t columns)
{
    __m512 product[YO_AMX_PANEL / 16], most = _mm512_set1_ps(-INFINITY);
    for (int64_t j = 0; j < columns; j += 16) {
        product[j / 16] = _mm512_loadu_ps(score + j) + _mm512_loadu_ps(space->hidden + j);
        most = _mm512_max_ps(most, product[j / 16]);
    }
    float before = space->largest[row], largest = _mm512_reduce_max_ps(most);
    largest = largest < before ? before : largest;
    if (!(largest > -1e29f)) { /* nothing to attend to yet, or not a number */
        bool odd = largest != largest;
        memset(weight, odd ? 0xff : 0, (size_t)columns * sizeof *weight);
        space->total[row] = odd ? NAN : space->total[row];
        return;
    }
    if (largest > before) {
        space->largest[row] = largest;
        if (before > -INFINITY)
            shrink(space, row, exp2f((before - largest) * pairs->factor));
    }
    __m512 to_exponent = _mm512_set1_ps(pairs->factor), sum = _mm512_setzero_ps();
    __m512 shift = _mm512_set1_ps(largest);
    for (int64_t j = 0; j < columns; j += 32) {
        __m512 a = power_of_two((product[j / 16] - shift) * to_exponent);
        __m512 b = power_of_two((product[j / 16 + 1] - shift) * to_exponent);
        sum = sum + (a + b);
        yo_amx_store_weights(weight + j, (yo_vec)a, (yo_vec)b);
    }
    space->total[row] += _mm512_reduce_add_ps(sum);
}

static void end(const yo_amx_pairs *pairs, const yo_amx_space *space, const yo_job *job)
{
    const float ln2 = 0.693147181f;
    for (int64_t i = 0; i < job->count; i++) {
        float total = space->total[i], inverse = total == 0 ? 0 : 1 / total;
        float *row = space->out + i * space->width;
        for (int64_t e = 0; e < space->width; e += YO_LANES)
            yo_store(row + e, yo_load(row + e) * inverse);
        if (pairs->out.stat)
            pairs->out.stat[(job->first + i) * pairs->at->heads + job->head] =
                space->largest[i] * pairs->factor * ln2 + logf(total);
    }
    yo_result out = pairs->out;
    out.stat = NULL;
    YO_CPU(attention_finish)(&out, job->head, job->first, job->count, space->out, space->width);
}

yoso_status YO_CPU(amx_softmax)(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                                const yo_rows *v, const yo_attention *at)
{
    yo_amx_pairs pairs = {.at = at,
                          .q = yo_source_of(q, at->head_size, at->q_keep, false),
                          .k = yo_source_of(k, at->head_size, at->k_keep, false),
                          .v = yo_source_of(v, at->value_size, at->k_keep, false),
                          .out = {.rows = out,
                                  .size = at->value_size,
                                  .keep = at->q_keep,
                                  .scale = 1,
                                  .stat = stat,
                                  .heads = at->heads},
                          .weigh = weigh,
                          .end = end,
                          /* exp(x / sqrt(D)) = 2^(x factor) */
                          .factor = 1.44269504f / sqrtf((float)at->head_size)};
    return YO_CPU(amx_pairs)(&pairs);
}
