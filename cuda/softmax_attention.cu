/* Softmax attention, the baseline, with a running maximum, and its exact gradient. */
#include "cuda/pairs_kernel.cuh"

using namespace yo_cuda;

static Pairs pairs_for(const yo_attention *at)
{
    Pairs pairs = {};
    pairs.heads = at->heads;
    pairs.scale = pairs.factor = 1 / sqrtf((float)at->head_size);
    return pairs;
}

static int64_t widest(const yo_attention *at)
{
    return at->head_size > at->value_size ? at->head_size : at->value_size;
}

yoso_status yo_cuda_softmax_attention(const yo_rows *out, float *stat, const yo_rows *q,
                                      const yo_rows *k, const yo_rows *v, const yo_attention *at,
                                      yo_stream *stream)
{
    Operands operands;
    int64_t count;
    Pairs pairs = pairs_for(at);
    operands.take(q, k, v, at);
    YO_TRY(make_jobs(&pairs.jobs, &count, at, at->q_offset, at->k_offset,
                     rows_of_block<SOFTMAX, true, false>(v->dtype, widest(at))));
    pairs.x = operands.q;
    pairs.y = operands.k;
    pairs.z = operands.v;
    pairs.plain = *out;
    pairs.row_keep = at->q_keep;
    pairs.stat = stat;
    dim3 grid((unsigned)count, (unsigned)at->heads);
    return pairs_sum<SOFTMAX, true, false>("softmax_attention", pairs, grid, stream);
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
    Operands operands;
    Scratch shifts;
    int64_t count, key_count, queries = at->q_offset[at->sequences], numbers = queries * at->heads;
    Pairs of_query = pairs_for(at), of_key = pairs_for(at);
    operands.take(q, k, v, at);
    YO_TRY(make_jobs(&of_query.jobs, &count, at, at->q_offset, at->k_offset,
                     rows_of_block<SOFTMAX_GRAD, false, true>(v->dtype, widest(at))));
    YO_TRY(make_jobs(&of_key.jobs, &key_count, at, at->k_offset, at->q_offset,
                     rows_of_block<SOFTMAX_GRAD, true, true>(v->dtype, widest(at))));
    YO_TRY(shifts.take((size_t)numbers * sizeof(float)));
    Source result_grad = source_of(grad, at->value_size, queries, at->q_keep);
    unsigned blocks = (unsigned)((numbers * WARP + THREADS - 1) / THREADS);
    YO_TRY(launch("softmax_attention_grad", shift_kernel, blocks, THREADS, 0, stream,
                  shifts.as<float>(), result_grad,
                  source_of(out, at->value_size, queries, at->q_keep), at->heads, numbers));
    of_query.x = operands.q;
    of_query.u = result_grad;
    of_query.y = operands.k;
    of_query.z = operands.v;
    of_query.weighted = *dq;
    of_query.row_keep = at->q_keep;
    of_query.row_log = stat;
    of_query.row_shift = shifts.as<float>();
    dim3 grid((unsigned)count, (unsigned)at->heads);
    YO_TRY((pairs_sum<SOFTMAX_GRAD, false, true>("softmax_attention_grad", of_query, grid, stream)));
    of_key.x = operands.k;
    of_key.u = operands.v;
    of_key.y = operands.q;
    of_key.z = result_grad;
    of_key.plain = *dv;
    of_key.weighted = *dk;
    of_key.row_keep = at->k_keep;
    of_key.column_log = stat;
    of_key.column_shift = shifts.as<float>();
    dim3 key_grid((unsigned)key_count, (unsigned)at->heads);
    return pairs_sum<SOFTMAX_GRAD, true, true>("softmax_attention_grad", of_key, key_grid, stream);
}
