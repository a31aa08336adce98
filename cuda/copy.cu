/* Copies between strided views with conversion, and fills. */
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

/* Floats to floats and bool go through float, everything else through int64. */
__global__ void copy_kernel(void *out, int32_t out_dtype, const void *x, int32_t x_dtype,
                            Walk<2> walk)
{
    bool through_float = is_float(x_dtype) && (is_float(out_dtype) || out_dtype == YOSO_BOOL);
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[2];
        walk.offsets(i, offset);
        if (through_float)
            store_float(out, offset[0], out_dtype, load_float(x, offset[1], x_dtype));
        else
            store_integer(out, offset[0], out_dtype, load_integer(x, offset[1], x_dtype));
    }
}

__global__ void fill_kernel(void *out, int32_t dtype, float real, int64_t integer, Walk<1> walk)
{
    bool as_float = is_float(dtype) || dtype == YOSO_BOOL;
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[1];
        walk.offsets(i, offset);
        if (as_float)
            store_float(out, offset[0], dtype, real);
        else
            store_integer(out, offset[0], dtype, integer);
    }
}

yoso_status yo_cuda_copy(const yo_view *out, const yo_view *x, yo_stream *stream)
{
    Walk<2> walk = walk_over<2>({out, x});
    return launch("copy", copy_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, x->data, x->dtype, walk);
}

/* Saturating, NaN to 0, as a cast does. */
static int64_t integer_of(double value)
{
    if (value != value)
        return 0;
    if (value <= -0x1p63)
        return INT64_MIN;
    return value >= 0x1p63 ? INT64_MAX : (int64_t)value;
}

yoso_status yo_cuda_fill(const yo_view *out, double value, yo_stream *stream)
{
    Walk<1> walk = walk_over<1>({out});
    return launch("fill", fill_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  out->data, out->dtype, (float)value, integer_of(value), walk);
}
