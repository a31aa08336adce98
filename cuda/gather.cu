/* Elements picked, placed and found by position. */
#include "cuda/fault.cuh"
#include "cuda/rows.cuh"
#include "cuda/scan.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

/* Copies one element of `bytes` bytes. */
__device__ static void copy_element(void *out, int64_t to, const void *x, int64_t from,
                                    int32_t bytes)
{
    switch (bytes) {
    case 1:
        static_cast<uint8_t *>(out)[to] = static_cast<const uint8_t *>(x)[from];
        break;
    case 2:
        static_cast<uint16_t *>(out)[to] = static_cast<const uint16_t *>(x)[from];
        break;
    case 4:
        static_cast<uint32_t *>(out)[to] = static_cast<const uint32_t *>(x)[from];
        break;
    default:
        static_cast<uint64_t *>(out)[to] = static_cast<const uint64_t *>(x)[from];
    }
}

static int32_t bytes_of(int32_t dtype)
{
    switch (dtype) {
    case YOSO_U8:
    case YOSO_BOOL:
        return 1;
    case YOSO_F16:
    case YOSO_BF16:
        return 2;
    case YOSO_I64:
        return 8;
    default:
        return 4;
    }
}

/* A position counted from `first` as one from 0; -1, and a fault, when it is out of range. */
__device__ static int64_t checked_position(const void *index, int32_t dtype, int64_t at,
                                           int64_t first, int64_t size, FaultKind kind,
                                           Fault *fault)
{
    uint64_t from_zero = (uint64_t)load_integer(index, at, dtype) - (uint64_t)first;
    if (from_zero < (uint64_t)size)
        return (int64_t)from_zero;
    report(fault, kind, first, first + size - 1, 0, 0);
    return -1;
}

/* Views: out, index, and where the elements come from but for what the position adds. */
__global__ void gather_kernel(void *out, const void *x, int32_t bytes, const void *index,
                              int32_t index_dtype, int64_t size, int64_t stride, int64_t first,
                              Walk<3> walk, Fault *fault)
{
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[3];
        walk.offsets(i, offset);
        int64_t p =
            checked_position(index, index_dtype, offset[1], first, size, GATHER_RANGE, fault);
        if (p >= 0)
            copy_element(out, offset[0], x, offset[2] + p * stride, bytes);
    }
}

/* Two positions can meet only along the dimension, so a thread takes a whole line of it. */
__global__ void scatter_kernel(void *out, int32_t dtype, int64_t size, int64_t out_step,
                               const void *index, int32_t index_dtype, int64_t index_step,
                               const void *x, int64_t x_step, int64_t length, int64_t first,
                               bool add, Walk<3> walk, Fault *fault)
{
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[3];
        walk.offsets(i, offset);
        for (int64_t d = 0; d < length; d++) {
            int64_t p = checked_position(index, index_dtype, offset[1] + d * index_step, first,
                                         size, SCATTER_RANGE, fault);
            if (p < 0)
                continue;
            int64_t to = offset[0] + p * out_step, from = offset[2] + d * x_step;
            if (is_float(dtype)) {
                float value = load_float(x, from, dtype);
                store_float(out, to, dtype, add ? value + load_float(out, to, dtype) : value);
            } else {
                uint64_t value = (uint64_t)load_integer(x, from, dtype);
                value += add ? (uint64_t)load_integer(out, to, dtype) : 0;
                store_integer(out, to, dtype, (int64_t)value);
            }
        }
    }
}

/* Elements a block looks through. */
const int64_t STRETCH = 4096;

__device__ static bool is_nonzero(const void *x, int64_t offset, int32_t dtype)
{
    return is_float(dtype) ? load_float(x, offset, dtype) != 0
                           : load_integer(x, offset, dtype) != 0;
}

