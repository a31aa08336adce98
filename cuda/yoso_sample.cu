/* YOSO's sampled attention and its gradient, put together from the hash and the cumulations. The
 * gradient draws the same projections again, so that forward keeps no codes. */
#include "cuda/lsh.cuh"

using namespace yo_cuda;

/* Codes of both sides, with the memory that holds them. */
struct BothCodes {
    Scratch numbers, q_code, k_code;
    Codes q, k;

    yoso_status hash(const yo_rows *q_rows, const yo_rows *k_rows, const yo_attention *at,
                     yo_stream *stream)
    {
        Hasher hasher;
        YO_TRY(draw_hasher(&hasher, &numbers, at, stream));
        YO_TRY(one_side(&q, &q_code, hasher, q_rows, at->q_keep, at->q_offset, at, stream));
        return one_side(&k, &k_code, hasher, k_rows, at->k_keep, at->k_offset, at, stream);
    }

  private:
    static yoso_status one_side(Codes *codes, Scratch *code, const Hasher &hasher, const yo_rows *x,
                                const uint8_t *keep, const int64_t *offset, const yo_attention *at,
                                yo_stream *stream)
    {
        int64_t rows = offset[at->sequences];
        YO_TRY(code->take((size_t)(rows * at->heads * at->num_hash) * sizeof(uint16_t)));
        *codes = Codes{code->as<uint16_t>(), rows, at->num_hash};
        return hash_codes(code->as<uint16_t>(), hasher, source_of(x, at->head_size, keep, false),
                          at, offset, stream);
    }
};

yoso_status yo_cuda_yoso_sample(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                                const yo_rows *v, const yo_attention *at, yo_stream *stream)
{
    BothCodes codes;
    YO_TRY(codes.hash(q, k, at, stream));
    return cumulate(out, stat, at->normalize, codes.q, at->q_offset, at->q_keep, codes.k,
                    at->k_offset, source_of(v, at->value_size, at->k_keep, false), at, stream);
}

/* Lengths that no sum of values has: the query met no key. */
const float NO_LENGTH = 0.99e12f;

/* rows[token][head][i] = the source's rows as they are to be read. A query that met no key has
 * nothing to tell any: its gradient, 1e12 times too large, would only cost the others the bits
 * of their common fixed point. A warp for a row of a head. */
__global__ void materialize_kernel(float *rows, Source source, int64_t count)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (i >= count)
        return;
    bool met = !source.of_result || source.inverse[i] < NO_LENGTH;
    stage_row(rows + i * source.size, source, i % source.heads, met ? i / source.heads : -1,
              (int)source.size);
}

yoso_status yo_cuda_yoso_sample_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                     const yo_rows *grad, const yo_rows *out, const float *stat,
                                     const yo_rows *q, const yo_rows *k, const yo_rows *v,
                                     const yo_attention *at, yo_stream *stream)
{
    if (!at->lsh_backward)
        return yo_cuda_yoso_expectation_grad(dq, dk, dv, grad, out, stat, q, k, v, at, stream);
    BothCodes codes;
    Scratch result_rows;
    int64_t rows = at->q_offset[at->sequences], count = rows * at->heads;
    YO_TRY(codes.hash(q, k, at, stream));
    YO_TRY(result_rows.take((size_t)(count * at->value_size) * sizeof(float)));
    YO_TRY(launch("yoso_sample_grad", materialize_kernel,
                  (unsigned)((count * WARP + THREADS - 1) / THREADS), THREADS, 0, stream,
                  result_rows.as<float>(), source_of_grad(grad, out, stat, at), count));
    yo_rows g = {result_rows.as<float>(), YOSO_F32, at->heads * at->value_size, at->value_size};
    Source query = source_of(q, at->head_size, at->q_keep, at->normalize);
    Source key = source_of(k, at->head_size, at->k_keep, at->normalize);
    Source value = source_of(v, at->value_size, at->k_keep, false);
    Source result = source_of(&g, at->value_size, at->q_keep, false);
    float scale = 0.5f * (float)at->code_len / (float)at->num_hash;
    /* dv_j = 1 / M sum over h, i with equal codes of g_i;
     * dq_i = T / 2M sum over h, j with equal codes of (g_i . v_j) k_j; dk_j likewise. */
    YO_TRY(cumulate(dv, nullptr, false, codes.k, at->k_offset, at->k_keep, codes.q, at->q_offset,
                    result, at, stream));
    YO_TRY(cumulate_weighted(dq, scale, query, codes.q, at->q_offset, result, at->q_keep, codes.k,
                             at->k_offset, value, key, at, stream));
    return cumulate_weighted(dk, scale, key, codes.k, at->k_offset, value, at->k_keep, codes.q,
                             at->q_offset, result, query, at, stream);
}
