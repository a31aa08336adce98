/* YOSO's expectation and its surrogate gradient (src/cpu/yoso_expectation.c has the formulas). */
#include "cuda/pairs.cuh"

using namespace yo_cuda;

static Pairs pairs_for(const yo_attention *at)
{
    Pairs pairs = {};
    pairs.heads = at->heads;
    pairs.code_len = at->code_len;
    pairs.scale = 0.5f * (float)at->code_len;
    for (int i = 0; i < YO_ARCCOS_TERMS; i++)
        pairs.terms[i] = yo_arccos_terms[i];
    return pairs;
}

yoso_status yo_cuda_yoso_expectation(const yo_rows *out, float *stat, const yo_rows *q,
                                     const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                     yo_stream *stream)
{
    Scratch jobs;
    int64_t count;
    YO_TRY(make_jobs(&jobs, &count, at, at->q_offset, at->k_offset, ROWS, stream));
    Pairs pairs = pairs_for(at);
    pairs.jobs = jobs.as<Job>();
    pairs.x = source_of(q, at->head_size, at->q_keep, at->normalize);
    pairs.y = source_of(k, at->head_size, at->k_keep, at->normalize);
    pairs.z = source_of(v, at->value_size, at->k_keep, false);
    pairs.plain = *out;
    pairs.row_keep = at->q_keep;
    pairs.normalize_plain = at->normalize;
    pairs.stat = stat;
    return pairs_sum<EXPECTATION>("yoso_expectation", pairs, count, 1, stream);
}

yoso_status yo_cuda_yoso_expectation_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                          const yo_rows *grad, const yo_rows *out,
                                          const float *stat, const yo_rows *q, const yo_rows *k,
                                          const yo_rows *v, const yo_attention *at,
                                          yo_stream *stream)
{
    Scratch jobs, key_jobs;
    int64_t count, key_count;
    YO_TRY(make_jobs(&jobs, &count, at, at->q_offset, at->k_offset, ROWS, stream));
    YO_TRY(make_jobs(&key_jobs, &key_count, at, at->k_offset, at->q_offset, ROWS, stream));
    Source query = source_of(q, at->head_size, at->q_keep, at->normalize);
    Source key = source_of(k, at->head_size, at->k_keep, at->normalize);
    Source value = source_of(v, at->value_size, at->k_keep, false);
    Source result_grad = source_of_grad(grad, out, stat, at);
    Pairs of_query = pairs_for(at), of_key = pairs_for(at);
    of_query.jobs = jobs.as<Job>();
    of_query.x = query;
    of_query.u = result_grad;
    of_query.y = key;
    of_query.z = value;
    of_query.weighted = *dq;
    of_query.row_keep = at->q_keep;
    YO_TRY(pairs_sum<EXPECTATION>("yoso_expectation_grad", of_query, count, 1, stream));
    of_key.jobs = key_jobs.as<Job>();
    of_key.x = key;
    of_key.u = value;
    of_key.y = query;
    of_key.z = result_grad;
    of_key.plain = *dv;
    of_key.weighted = *dk;
    of_key.row_keep = at->k_keep;
    return pairs_sum<EXPECTATION>("yoso_expectation_grad", of_key, key_count, 1, stream);
}