/* count[block] = nonzero elements of the block's stretch. */
__global__ void nonzero_count_kernel(int64_t *count, const void *x, int32_t dtype, Walk<1> walk)
{
    int64_t start = blockIdx.x * STRETCH, found = 0;
    int64_t stop = start + STRETCH < walk.count ? start + STRETCH : walk.count;
    for (int64_t i = start + threadIdx.x; i < stop; i += blockDim.x) {
        int64_t offset[1];
        walk.offsets(i, offset);
        found += is_nonzero(x, offset[0], dtype);
    }
    found = (int64_t)block_sum((double)found);
    if (threadIdx.x == 0)
        count[blockIdx.x] = found;
}

/* A warp a block, 32 elements at a time, so that places come in the order of memory. */
__global__ void nonzero_write_kernel(int64_t *places, const int64_t *start, const void *x,
                                     int32_t dtype, Walk<1> walk, yo_view shape, int64_t first)
{
    int64_t begin = blockIdx.x * STRETCH, place = start[blockIdx.x];
    int64_t stop = begin + STRETCH < walk.count ? begin + STRETCH : walk.count;
    unsigned lane = threadIdx.x;
    for (int64_t i = begin; i < stop; i += WARP) {
        int64_t element = i + lane, offset[1];
        bool found = false;
        if (element < stop) {
            walk.offsets(element, offset);
            found = is_nonzero(x, offset[0], dtype);
        }
        unsigned all = __ballot_sync(FULL, found);
        int64_t at = place + __popc(all & ((1u << lane) - 1));
        for (int32_t d = shape.ndim - 1; found && d >= 0; d--) {
            places[at * shape.ndim + d] = first + element % shape.shape[d];
            element /= shape.shape[d];
        }
        place += __popc(all);
    }
}

yoso_status yo_cuda_gather(const yo_view *out, const yo_view *x, const yo_view *index, int32_t dim,
                           int64_t first, yo_stream *stream)
{
    yo_view origin = *x;
    for (int32_t i = 0; i < out->ndim; i++)
        origin.shape[i] = out->shape[i];
    origin.stride[dim] = 0;
    Walk<3> walk = walk_over<3>({out, index, &origin});
    return launch("gather", gather_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  out->data, x->data, bytes_of(x->dtype), index->data, index->dtype, x->shape[dim],
                  x->stride[dim], first, walk, fault_record());
}

yoso_status yo_cuda_scatter(const yo_view *out, const yo_view *index, const yo_view *x, int32_t dim,
                            int64_t first, int32_t add, yo_stream *stream)
{
    yo_view target = *out, where = *index, source = *x;
    where.shape[dim] = source.shape[dim] = 1;
    for (int32_t i = 0; i < out->ndim; i++)
        target.shape[i] = where.shape[i];
    Walk<3> walk = walk_over<3>({&target, &where, &source});
    return launch("scatter", scatter_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, out->shape[dim], out->stride[dim], index->data,
                  index->dtype, index->stride[dim], x->data, x->stride[dim], index->shape[dim],
                  first, add != 0, walk, fault_record());
}

yoso_status yo_cuda_nonzero(int64_t *count, int64_t *places, const yo_view *x, int64_t first,
                            yo_stream *stream)
{
    Walk<1> walk = walk_over<1>({x});
    int64_t blocks = (walk.count + STRETCH - 1) / STRETCH;
    Scratch starts;
    YO_TRY(starts.take((size_t)(blocks + 1) * sizeof(int64_t)));
    YO_TRY(launch("nonzero", nonzero_count_kernel, (unsigned)blocks, THREADS, 0, stream,
                  starts.as<int64_t>(), x->data, x->dtype, walk));
    YO_TRY(running_sums("nonzero", starts.as<int64_t>(), blocks, stream));
    if (places)
        YO_TRY(launch("nonzero", nonzero_write_kernel, (unsigned)blocks, WARP, 0, stream, places,
                      starts.as<int64_t>(), x->data, x->dtype, walk, *x, first));
    return starts.download(count, (size_t)blocks);
}
