/* Rows from global memory into tiles in shared memory, in the background where they can be read
 * 16 bytes at a time, and back. */
#ifndef YO_CUDA_STAGE_CUH
#define YO_CUDA_STAGE_CUH

#include "cuda/attention.cuh"
#include "cuda/tile.cuh"

namespace yo_cuda
{

/* 16 bytes of a row, element by element: zeros beyond `size`. */
template <class T>
__device__ inline void copy_elements(T *to, const T *from, int first, int64_t size)
{
    for (int i = 0; i < 16 / (int)sizeof(T); i++)
        if (first + i < size)
            to[i] = from[i];
        else
            from_float(to + i, 0.0f);
}

/* Rows 0 .. ROWS - 1 of the tile = the source's rows token_of(0 .. ROWS - 1), zeros where that is
 * negative or masked, and beyond the rows' size. token_of is asked once for each of this thread's
 * chunks, in order. */
template <int ROWS, int THREADS_, int UNROLL, class T, int CHUNKS, class F>
__device__ inline void stage(const Tile<T, CHUNKS> &tile, const Source &source, int64_t head,
                             F token_of)
{
    const int EACH = Tile<T, CHUNKS>::EACH;
    const T *data = static_cast<const T *>(source.rows.data) + head * source.rows.head;
#pragma unroll UNROLL
    for (int i = 0; i < ROWS * CHUNKS / THREADS_; i++) {
        int at = threadIdx.x + i * THREADS_, row = at / CHUNKS, chunk = at % CHUNKS;
        int64_t token = token_of(row);
        bool there = token >= 0 && chunk * EACH < source.size && source.kept(token);
        const T *from = there ? data + token * source.rows.token + chunk * EACH : data;
        if (source.vectors)
            copy_16(tile.chunk(row, chunk), from, there);
        else
            copy_elements(tile.chunk(row, chunk), from, chunk * EACH, there ? source.size : 0);
    }
}

/* The same of rows first, first + 1, ... below `end`: each thread walks down one chunk's column. */
template <int ROWS, int THREADS_, class T, int CHUNKS>
__device__ inline void stage_run(const Tile<T, CHUNKS> &tile, const Source &source, int64_t head,
                                 int first, int end)
{
    const int EACH = Tile<T, CHUNKS>::EACH, STEP = THREADS_ / CHUNKS;
    static_assert(THREADS_ % CHUNKS == 0 && ROWS % STEP == 0, "a thread has one chunk's column");
    int chunk = threadIdx.x % CHUNKS, row = threadIdx.x / CHUNKS;
    const T *data = static_cast<const T *>(source.rows.data) + head * source.rows.head;
    const T *from = data + (first + row) * source.rows.token + chunk * EACH;
    bool inside = chunk * EACH < source.size;
    if (source.vectors && !source.keep) {
#pragma unroll
        for (int i = 0; i < ROWS / STEP; i++, from += STEP * source.rows.token) {
            bool there = inside && first + row + i * STEP < end;
            copy_16(STEP % 8 ? tile.chunk(row + i * STEP, chunk)
                             : tile.chunk(row, chunk) + i * STEP * CHUNKS * EACH,
                    there ? from : data, there);
        }
        return;
    }
#pragma unroll 1
    for (int i = 0; i < ROWS / STEP; i++, from += STEP * source.rows.token) {
        int token = first + row + i * STEP;
        bool there = inside && token < end && source.kept(token);
        T *to = tile.chunk(row + i * STEP, chunk);
        if (source.vectors)
            copy_16(to, there ? from : data, there);
        else
            copy_elements(to, from, chunk * EACH, there ? source.size : 0);
    }
}

/* Rows token_of(0 .. ROWS - 1) of `out` = the rows of the tile, by one warp; none where that is
 * negative. */
template <int ROWS, class E, int CHUNKS, class F>
__device__ inline void unstage(const yo_rows &out, const Tile<E, CHUNKS> &tile, int64_t size,
                               int64_t head, int64_t offset, F token_of)
{
    const int EACH = Tile<E, CHUNKS>::EACH;
    E *data = static_cast<E *>(out.data) + offset + head * out.head;
    bool vectors = ((uintptr_t)data | (uintptr_t)(out.token * (int64_t)sizeof(E))) % 16 == 0 &&
                   size % EACH == 0;
#pragma unroll 2
    for (int at = lane_of_warp(); at < ROWS * CHUNKS; at += WARP) {
        int row = at / CHUNKS, chunk = at % CHUNKS;
        int64_t token = token_of(row);
        if (token < 0 || chunk * EACH >= size)
            continue;
        E *to = data + token * out.token + chunk * EACH;
        const E *from = tile.chunk(row, chunk);
        if (vectors)
            *reinterpret_cast<uint4 *>(to) = *reinterpret_cast<const uint4 *>(from);
        else
            for (int i = 0; i < EACH && chunk * EACH + i < size; i++)
                to[i] = from[i];
    }
}

/* What sums of T are kept in until several of them are joined: f32, or bf16, which has its range. */
template <bool PARTIAL, class T> struct PartOf {
    typedef T type;
};
template <class T> struct PartOf<true, T> {
    typedef bf16 type;
};
template <> struct PartOf<true, float> {
    typedef float type;
};

} // namespace yo_cuda

#endif
