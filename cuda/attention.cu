/* The host's half of attention.cuh, and what is computed of operands beforehand. */
#include "cuda/attention.cuh"

#include <stdlib.h>

namespace yo_cuda
{

static bool is_aligned(const yo_rows *rows, int64_t size)
{
    int64_t each = rows->dtype == YOSO_F32 ? 4 : 2; /* elements of 16 bytes */
    each = 16 / each;
    return (uintptr_t)rows->data % 16 == 0 && rows->token % each == 0 && rows->head % each == 0 &&
           size % each == 0;
}

Source source_of(const yo_rows *rows, int64_t size, int64_t tokens, const uint8_t *keep)
{
    Source source = {};
    source.rows = *rows;
    source.size = size;
    source.tokens = tokens;
    source.keep = keep;
    source.vectors = is_aligned(rows, size);
    return source;
}

/* inverse[head][token] = 1 / length of the row: a warp for each row of a head. */
__global__ void inverse_length_kernel(float *inverse, Source source, int64_t heads)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (i >= source.tokens * heads)
        return;
    int64_t token = i / heads, head = i % heads;
    float squares = 0;
    for (int64_t e = threadIdx.x % WARP; e < source.size && source.kept(token); e += WARP) {
        float x = source.at(token, head, e);
        squares += x * x;
    }
    squares = warp_reduce(squares, Add());
    if (threadIdx.x % WARP == 0)
        inverse[head * source.tokens + token] = inverse_length(squares);
}

/* A warp for each of so many rows. */
static unsigned warps_for(int64_t rows)
{
    return (unsigned)((rows * WARP + THREADS - 1) / THREADS);
}

static yoso_status to_length_1(Source *source, Scratch *inverse, int64_t heads, yo_stream *stream)
{
    YO_TRY(inverse->take((size_t)(source->tokens * heads) * sizeof(float)));
    YO_TRY(launch("attention", inverse_length_kernel, warps_for(source->tokens * heads), THREADS, 0,
                  stream, inverse->as<float>(), *source, heads));
    source->inverse = inverse->as<float>();
    return YOSO_OK;
}

void Operands::take(const yo_rows *q_rows, const yo_rows *k_rows, const yo_rows *v_rows,
                    const yo_attention *at)
{
    int64_t queries = at->q_offset[at->sequences], keys = at->k_offset[at->sequences];
    q = source_of(q_rows, at->head_size, queries, at->q_keep);
    k = source_of(k_rows, at->head_size, keys, at->k_keep);
    v = source_of(v_rows, at->value_size, keys, at->k_keep);
}

yoso_status Operands::normalize(const yo_attention *at, yo_stream *stream)
{
    if (!at->normalize)
        return YOSO_OK;
    YO_TRY(to_length_1(&q, &q_inverse, at->heads, stream));
    return to_length_1(&k, &k_inverse, at->heads, stream);
}

/* Lengths that no sum of values has: the query met no key. Its gradient, 1e12 times too large,
 * has nothing to tell any of them. */
const float NO_LENGTH = 0.99e12f;

/* rows[token][head][i]: a warp for a row of a head. */
__global__ void result_grad_kernel(void *rows, Source grad, Source out, const float *stat,
                                   int64_t heads)
{
    int64_t i = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP;
    if (i >= grad.tokens * heads)
        return;
    int64_t token = i / heads, head = i % heads;
    float inverse = stat[i], along = 0;
    bool there = grad.kept(token) && inverse < NO_LENGTH;
    for (int64_t e = threadIdx.x % WARP; e < grad.size && there; e += WARP)
        along += grad.at(token, head, e) * out.at(token, head, e);
    along = warp_reduce(along, Add());
    for (int64_t e = threadIdx.x % WARP; e < grad.size; e += WARP) {
        float g = there ? (grad.at(token, head, e) - along * out.at(token, head, e)) * inverse : 0;
        store_float(rows, i * grad.size + e, grad.rows.dtype, g);
    }
}

yoso_status result_grad(Source *source, Scratch *own, const yo_rows *grad, const yo_rows *out,
                        const float *stat, const yo_attention *at, yo_stream *stream)
{
    int64_t tokens = at->q_offset[at->sequences], numbers = tokens * at->heads * at->value_size;
    Source plain = source_of(grad, at->value_size, tokens, at->q_keep);
    *source = plain;
    if (!at->normalize)
        return YOSO_OK;
    YO_TRY(own->take((size_t)numbers * (grad->dtype == YOSO_F32 ? 4 : 2)));
    YO_TRY(launch("attention_grad", result_grad_kernel, warps_for(tokens * at->heads), THREADS, 0,
                  stream, own->as<void>(), plain, source_of(out, at->value_size, tokens, nullptr),
                  stat, at->heads));
    yo_rows rows = {own->as<void>(), grad->dtype, at->heads * at->value_size, at->value_size};
    *source = source_of(&rows, at->value_size, tokens, at->q_keep);
    return YOSO_OK;
}

/* The jobs depend on the offsets alone: what one batch of these lengths had serves the next. */
yoso_status make_jobs(const Job **jobs, int64_t *count, const yo_attention *at,
                      const int64_t *row_offset, const int64_t *column_offset, int64_t block)
{
    int64_t total = 0;
    for (int64_t s = 0; s < at->sequences; s++)
        total += (row_offset[s + 1] - row_offset[s] + block - 1) / block;
    Job *list = static_cast<Job *>(malloc((size_t)(total ? total : 1) * sizeof(Job)));
    if (!list)
        return yo_cuda_fail(YOSO_NO_MEMORY, "attention: no memory for %lld jobs", (long long)total);
    Job *next = list;
    for (int64_t s = 0; s < at->sequences; s++)
        for (int64_t first = row_offset[s]; first < row_offset[s + 1]; first += block) {
            int64_t left = row_offset[s + 1] - first;
            *next++ = Job{(int32_t)first,
                          (int32_t)(left < block ? left : block),
                          (int32_t)column_offset[s],
                          (int32_t)column_offset[s + 1],
                          (int32_t)s,
                          (int32_t)row_offset[s],
                          (int32_t)row_offset[s + 1]};
        }
    *count = total;
    const void *copy;
    yoso_status status = constant(&copy, list, (size_t)total * sizeof(Job));
    free(list);
    *jobs = static_cast<const Job *>(copy);
    return status;
}

} // namespace yo_cuda
