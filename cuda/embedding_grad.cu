/* The gradient of an embedding: the rows of every id's places added up, in their order. Places are
 * sorted by id, stably; then stretches of the sorted list are added up, and ids that fill more than
 * one stretch are put together. Nothing depends on how often an id comes. */
#include "cuda/fault.cuh"
#include "cuda/rows.cuh"
#include "cuda/scan.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

const int STRETCH = EMULATED ? 8 : 64; /* sorted places of a block */
const int64_t CHUNK = EMULATED ? 32 : 1024, MOST_COUNTS = (int64_t)1 << 24;

/* The ids, and the table's rows; one more row takes what is left out. */
struct Ids {
    const void *data;
    int32_t dtype;
    int64_t count, rows, padding, chunk, chunks;

    __device__ int64_t row(int64_t place, Fault *fault) const
    {
        int64_t id = load_integer(data, place, dtype);
        if (id >= 0 && id < rows)
            return id == padding ? rows : id;
        report(fault, ID_RANGE, id, place + 1, rows - 1, 0);
        return rows;
    }
};

/* count[chunk][row] of the chunk's places. */
__global__ void count_kernel(int32_t *count, Ids ids, Fault *fault)
{
    FOR_MY_ELEMENTS(place, ids.count)
    {
        atomicAdd(count + place / ids.chunk * (ids.rows + 1) + ids.row(place, fault), 1);
    }
}

/* count[chunk][row] become those of the chunks before; total[row] that of all. */
__global__ void count_before_kernel(int64_t *total, int32_t *count, Ids ids)
{
    FOR_MY_ELEMENTS(row, ids.rows + 1)
    {
        int32_t sum = 0;
        for (int64_t chunk = 0; chunk < ids.chunks; chunk++) {
            int32_t *at = count + chunk * (ids.rows + 1) + row, here = *at;
            *at = sum;
            sum += here;
        }
        total[row] = sum;
    }
}

/* Places in the order of their rows: a warp for each chunk, 32 places at a time. */
__global__ void place_kernel(int32_t *sorted, int32_t *row_of_place, int32_t *count,
                             const int64_t *start, Ids ids, Fault *fault)
{
    int lane = threadIdx.x;
    int32_t *before = count + blockIdx.x * (ids.rows + 1);
    int64_t end = (blockIdx.x + 1) * ids.chunk < ids.count ? (blockIdx.x + 1) * ids.chunk : ids.count;
    for (int64_t base = blockIdx.x * ids.chunk; base < end; base += WARP) {
        int64_t place = base + lane;
        int32_t row = place < end ? (int32_t)ids.row(place, fault) : -1;
        unsigned peers = __match_any_sync(FULL, row), earlier = peers & ((1u << lane) - 1);
        int64_t to = row >= 0 ? start[row] + before[row] + __popc(earlier) : 0;
        __syncwarp();
        if (row >= 0 && earlier == 0)
            before[row] += __popc(peers);
        if (row >= 0) {
            sorted[to] = (int32_t)place;
            row_of_place[to] = row;
        }
        __syncwarp();
    }
}

/* The sorted list, and the sums of rows that begin or end outside their stretch. */
struct Stretches {
    const int32_t *place, *row;
    float *part; /* [stretch][2][width]: of the first row, if it began before; of the last, if it
                    begins here and goes on */
    int64_t count, rows, width;

    __device__ bool same(int64_t i, int64_t j) const
    {
        return i >= 0 && j < count && row[i] == row[j];
    }
};

__device__ static void add_to(void *table, int64_t at, int32_t dtype, float x)
{
    store_float(table, at, dtype, load_float(table, at, dtype) + x);
}

