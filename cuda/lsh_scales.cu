/* The scales of the sampled sum's fixed point: for each sequence, head and dim the k with which
 * 2^k sum |v| < 2^30, so that no bucket overflows. */
#include <stdlib.h>

#include "cuda/lsh_cumulation.cuh"

using namespace yo_cuda;

const int SUM_ROWS = 512; /* of a block */

/* part[job][head][dim] = sum of |v|, and the largest, over the job's rows. */
__global__ void sizes_kernel(float2 *part, const Job *jobs, Source v, int64_t heads)
{
    SHARED(float2, shared, 8 * WARP);
    Job job = jobs[blockIdx.x];
    int64_t head = blockIdx.y, dim = blockIdx.z * WARP + threadIdx.x % WARP;
    int warp = threadIdx.x / WARP;
    float2 size = {0, 0};
    if (dim < v.size)
        for (int64_t j = job.first + warp; j < job.first + job.count; j += 8) {
            float x = v.kept(j) ? fabsf(v.at(j, head, dim)) : 0.0f;
            size.x += x;
            size.y = fmaxf(size.y, x);
        }
    shared[threadIdx.x] = size;
    __syncthreads();
    if (warp > 0 || dim >= v.size)
        return;
    for (int w = 1; w < 8; w++) {
        size.x += shared[w * WARP + threadIdx.x].x;
        size.y = fmaxf(size.y, shared[w * WARP + threadIdx.x].y);
    }
    part[(blockIdx.x * heads + head) * v.size + dim] = size;
}

/* Power of two above x, for x that has one. */
__device__ static int power_above(float x)
{
    int power = 0;
    if (isfinite(x) && x > 0)
        frexpf(x, &power);
    return power;
}

/* exponent[sequence][head][dim] of the parts of the sequence, whose jobs begin at start[sequence].
 * With `few` bits of a value the conversion is one addition. */
__global__ void exponent_kernel(int32_t *exponent, const float2 *part, const int64_t *start,
                                int64_t numbers, bool few)
{
    int64_t i = (int64_t)blockIdx.y * blockDim.x + threadIdx.x, sequence = blockIdx.x;
    if (i >= numbers)
        return;
    float sum = 0, most = 0;
    for (int64_t job = start[sequence]; job < start[sequence + 1]; job++) {
        sum += part[job * numbers + i].x;
        most = fmaxf(most, part[job * numbers + i].y);
    }
    int power = 29 - power_above(sum), of_one = 21 - power_above(most);
    power = few && of_one < power ? of_one : power;
    exponent[sequence * numbers + i] = power < 126 ? power > -126 ? power : -126 : 126;
}

yoso_status yo_cuda::find_exponents(Scratch *exponent, const Source &v, const int64_t *offset,
                                    const yo_attention *at, yo_stream *stream)
{
    Scratch part;
    const Job *jobs;
    int64_t count, numbers = at->heads * v.size;
    YO_TRY(make_jobs(&jobs, &count, at, offset, offset, SUM_ROWS));
    int64_t *start = static_cast<int64_t *>(malloc((size_t)(at->sequences + 1) * sizeof(int64_t)));
    if (!start)
        return yo_cuda_fail(YOSO_NO_MEMORY, "lsh_cumulation: no memory for %lld sequences",
                            (long long)at->sequences);
    start[0] = 0;
    for (int64_t s = 0; s < at->sequences; s++)
        start[s + 1] = start[s] + (offset[s + 1] - offset[s] + SUM_ROWS - 1) / SUM_ROWS;
    const void *starts;
    yoso_status status = constant(&starts, start, (size_t)(at->sequences + 1) * sizeof(int64_t));
    free(start);
    YO_TRY(status);
    YO_TRY(part.take((size_t)(count * numbers) * sizeof(float2)));
    YO_TRY(exponent->take((size_t)(at->sequences * numbers) * sizeof(int32_t)));
    dim3 grid((unsigned)count, (unsigned)at->heads, (unsigned)((v.size + WARP - 1) / WARP));
    YO_TRY(launch("lsh_cumulation", sizes_kernel, grid, 8 * WARP, 0, stream, part.as<float2>(),
                  jobs, v, at->heads));
    dim3 places((unsigned)at->sequences, (unsigned)((numbers + THREADS - 1) / THREADS));
    return launch("lsh_cumulation", exponent_kernel, places, THREADS, 0, stream,
                  exponent->as<int32_t>(), part.as<float2>(), static_cast<const int64_t *>(starts),
                  numbers, v.rows.dtype != YOSO_F32);
}
