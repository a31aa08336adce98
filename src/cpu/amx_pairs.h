/* Sums over all pairs of queries and keys by the matrix unit, for rows of bf16:
 *     out_i = sum_j w_ij v_j,   w_ij = weight(q_i . k_j),
 * with products and sums in f32 and weights of bf16. Keys pass by in panels that stay in the
 * nearest caches while all queries of a block meet them, 16 at a time. */
#ifndef YO_CPU_AMX_PAIRS_H
#define YO_CPU_AMX_PAIRS_H

#include "cpu/amx.h"
#include "cpu/attention.h"
#include "cpu/tile.h"

/* Queries a job, keys a panel, queries at a time. */
enum { YO_AMX_QUERIES = 1024, YO_AMX_PANEL = 128, YO_AMX_SOME = YO_AMX_ROWS };

typedef struct yo_amx_pairs yo_amx_pairs;

/* What one thread works on: some rows of one head against one panel. */
typedef struct yo_amx_space {
    int64_t depth, width;       /* D rounded up to 32, value_size to 16 */
    uint16_t *q, *k, *v;        /* tiles of the block's queries, the panel's keys and values */
    float *out;                 /* [YO_AMX_QUERIES, width] */
    float *score;               /* [YO_AMX_SOME, YO_AMX_PANEL] */
    uint16_t *weight;           /* [YO_AMX_SOME, YO_AMX_PANEL] */
    float *q_number, *k_number; /* 1 / length of each, where the form wants them */
    float *largest, *total;     /* [YO_AMX_QUERIES]: the softmax's running maximum and sum */
    float *hidden;              /* [YO_AMX_PANEL]: 0, or very negative for keys not to be seen */
} yo_amx_space;

/* Weights of query number `row` of the block, from its `columns` products, a multiple of 32. */
typedef void yo_amx_weigh(const yo_amx_pairs *pairs, const yo_amx_space *space, uint16_t *weight,
                          const float *score, int64_t row, int64_t columns);
/* Rows of sums to results. */
typedef void yo_amx_end(const yo_amx_pairs *pairs, const yo_amx_space *space, const yo_job *job);

struct yo_amx_pairs {
    const yo_attention *at;
    yo_source q, k, v;
    yo_result out;
    yo_amx_weigh *weigh;
    yo_amx_end *end;
    float factor;
};

yoso_status YO_CPU(amx_pairs)(const yo_amx_pairs *pairs);

/* The forms' kernels for operands of bf16. */
yoso_status YO_CPU(amx_expectation)(const yo_rows *out, float *stat, const yo_rows *q,
                                    const yo_rows *k, const yo_rows *v, const yo_attention *at);
yoso_status YO_CPU(amx_softmax)(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                                const yo_rows *v, const yo_attention *at);

/* Values as right factors, pairs of keys by 16 columns: tile [keys / 32][width / 16]. */
void YO_CPU(amx_pack_values)(uint16_t *tile, const yo_source *v, int64_t head, int64_t first,
                             int64_t count, int64_t width);
/* out[16, width] += weight[16, YO_AMX_PANEL] v for `columns` keys, a multiple of 32. */
void YO_CPU(amx_add)(float *out, const uint16_t *weight, const uint16_t *v, int64_t width,
                     int64_t columns);

/* Weights of 16 columns each, side by side. */
YO_INLINE void yo_amx_store_weights(uint16_t *weight, yo_vec low, yo_vec high)
{
    _mm512_storeu_si512(weight, (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low));
}

#endif