__global__ void add_stretch_kernel(void *grad_table, const void *grad, int32_t dtype, Stretches s)
{
    int64_t first = (int64_t)blockIdx.x * STRETCH, end = first + STRETCH;
    end = end < s.count ? end : s.count;
    float *part = s.part + 2 * blockIdx.x * s.width;
    FOR_MY_COLUMNS(i, s.width)
    {
        float sum = 0;
        int64_t begin = first;
        for (int64_t k = first; k < end; k++) {
            sum += s.row[k] < s.rows ? load_float(grad, s.place[k] * s.width + i, dtype) : 0.0f;
            if (k + 1 < end && s.same(k, k + 1))
                continue;
            bool from_before = begin == first && s.same(first - 1, first);
            if (from_before)
                part[i] = sum;
            else if (s.same(k, k + 1))
                part[s.width + i] = sum;
            else if (s.row[k] < s.rows)
                add_to(grad_table, s.row[k] * s.width + i, dtype, sum);
            sum = 0;
            begin = k + 1;
        }
    }
}

/* The row that begins in this stretch and goes on: its parts in order. */
__global__ void join_stretches_kernel(void *grad_table, int32_t dtype, Stretches s)
{
    int64_t last = ((int64_t)blockIdx.x + 1) * STRETCH - 1;
    if (!s.same(last, last + 1) || s.row[last] >= s.rows)
        return;
    int64_t first = (int64_t)blockIdx.x * STRETCH;
    if (s.row[first] == s.row[last] && s.same(first - 1, first))
        return; /* it began before */
    FOR_MY_COLUMNS(i, s.width)
    {
        float sum = s.part[(2 * blockIdx.x + 1) * s.width + i];
        for (int64_t stretch = blockIdx.x + 1; s.same(last, stretch * STRETCH); stretch++)
            sum += s.part[2 * stretch * s.width + i];
        add_to(grad_table, s.row[last] * s.width + i, dtype, sum);
    }
}

yoso_status yo_cuda_embedding_grad(const yo_view *grad_table, const yo_view *grad,
                                   const yo_view *ids_view, int64_t padding, yo_stream *stream)
{
    Ids ids = {ids_view->data, ids_view->dtype, ids_view->shape[0], grad_table->shape[0],
               padding,        CHUNK,           0};
    while ((ids.count / ids.chunk + 1) * (ids.rows + 1) > MOST_COUNTS && ids.chunk < ids.count)
        ids.chunk *= 2;
    ids.chunks = (ids.count + ids.chunk - 1) / ids.chunk;
    if (ids.count == 0)
        return YOSO_OK;
    Scratch count, start, place, row, part;
    int64_t stretches = (ids.count + STRETCH - 1) / STRETCH, width = grad->shape[1];
    YO_TRY(count.take((size_t)(ids.chunks * (ids.rows + 1)) * sizeof(int32_t)));
    YO_TRY(start.take((size_t)(ids.rows + 2) * sizeof(int64_t)));
    YO_TRY(place.take((size_t)ids.count * sizeof(int32_t)));
    YO_TRY(row.take((size_t)ids.count * sizeof(int32_t)));
    YO_TRY(part.take((size_t)(2 * stretches * width) * sizeof(float)));
    YO_TRY(count.zero(stream));
    YO_TRY(launch("embedding_grad", count_kernel, blocks_for(ids.count, THREADS), THREADS, 0,
                  stream, count.as<int32_t>(), ids, fault_record()));
    YO_TRY(launch("embedding_grad", count_before_kernel, blocks_for(ids.rows + 1, THREADS), THREADS,
                  0, stream, start.as<int64_t>(), count.as<int32_t>(), ids));
    YO_TRY(running_sums("embedding_grad", start.as<int64_t>(), ids.rows + 1, stream));
    YO_TRY(launch("embedding_grad", place_kernel, (unsigned)ids.chunks, WARP, 0, stream,
                  place.as<int32_t>(), row.as<int32_t>(), count.as<int32_t>(), start.as<int64_t>(),
                  ids, fault_record()));
    Stretches s = {place.as<int32_t>(), row.as<int32_t>(), part.as<float>(), ids.count, ids.rows,
                   width};
    YO_TRY(launch("embedding_grad", add_stretch_kernel, (unsigned)stretches, ROW_THREADS, 0, stream,
                  grad_table->data, grad->data, grad->dtype, s));
    return launch("embedding_grad", join_stretches_kernel, (unsigned)stretches, ROW_THREADS, 0,
                  stream, grad_table->data, grad->dtype, s);
}
