/* Rows of a table by id, and their gradient: a block for each id. */
#include "cuda/fault.cuh"
#include "cuda/rows.cuh"

using namespace yo_cuda;

__device__ static int64_t checked_id(const void *ids, int32_t dtype, int64_t i, int64_t rows,
                                     Fault *fault)
{
    int64_t id = load_integer(ids, i, dtype);
    if (id >= 0 && id < rows)
        return id;
    if (threadIdx.x == 0)
        report(fault, ID_RANGE, id, i + 1, rows - 1, 0);
    return -1;
}

__global__ void embedding_kernel(void *out, const void *ids, int32_t ids_dtype, const void *table,
                                 int32_t dtype, int64_t rows, int64_t width, int64_t step,
                                 Fault *fault)
{
    int64_t id = checked_id(ids, ids_dtype, blockIdx.x, rows, fault);
    FOR_MY_COLUMNS(i, width)
    {
        store_float(out, blockIdx.x * width + i, dtype,
                    id < 0 ? 0.0f : load_float(table, id * step + i, dtype));
    }
}

/* The first place of an id adds all its rows, in order: no atomics, the same bits every time. */
__global__ void embedding_grad_kernel(void *grad_table, const void *grad, int32_t dtype,
                                      const void *ids, int32_t ids_dtype, int64_t count,
                                      int64_t rows, int64_t width, int64_t padding, Fault *fault)
{
    int64_t place = blockIdx.x, id = checked_id(ids, ids_dtype, place, rows, fault);
    if (id < 0 || id == padding)
        return;
    int earlier = 0;
    FOR_MY_COLUMNS(j, place)
    {
        earlier |= load_integer(ids, j, ids_dtype) == id;
    }
    if (block_sum(earlier) > 0)
        return;
    FOR_MY_COLUMNS(i, width)
    {
        float sum = load_float(grad_table, id * width + i, dtype);
        for (int64_t j = place; j < count; j++)
            if (load_integer(ids, j, ids_dtype) == id)
                sum += load_float(grad, j * width + i, dtype);
        store_float(grad_table, id * width + i, dtype, sum);
    }
}

yoso_status yo_cuda_embedding(const yo_view *out, const yo_view *ids, const yo_view *table,
                              yo_stream *stream)
{
    return launch("embedding", embedding_kernel, (unsigned)ids->shape[0], ROW_THREADS, 0, stream,
                  out->data, ids->data, ids->dtype, table->data, table->dtype, table->shape[0],
                  table->shape[1], table->stride[0], fault_record());
}

yoso_status yo_cuda_embedding_grad(const yo_view *grad_table, const yo_view *grad,
                                   const yo_view *ids, int64_t padding, yo_stream *stream)
{
    return launch("embedding_grad", embedding_grad_kernel, (unsigned)ids->shape[0], ROW_THREADS, 0,
                  stream, grad_table->data, grad->data, grad->dtype, ids->data, ids->dtype,
                  ids->shape[0], grad_table->shape[0], grad->shape[1], padding, fault_record());
}
