/* Softmax attention, the baseline, with a running maximum, and its exact gradient. */
#include "cuda/pairs.cuh"

using namespace yo_cuda;

yoso_status yo_cuda_softmax_attention(const yo_rows *out, float *stat, const yo_rows *q,
                                      const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                      yo_stream *stream)
{
    Scratch jobs;
    int64_t count;
    YO_TRY(make_jobs(&jobs, &count, at, at->q_offset, at->k_offset, ROWS, stream));
    Pairs pairs = {};
    pairs.jobs = jobs.as<Job>();
    pairs.heads = at->heads;
    pairs.factor = 1 / sqrtf((float)at->head_size);
    pairs.x = source_of(q, at->head_size, at->q_keep, false);
    pairs.y = source_of(k, at->head_size, at->k_keep, false);
    pairs.z = source_of(v, at->value_size, at->k_keep, false);
    pairs.plain = *out;
    pairs.row_keep = at->q_keep;
    pairs.stat = stat;
    return pairs_sum<SOFTMAX>("softmax_attention", pairs, count, 1, stream);
}

/* shift[row, head] = g . out, what the softmax's gradient subtracts: a warp for each. */
__global__ void shift_kernel(float *shift, Source grad, Source out, int64_t heads, int64_t count)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (i >= count)
        return;
    int64_t token = i / heads, head = i % heads;
    float sum = 0;
    if (grad.kept(token))
        for (int64_t e = threadIdx.x % WARP; e < grad.size; e += WARP)
            sum += grad.at(token, head, e) * out.at(token, head, e);
    sum = warp_reduce(sum, Add());
    if (threadIdx.x % WARP == 0)
        shift[i] = sum;
}

yoso_status yo_cuda_softmax_attention_grad(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                           const yo_rows *grad, const yo_rows *out,
                                           const float *stat, const yo_rows *q, const yo_rows *k,
                                           const yo_rows *v, const yo_attention *at,
                                           yo_stream *stream)
{
    Scratch jobs, key_jobs, shifts;
    int64_t count, key_count, numbers = at->q_offset[at->sequences] * at->heads;
    YO_TRY(make_jobs(&jobs, &count, at, at->q_offset, at->k_offset, ROWS, stream));
    YO_TRY(make_jobs(&key_jobs, &key_count, at, at->k_offset, at->q_offset, ROWS, stream));
    YO_TRY(shifts.take((size_t)numbers * sizeof(float)));
    Source query = source_of(q, at->head_size, at->q_keep, false);
    Source key = source_of(k, at->head_size, at->k_keep, false);
    Source value = source_of(v, at->value_size, at->k_keep, false);
    Source result_grad = source_of(grad, at->value_size, at->q_keep, false);
    unsigned blocks = (unsigned)((numbers * WARP + THREADS - 1) / THREADS);
    YO_TRY(launch("softmax_attention_grad", shift_kernel, blocks, THREADS, 0, stream,
                  shifts.as<float>(), result_grad,
                  source_of(out, at->value_size, at->q_keep, false), at->heads, numbers));
    Pairs of_query = {};
    of_query.heads = at->heads;
    of_query.scale = of_query.factor = 1 / sqrtf((float)at->head_size);
    Pairs of_key = of_query;
    of_query.jobs = jobs.as<Job>();
    of_query.x = query;
    of_query.u = result_grad;
    of_query.y = key;
    of_query.z = value;
    of_query.weighted = *dq;
    of_query.row_keep = at->q_keep;
    of_query.row_log = stat;
    of_query.row_shift = shifts.as<float>();
    YO_TRY(pairs_sum<SOFTMAX_GRAD>("softmax_attention_grad", of_query, count, 1, stream));
    of_key.jobs = key_jobs.as<Job>();
    of_key.x = key;
    of_key.u = value;
    of_key.y = query;
    of_key.z = result_grad;
    of_key.plain = *dv;
    of_key.weighted = *dk;
    of_key.row_keep = at->k_keep;
    of_key.column_log = stat;
    of_key.column_shift = shifts.as<float>();
    return pairs_sum<SOFTMAX_GRAD>("softmax_attention_grad", of_key, key_count, 1, stream);
}
