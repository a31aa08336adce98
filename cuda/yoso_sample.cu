/* YOSO's sampled attention and its gradient, put together from the hash and the cumulations. The
 * gradient draws the same projections again, so that forward keeps no codes. */
#include "cuda/lsh_weighted.cuh"

using namespace yo_cuda;

/* The codes of both sides. */
struct BothCodes {
    Hasher hasher;
    OwnCodes q, k;

    yoso_status hash(const Operands &operands, const yo_attention *at, yo_stream *stream)
    {
        YO_TRY(hasher.draw(at, stream));
        YO_TRY(q.hash(hasher, operands.q, at, at->q_offset, stream));
        return k.hash(hasher, operands.k, at, at->k_offset, stream);
    }
};

yoso_status yo_cuda_yoso_sample(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                                const yo_rows *v, const yo_attention *at, yo_stream *stream)
{
    BothCodes codes;
    Operands operands;
    operands.take(q, k, v, at);
    YO_TRY(codes.hash(operands, at, stream));
    return cumulate(out, stat, at->normalize, codes.q.codes, at->q_offset, at->q_keep,
                    codes.k.codes, at->k_offset, operands.v, at, stream);
}

yoso_status yo_cuda_yoso_sample_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                     const yo_rows *grad, const yo_rows *out, const float *stat,
                                     const yo_rows *q, const yo_rows *k, const yo_rows *v,
                                     const yo_attention *at, yo_stream *stream)
{
    if (!at->lsh_backward)
        return yo_cuda_yoso_expectation_grad(dq, dk, dv, grad, out, stat, q, k, v, at, stream);
    BothCodes codes;
    Operands operands;
    Sorting queries, keys;
    Source result;
    Scratch own;
    operands.take(q, k, v, at);
    YO_TRY(operands.normalize(at, stream));
    YO_TRY(codes.hash(operands, at, stream));
    YO_TRY(result_grad(&result, &own, grad, out, stat, at, stream));
    YO_TRY(queries.sort(codes.q.codes, at->q_keep, at->q_offset, at, stream));
    YO_TRY(keys.sort(codes.k.codes, at->k_keep, at->k_offset, at, stream));
    /* dv_j = 1 / M sum over h, i with equal codes of g_i;
     * dq_i = T / 2M sum over h, j with equal codes of (g_i . v_j) k_j; dk_j likewise. */
    YO_TRY(cumulate(dv, nullptr, false, codes.k.codes, at->k_offset, at->k_keep, codes.q.codes,
                    at->q_offset, result, at, stream));
    float scale = 0.5f * (float)at->code_len / (float)at->num_hash;
    WeightedCumulation of_query = {
        *dq,        scale,        operands.q,   result,       operands.v,  operands.k,
        at->q_keep, at->q_offset, at->k_offset, queries.rows, keys.rows};
    YO_TRY(cumulate_weighted(of_query, at, stream));
    WeightedCumulation of_key = {
        *dk,        scale,        operands.k,   operands.v, result,      operands.q,
        at->k_keep, at->k_offset, at->q_offset, keys.rows,  queries.rows};
    return cumulate_weighted(of_key, at, stream);
}
