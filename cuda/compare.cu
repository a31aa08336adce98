/* Comparisons and logic, which give bool, and the choice between two tensors. */
#include "cuda/number.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

template <class T> __device__ inline bool compare(int32_t op, T a, T b)
{
    switch (op) {
    case YOSO_EQ:
        return a == b;
    case YOSO_NE:
        return a != b;
    case YOSO_LT:
        return a < b;
    case YOSO_LE:
        return a <= b;
    case YOSO_GT:
        return a > b;
    case YOSO_GE:
        return a >= b;
    case YOSO_AND:
        return a != 0 && b != 0;
    case YOSO_OR:
        return a != 0 || b != 0;
    default:
        return (a != 0) != (b != 0);
    }
}

__global__ void compare_kernel(uint8_t *out, int32_t op, const void *a, const void *b,
                               int32_t dtype, Walk<3> walk)
{
    bool floats = is_float(dtype);
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[3];
        walk.offsets(i, offset);
        out[offset[0]] =
            floats
                ? compare(op, load_float(a, offset[1], dtype), load_float(b, offset[2], dtype))
                : compare(op, load_integer(a, offset[1], dtype), load_integer(b, offset[2], dtype));
    }
}

template <class T>
__global__ void where_kernel(T *out, const uint8_t *condition, const T *a, const T *b, Walk<4> walk)
{
    FOR_MY_ELEMENTS(i, walk.count)
    {
        int64_t offset[4];
        walk.offsets(i, offset);
        out[offset[0]] = condition[offset[1]] ? a[offset[2]] : b[offset[3]];
    }
}

template <class T>
static yoso_status where_of(const yo_view *out, const yo_view *condition, const yo_view *a,
                            const yo_view *b, yo_stream *stream)
{
    Walk<4> walk = walk_over<4>({out, condition, a, b});
    return launch("where", where_kernel<T>, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  (T *)out->data, (const uint8_t *)condition->data, (const T *)a->data,
                  (const T *)b->data, walk);
}

yoso_status yo_cuda_compare(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                            yo_stream *stream)
{
    Walk<3> walk = walk_over<3>({out, a, b});
    return launch("compare", compare_kernel, blocks_for(walk.count, THREADS), THREADS, 0, stream,
                  (uint8_t *)out->data, op, a->data, b->data, a->dtype, walk);
}

yoso_status yo_cuda_where(const yo_view *out, const yo_view *condition, const yo_view *a,
                          const yo_view *b, yo_stream *stream)
{
    switch (out->dtype) {
    case YOSO_U8:
    case YOSO_BOOL:
        return where_of<uint8_t>(out, condition, a, b, stream);
    case YOSO_F16:
    case YOSO_BF16:
        return where_of<uint16_t>(out, condition, a, b, stream);
    case YOSO_I64:
        return where_of<uint64_t>(out, condition, a, b, stream);
    default:
        return where_of<uint32_t>(out, condition, a, b, stream);
    }
}
