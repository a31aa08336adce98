/* Sorted lines, the k first of each, and running sums. Every element becomes an unsigned key in
 * whose order the line is wanted (src/cpu/sort.c); keys carry their positions, which decide among
 * equals, so that a bitonic network sorts stably. */
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

struct Entry {
    uint64_t key;
    int64_t at;
};

/* Lines of the last dimension: all others number them. */
struct Lines {
    int32_t ndim;
    int64_t shape[YOSO_MAX_DIMS], stride[YOSO_MAX_DIMS];

    __device__ int64_t offset(int64_t line) const
    {
        int64_t result = 0;
        for (int32_t i = ndim - 2; i >= 0; i--) {
            result += line % shape[i] * stride[i];
            line /= shape[i];
        }
        return result;
    }
    __device__ int64_t step() const
    {
        return stride[ndim - 1];
    }
};

static Lines lines_of(const yo_view *view)
{
    Lines lines = {};
    lines.ndim = view->ndim;
    for (int32_t i = 0; i < view->ndim; i++) {
        lines.shape[i] = view->shape[i];
        lines.stride[i] = view->stride[i];
    }
    return lines;
}

static int64_t count_of(const yo_view *view)
{
    int64_t count = 1;
    for (int32_t i = 0; i < view->ndim; i++)
        count *= view->shape[i];
    return count;
}

/* NaN is the largest; both zeros are equal. */
__device__ static uint64_t key_of(const void *x, int64_t offset, int32_t dtype)
{
    if (!is_float(dtype))
        return (uint64_t)load_integer(x, offset, dtype) ^ ((uint64_t)1 << 63);
    float value = load_float(x, offset, dtype);
    if (value != value)
        return UINT32_MAX;
    uint32_t bits = (uint32_t)__float_as_int(value == 0.0f ? 0.0f : value);
    return bits & 0x80000000u ? (uint32_t)~bits : bits | 0x80000000u;
}

/* entries [lines, padded]; what is beyond n sorts to the end. */
__global__ void sort_load_kernel(Entry *entry, const void *x, int32_t dtype, Lines lines, int64_t n,
                                 int64_t padded, int64_t count, bool descending)
{
    FOR_MY_ELEMENTS(i, count * padded)
    {
        int64_t at = i % padded;
        Entry e = {UINT64_MAX, at};
        if (at < n) {
            e.key = key_of(x, lines.offset(i / padded) + at * lines.step(), dtype);
            e.key = descending ? ~e.key : e.key;
        }
        entry[i] = e;
    }
}

__device__ static bool is_before(const Entry &a, const Entry &b)
{
    return a.key < b.key || (a.key == b.key && a.at < b.at);
}

/* One step of the network: partners `stride` apart, in runs of `size` of alternating order. */
__global__ void sort_step_kernel(Entry *entry, int64_t padded, int64_t count, int64_t size,
                                 int64_t stride)
{
    FOR_MY_ELEMENTS(pair, count * padded / 2)
    {
        int64_t i = pair / stride * 2 * stride + pair % stride;
        bool rising = (i & (padded - 1) & size) == 0;
        Entry a = entry[i], b = entry[i + stride];
        if (is_before(b, a) == rising) {
            entry[i] = b;
            entry[i + stride] = a;
        }
    }
}

__global__ void sort_write_kernel(void *values, int64_t *places, const void *x, int32_t dtype,
                                  const Entry *entry, Lines to_values, Lines to_places, Lines from,
                                  int64_t k, int64_t padded, int64_t count, int64_t first)
{
    FOR_MY_ELEMENTS(i, count * k)
    {
        int64_t line = i / k, at = entry[line * padded + i % k].at;
        int64_t source = from.offset(line) + at * from.step();
        int64_t target = to_values.offset(line) + i % k * to_values.step();
        if (is_float(dtype))
            store_float(values, target, dtype, load_float(x, source, dtype));
        else
            store_integer(values, target, dtype, load_integer(x, source, dtype));
        places[to_places.offset(line) + i % k * to_places.step()] = first + at;
    }
}

yoso_status yo_cuda_sort(const yo_view *values, const yo_view *places, const yo_view *x,
                         int32_t descending, int64_t first, yo_stream *stream)
{
    int64_t n = x->shape[x->ndim - 1], k = values->shape[x->ndim - 1], padded = 1;
    int64_t count = n > 0 ? count_of(x) / n : 0;
    if (count == 0 || k == 0)
        return YOSO_OK;
    while (padded < n)
        padded *= 2;
    Scratch entries;
    YO_TRY(entries.take((size_t)(count * padded) * sizeof(Entry)));
    Entry *entry = entries.as<Entry>();
    unsigned blocks = blocks_for(count * padded, THREADS);
    YO_TRY(launch("sort", sort_load_kernel, blocks, THREADS, 0, stream, entry, x->data, x->dtype,
                  lines_of(x), n, padded, count, descending != 0));
    for (int64_t size = 2; size <= padded; size *= 2)
        for (int64_t stride = size / 2; stride > 0; stride /= 2)
            YO_TRY(launch("sort", sort_step_kernel, blocks, THREADS, 0, stream, entry, padded,
                          count, size, stride));
    return launch("sort", sort_write_kernel, blocks_for(count * k, THREADS), THREADS, 0, stream,
                  values->data, (int64_t *)places->data, x->data, x->dtype, entry, lines_of(values),
                  lines_of(places), lines_of(x), k, padded, count, first);
}

/* The sum up to this lane. */
template <class T> __device__ inline T warp_scan(T x)
{
    for (int step = 1; step < WARP; step *= 2) {
        T below = __shfl_up_sync(FULL, x, step);
        x += (int)(threadIdx.x % WARP) >= step ? below : T(0);
    }
    return x;
}

/* A warp a line: 32 elements at a time, with what came before carried along. */
__global__ void cumsum_kernel(void *out, int32_t out_dtype, const void *x, int32_t dtype, Lines to,
                              Lines from, int64_t n, bool reverse)
{
    int64_t source = from.offset(blockIdx.x), target = to.offset(blockIdx.x);
    double carry = 0;
    unsigned long long whole_carry = 0;
    for (int64_t start = 0; start < n; start += WARP) {
        int64_t step = start + threadIdx.x, i = reverse ? n - 1 - step : step;
        bool inside = step < n;
        if (is_float(dtype)) {
            double value = inside ? (double)load_float(x, source + i * from.step(), dtype) : 0;
            double sum = carry + warp_scan(value);
            carry = __shfl_sync(FULL, sum, WARP - 1);
            if (inside)
                store_float(out, target + i * to.step(), out_dtype, (float)sum);
        } else {
            unsigned long long value =
                inside ? (unsigned long long)load_integer(x, source + i * from.step(), dtype) : 0;
            unsigned long long sum = whole_carry + warp_scan(value);
            whole_carry = __shfl_sync(FULL, sum, WARP - 1);
            if (inside)
                store_integer(out, target + i * to.step(), out_dtype, (int64_t)sum);
        }
    }
}

yoso_status yo_cuda_cumsum(const yo_view *out, const yo_view *x, int32_t reverse, yo_stream *stream)
{
    int64_t n = x->shape[x->ndim - 1];
    int64_t count = n > 0 ? count_of(x) / n : 0;
    return launch("cumsum", cumsum_kernel, (unsigned)count, WARP, 0, stream, out->data, out->dtype,
                  x->data, x->dtype, lines_of(out), lines_of(x), n, reverse != 0);
}
