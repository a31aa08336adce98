/* The weighted cumulation alone, of codes and weights from the caller. */
#include "core/memory.h"
#include "cpu/lsh_meet.h"

/* Everything one sequence needs. */
typedef struct sequence_buffers {
    float *u, *z, *y, *sum, *scratch;
    uint16_t *a_code, *b_code;
} sequence_buffers;

static yoso_status one_sequence(const yo_rows *out, const int32_t *q_code, const yo_source *u,
                                const int32_t *k_code, const yo_source *z, const yo_source *y,
                                const yo_attention *at, int64_t s, const sequence_buffers *buffers)
{
    int64_t ld = yo_round_up(at->head_size, YO_LANES), y_ld = yo_round_up(y->size, YO_LANES);
    yo_side a = {.first = at->q_offset[s], .count = at->q_offset[s + 1] - at->q_offset[s]};
    yo_side b = {.first = at->k_offset[s], .count = at->k_offset[s + 1] - at->k_offset[s]};
    a.code = buffers->a_code, a.ld = a.count;
    b.code = buffers->b_code, b.ld = b.count;
    YO_TRY(YO_CPU(lsh_take_codes)(buffers->a_code, a.ld, q_code, a.first, a.count, at));
    YO_TRY(YO_CPU(lsh_take_codes)(buffers->b_code, b.ld, k_code, b.first, b.count, at));
    YO_CPU(attention_load)(buffers->u, ld, NULL, u, 0, a.first, a.count);
    YO_CPU(attention_load)(buffers->z, ld, NULL, z, 0, b.first, b.count);
    YO_CPU(attention_load)(buffers->y, y_ld, NULL, y, 0, b.first, b.count);
    memset(buffers->sum, 0, (size_t)(a.count * y_ld) * sizeof(float));
    yo_weighted w = {.sum = buffers->sum,
                     .u = buffers->u,
                     .z = buffers->z,
                     .y = buffers->y,
                     .ld = ld,
                     .y_ld = y_ld,
                     .a_keep = at->q_keep ? at->q_keep + a.first : NULL,
                     .b_keep = at->k_keep ? at->k_keep + b.first : NULL};
    YO_CPU(lsh_meet)(&w, at, &a, &b, buffers->scratch);
    float share = 1.0f / (float)at->num_hash;
    for (int64_t i = 0; i < a.count; i++) {
        float *row = buffers->sum + i * y_ld;
        for (int64_t e = 0; e < y->size; e++)
            row[e] *= share;
        YO_CPU(attention_store)(out, at->q_keep, 0, a.first + i, row, y->size);
    }
    return YOSO_OK;
}

yoso_status YO_CPU(lsh_weighted_cumulation)(const yo_rows *out, const int32_t *q_code,
                                            const yo_rows *q_weight, const int32_t *k_code,
                                            const yo_rows *k_weight, const yo_rows *v,
                                            const yo_attention *at, yo_stream *stream)
{
    (void)stream;
    yo_source u = yo_source_of(q_weight, at->head_size, at->q_keep, false);
    yo_source z = yo_source_of(k_weight, at->head_size, at->k_keep, false);
    yo_source y = yo_source_of(v, at->value_size, at->k_keep, false);
    int64_t ld = yo_round_up(at->head_size, YO_LANES), y_ld = yo_round_up(y.size, YO_LANES);
    int64_t queries = yo_longest(at->q_offset, at->sequences);
    int64_t keys = yo_longest(at->k_offset, at->sequences);
    size_t scratch = YO_CPU(lsh_meet_scratch)(at, queries, keys, ld, y_ld);
    size_t floats = (size_t)((queries + keys) * (ld + y_ld)) + scratch;
    size_t bytes =
        floats * sizeof(float) + (size_t)((queries + keys) * at->num_hash) * sizeof(uint16_t);
    sequence_buffers buffers;
    YO_TRY(yo_memory_take((void **)&buffers.u, bytes));
    buffers.z = buffers.u + queries * ld;
    buffers.y = buffers.z + keys * ld;
    buffers.sum = buffers.y + keys * y_ld;
    buffers.scratch = buffers.sum + queries * y_ld;
    buffers.a_code = (uint16_t *)(buffers.u + floats);
    buffers.b_code = buffers.a_code + queries * at->num_hash;
    yoso_status status = YOSO_OK;
    for (int64_t s = 0; s < at->sequences && status == YOSO_OK; s++)
        status = one_sequence(out, q_code, &u, k_code, &z, &y, at, s, &buffers);
    yo_memory_give(buffers.u, bytes);
    return status;
}
