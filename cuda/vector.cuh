/* Contiguous elements 16 bytes at a time, as floats. */
#ifndef YO_CUDA_VECTOR_CUH
#define YO_CUDA_VECTOR_CUH

#include "cuda/number.cuh"
#include "cuda/walk.cuh"

namespace yo_cuda
{

/* 16 bytes of T, as floats in registers. */
template <class T> struct Vector {
    static const int COUNT = 16 / sizeof(T);
    float x[COUNT];

    __device__ void load(const T *from)
    {
        union {
            uint4 bits;
            T element[COUNT];
        } u;
        u.bits = *reinterpret_cast<const uint4 *>(from);
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            x[i] = to_float(u.element[i]);
    }
    __device__ void store(T *to) const
    {
        union {
            uint4 bits;
            T element[COUNT];
        } u;
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            from_float(&u.element[i], x[i]);
        *reinterpret_cast<uint4 *>(to) = u.bits;
    }
};

inline bool is_aligned_16(const void *data)
{
    return (uintptr_t)data % 16 == 0;
}

inline int64_t elements_of_16_bytes(int32_t dtype)
{
    return dtype == YOSO_F32 ? 4 : 8;
}

/* Whether a walk is along memory in all its views, in whole vectors of one float dtype. */
template <int VIEWS>
bool is_vector_walk(const Walk<VIEWS> &walk, const yo_view *const (&view)[VIEWS])
{
    if (walk.ndim > 1 || !is_float(view[0]->dtype) ||
        walk.count % elements_of_16_bytes(view[0]->dtype) != 0 || walk.count == 0)
        return false;
    for (int v = 0; v < VIEWS; v++)
        if (view[v]->dtype != view[0]->dtype || (walk.ndim == 1 && walk.stride[v][0] != 1) ||
            !is_aligned_16(view[v]->data))
            return false;
    return true;
}

/* out[i] = f(a[i], b[i]); a and b may be out. */
template <class T, class F>
__global__ void map_kernel(T *out, const T *a, const T *b, int64_t vectors, F f)
{
    FOR_MY_ELEMENTS(i, vectors)
    {
        Vector<T> x, y;
        x.load(a + i * Vector<T>::COUNT);
        y.load(b + i * Vector<T>::COUNT);
#pragma unroll
        for (int k = 0; k < Vector<T>::COUNT; k++)
            x.x[k] = f(x.x[k], y.x[k]);
        x.store(out + i * Vector<T>::COUNT);
    }
}

template <class T, class F>
yoso_status map_of(const char *name, const yo_view *out, const yo_view *a, const yo_view *b,
                   int64_t count, F f, yo_stream *stream)
{
    int64_t vectors = count / Vector<T>::COUNT;
    return launch(name, map_kernel<T, F>, blocks_for(vectors, THREADS), THREADS, 0, stream,
                  static_cast<T *>(out->data), static_cast<const T *>(a->data),
                  static_cast<const T *>(b->data), vectors, f);
}

/* The same for operands of any float dtype; a function of one argument gets a twice. */
template <class F>
yoso_status map(const char *name, const yo_view *out, const yo_view *a, const yo_view *b,
                int64_t count, F f, yo_stream *stream)
{
    switch (out->dtype) {
    case YOSO_F16:
        return map_of<f16>(name, out, a, b, count, f, stream);
    case YOSO_BF16:
        return map_of<bf16>(name, out, a, b, count, f, stream);
    default:
        return map_of<float>(name, out, a, b, count, f, stream);
    }
}

} // namespace yo_cuda

#endif
