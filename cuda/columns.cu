/* Sums over the rows of a matrix, in f32 and always in one order: of stretches of rows first. */
#include "cuda/columns.cuh"
#include "cuda/vector.cuh"

using namespace yo_cuda;

const int COLUMN_WARPS = 8, MOST_STRETCHES = 64;

/* part[stretch][column]: a lane for each vector of columns, the warps taking rows in turn. */
template <class T>
__global__ void column_sums_kernel(float *part, const T *x, int64_t step, int64_t rows,
                                   int64_t columns, int64_t stretch)
{
    const int EACH = Vector<T>::COUNT;
    SHARED(float, shared, COLUMN_WARPS *WARP *EACH);
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int64_t column = ((int64_t)blockIdx.x * WARP + lane) * EACH;
    int64_t first = blockIdx.y * stretch, end = first + stretch < rows ? first + stretch : rows;
    float sum[EACH] = {};
    for (int64_t row = first + warp; row < end && column < columns; row += COLUMN_WARPS) {
        Vector<T> value;
        value.load(x + row * step + column);
#pragma unroll
        for (int i = 0; i < EACH; i++)
            sum[i] += value.x[i];
    }
#pragma unroll
    for (int i = 0; i < EACH; i++)
        shared[(warp * WARP + lane) * EACH + i] = sum[i];
    __syncthreads();
    for (int i = threadIdx.x; i < WARP * EACH; i += COLUMN_WARPS * WARP) {
        int64_t at = (int64_t)blockIdx.x * WARP * EACH + i;
        float total = 0;
        for (int w = 0; w < COLUMN_WARPS; w++)
            total += shared[w * WARP * EACH + i];
        if (at < columns)
            part[blockIdx.y * columns + at] = total;
    }
}

/* The same where a row is not whole vectors: a thread for each column. */
__global__ void column_sums_plainly_kernel(float *part, const void *x, int32_t dtype, int64_t step,
                                           int64_t rows, int64_t columns, int64_t stretch)
{
    int64_t column = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, first = blockIdx.y * stretch;
    if (column >= columns)
        return;
    float sum = 0;
    for (int64_t row = first; row < rows && row < first + stretch; row++)
        sum += load_float(x, row * step + column, dtype);
    part[blockIdx.y * columns + column] = sum;
}

__global__ void join_parts_kernel(void *out, int32_t dtype, const float *part, int64_t step,
                                  int64_t width, int64_t parts)
{
    FOR_MY_ELEMENTS(i, width)
    {
        float sum = 0;
        for (int64_t k = 0; k < parts; k++)
            sum += part[k * step + i];
        store_float(out, i, dtype, sum);
    }
}

yoso_status yo_cuda::join_parts(void *out, int32_t dtype, const float *part, int64_t step,
                                int64_t width, int64_t parts, yo_stream *stream)
{
    return launch("reduce", join_parts_kernel, blocks_for(width, WARP), WARP, 0, stream, out, dtype,
                  part, step, width, parts);
}

template <class T>
static yoso_status sums_of(float *part, const yo_view *x, int64_t stretches, int64_t stretch,
                           yo_stream *stream)
{
    int64_t rows = x->shape[0], columns = x->shape[1], together = WARP * Vector<T>::COUNT;
    dim3 grid((unsigned)((columns + together - 1) / together), (unsigned)stretches);
    return launch("reduce", column_sums_kernel<T>, grid, COLUMN_WARPS * WARP, 0, stream, part,
                  static_cast<const T *>(x->data), x->stride[0], rows, columns, stretch);
}

yoso_status yo_cuda::column_sums(const yo_view *out, const yo_view *x, yo_stream *stream)
{
    int64_t rows = x->shape[0], columns = x->shape[1], each = elements_of_16_bytes(x->dtype);
    int64_t stretch = (rows + MOST_STRETCHES - 1) / MOST_STRETCHES;
    stretch = stretch < COLUMN_WARPS ? COLUMN_WARPS : stretch;
    int64_t stretches = (rows + stretch - 1) / stretch;
    Scratch part;
    YO_TRY(part.take((size_t)(stretches * columns) * sizeof(float)));
    float *to = part.as<float>();
    if (!is_aligned_16(x->data) || x->stride[0] % each || columns % each) {
        dim3 grid(blocks_for(columns, THREADS), (unsigned)stretches);
        YO_TRY(launch("reduce", column_sums_plainly_kernel, grid, THREADS, 0, stream, to, x->data,
                      x->dtype, x->stride[0], rows, columns, stretch));
    } else if (x->dtype == YOSO_F16) {
        YO_TRY(sums_of<f16>(to, x, stretches, stretch, stream));
    } else if (x->dtype == YOSO_BF16) {
        YO_TRY(sums_of<bf16>(to, x, stretches, stretch, stream));
    } else {
        YO_TRY(sums_of<float>(to, x, stretches, stretch, stream));
    }
    return join_parts(out->data, out->dtype, to, columns, columns, stretches, stream);
}
