/* YOSO's expectation and its surrogate gradient (src/cpu/yoso_expectation.c has the formulas). */
#include "cuda/pairs_kernel.cuh"

using namespace yo_cuda;

static Pairs pairs_for(const yo_attention *at)
{
    Pairs pairs = {};
    pairs.heads = at->heads;
    pairs.collision = collision_of(at->code_len);
    pairs.scale = 0.5f * (float)at->code_len;
    return pairs;
}

/* The larger of the two sizes of a head. */
static int64_t widest(const yo_attention *at)
{
    return at->head_size > at->value_size ? at->head_size : at->value_size;
}

yoso_status yo_cuda_yoso_expectation(const yo_rows *out, float *stat, const yo_rows *q,
                                     const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                     yo_stream *stream)
{
    Operands operands;
    int64_t count;
    Pairs pairs = pairs_for(at);
    operands.take(q, k, v, at);
    YO_TRY(operands.normalize(at, stream));
    YO_TRY(make_jobs(&pairs.jobs, &count, at, at->q_offset, at->k_offset,
                     rows_of_block<EXPECTATION, true, false>(v->dtype, widest(at))));
    pairs.x = operands.q;
    pairs.y = operands.k;
    pairs.z = operands.v;
    pairs.plain = *out;
    pairs.row_keep = at->q_keep;
    pairs.normalize_plain = at->normalize;
    pairs.stat = stat;
    dim3 grid((unsigned)count, (unsigned)at->heads);
    return pairs_sum<EXPECTATION, true, false>("yoso_expectation", pairs, grid, stream);
}

yoso_status yo_cuda_yoso_expectation_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                          const yo_rows *grad, const yo_rows *out,
                                          const float *stat, const yo_rows *q, const yo_rows *k,
                                          const yo_rows *v, const yo_attention *at,
                                          yo_stream *stream)
{
    Operands operands;
    Scratch own;
    Source result;
    int64_t count, key_count;
    Pairs of_query = pairs_for(at), of_key = pairs_for(at);
    operands.take(q, k, v, at);
    YO_TRY(operands.normalize(at, stream));
    YO_TRY(result_grad(&result, &own, grad, out, stat, at, stream));
    YO_TRY(make_jobs(&of_query.jobs, &count, at, at->q_offset, at->k_offset,
                     rows_of_block<EXPECTATION, false, true>(v->dtype, widest(at))));
    YO_TRY(make_jobs(&of_key.jobs, &key_count, at, at->k_offset, at->q_offset,
                     rows_of_block<EXPECTATION, true, true>(v->dtype, widest(at))));
    of_query.x = operands.q;
    of_query.u = result;
    of_query.y = operands.k;
    of_query.z = operands.v;
    of_query.weighted = *dq;
    of_query.row_keep = at->q_keep;
    dim3 grid((unsigned)count, (unsigned)at->heads);
    YO_TRY((pairs_sum<EXPECTATION, false, true>("yoso_expectation_grad", of_query, grid, stream)));
    of_key.x = operands.k;
    of_key.u = operands.v;
    of_key.y = operands.q;
    of_key.z = result;
    of_key.plain = *dv;
    of_key.weighted = *dk;
    of_key.row_keep = at->k_keep;
    dim3 key_grid((unsigned)key_count, (unsigned)at->heads);
    return pairs_sum<EXPECTATION, true, true>("yoso_expectation_grad", of_key, key_grid, stream);
}
