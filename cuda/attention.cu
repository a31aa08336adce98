/* The host's half of attention.cuh. */
#include "cuda/attention.cuh"

#include <stdlib.h>

namespace yo_cuda
{

Source source_of(const yo_rows *rows, int64_t size, const uint8_t *keep, bool unit)
{
    Source source = {};
    source.rows = *rows;
    source.size = size;
    source.keep = keep;
    source.unit = unit;
    return source;
}

Source source_of_grad(const yo_rows *grad, const yo_rows *out, const float *stat,
                      const yo_attention *at)
{
    Source source = source_of(grad, at->value_size, at->q_keep, false);
    source.of_result = at->normalize;
    source.result = *out;
    source.inverse = stat;
    source.heads = at->heads;
    source.heads = at->heads;
    return source;
}

yoso_status make_jobs(Scratch *jobs, int64_t *count, const yo_attention *at,
                      const int64_t *row_offset, const int64_t *column_offset, int64_t block,
                      yo_stream *stream)
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
            *next++ =
                Job{first, left < block ? left : block, column_offset[s], column_offset[s + 1], s};
        }
    *count = total;
    yoso_status status = jobs->upload(list, (size_t)total * sizeof(Job), stream);
    free(list);
    return status;
}

} // namespace yo_cuda
