/* Running sums: of stretches, then of their totals, then of the elements. */
#include "cuda/scan.cuh"
#include "cuda/rows.cuh"

using namespace yo_cuda;

const int SCAN_THREADS = 256, SCAN_EACH = 4, SCAN_STRETCH = SCAN_THREADS * SCAN_EACH;

/* The sum of x over the threads before this one; *total over all. */
__device__ static int64_t sum_before(int64_t x, int64_t *total)
{
    SHARED(int64_t, part, SCAN_THREADS / WARP);
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    int64_t sum = x;
    for (int step = 1; step < WARP; step *= 2) {
        int64_t below = __shfl_up_sync(FULL, (long long)sum, step);
        sum += lane >= step ? below : 0;
    }
    __syncthreads(); /* nobody still reads what an earlier call left */
    if (lane == WARP - 1)
        part[warp] = sum;
    __syncthreads();
    int64_t before = sum - x, all = 0;
    for (int w = 0; w < SCAN_THREADS / WARP; w++) {
        before += w < warp ? part[w] : 0;
        all += part[w];
    }
    *total = all;
    return before;
}

__global__ void stretch_sums_kernel(int64_t *sum, const int64_t *list, int64_t count)
{
    int64_t first = (int64_t)blockIdx.x * SCAN_STRETCH + threadIdx.x, mine = 0, total;
    for (int i = 0; i < SCAN_EACH; i++)
        if (first + i * SCAN_THREADS < count)
            mine += list[first + i * SCAN_THREADS];
    sum_before(mine, &total);
    if (threadIdx.x == 0)
        sum[blockIdx.x] = total;
}

/* One block: the stretches' sums become those before each, and the last one that of all. */
__global__ void join_sums_kernel(int64_t *sum, int64_t stretches, int64_t *all)
{
    int64_t carry = 0;
    for (int64_t base = 0; base < stretches; base += SCAN_THREADS) {
        int64_t i = base + threadIdx.x, total;
        int64_t before = sum_before(i < stretches ? sum[i] : 0, &total);
        if (i < stretches)
            sum[i] = carry + before;
        carry += total;
    }
    if (threadIdx.x == 0)
        *all = carry;
}

__global__ void spread_sums_kernel(int64_t *list, const int64_t *sum, int64_t count)
{
    int64_t first = (int64_t)blockIdx.x * SCAN_STRETCH + threadIdx.x * SCAN_EACH, total;
    int64_t mine[SCAN_EACH], all = 0;
    for (int i = 0; i < SCAN_EACH; i++) {
        mine[i] = first + i < count ? list[first + i] : 0;
        all += mine[i];
    }
    int64_t before = sum[blockIdx.x] + sum_before(all, &total);
    for (int i = 0; i < SCAN_EACH; i++) {
        if (first + i < count)
            list[first + i] = before;
        before += mine[i];
    }
}

yoso_status yo_cuda::running_sums(const char *name, int64_t *list, int64_t count, yo_stream *stream)
{
    int64_t stretches = (count + SCAN_STRETCH - 1) / SCAN_STRETCH;
    Scratch sum;
    YO_TRY(sum.take((size_t)stretches * sizeof(int64_t)));
    YO_TRY(launch(name, stretch_sums_kernel, (unsigned)stretches, SCAN_THREADS, 0, stream,
                  sum.as<int64_t>(), list, count));
    YO_TRY(launch(name, join_sums_kernel, 1, SCAN_THREADS, 0, stream, sum.as<int64_t>(), stretches,
                  list + count));
    return launch(name, spread_sums_kernel, (unsigned)stretches, SCAN_THREADS, 0, stream, list,
                  sum.as<int64_t>(), count);
}
