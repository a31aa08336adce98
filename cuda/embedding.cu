/* Rows of a table by id: a block for each id. */
#include "cuda/fault.cuh"
#include "cuda/rows.cuh"
#include "cuda/vector.cuh"

using namespace yo_cuda;

__global__ void embedding_kernel(void *out, const void *ids, int32_t ids_dtype, const void *table,
                                 int32_t dtype, int64_t rows, int64_t width, int64_t step,
                                 int64_t bytes, bool vectors, Fault *fault)
{
    int64_t id = load_integer(ids, blockIdx.x, ids_dtype);
    bool there = id >= 0 && id < rows;
    if (!there && threadIdx.x == 0)
        report(fault, ID_RANGE, id, blockIdx.x + 1, rows - 1, 0);
    if (vectors) {
        const uint4 *from = reinterpret_cast<const uint4 *>(static_cast<const char *>(table) +
                                                            (there ? id : 0) * step * bytes);
        uint4 *to = reinterpret_cast<uint4 *>(static_cast<char *>(out) + blockIdx.x * width * bytes);
        FOR_MY_COLUMNS(i, width * bytes / 16)
        {
            to[i] = there ? from[i] : uint4{0, 0, 0, 0};
        }
        return;
    }
    FOR_MY_COLUMNS(i, width)
    {
        store_float(out, blockIdx.x * width + i, dtype,
                    there ? load_float(table, id * step + i, dtype) : 0.0f);
    }
}

yoso_status yo_cuda_embedding(const yo_view *out, const yo_view *ids, const yo_view *table,
                              yo_stream *stream)
{
    int64_t bytes = table->dtype == YOSO_F32 ? 4 : 2, width = table->shape[1];
    bool vectors = is_float(table->dtype) && width * bytes % 16 == 0 &&
                   table->stride[0] * bytes % 16 == 0 && is_aligned_16(table->data) &&
                   is_aligned_16(out->data);
    return launch("embedding", embedding_kernel, (unsigned)ids->shape[0], ROW_THREADS, 0, stream,
                  out->data, ids->data, ids->dtype, table->data, table->dtype, table->shape[0],
                  width, table->stride[0], bytes, vectors, fault_record());
}
