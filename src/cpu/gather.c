/* Elements picked, placed and found by position. */
#include <string.h>

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/walk.h"

/* Position number i of a row of i64 or i32 positions, counted from 0; -1 when out of range. */
static inline int64_t position(const yo_view *index, int64_t at, int64_t first, int64_t size)
{
    int64_t value = index->dtype == YOSO_I64 ? ((const int64_t *)index->data)[at]
                                             : ((const int32_t *)index->data)[at];
    /* Unsigned, so that a difference out of int64 is out of range too. */
    uint64_t from_zero = (uint64_t)value - (uint64_t)first;
    return from_zero < (uint64_t)size ? (int64_t)from_zero : -1;
}

#define PICK(TYPE)                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                              \
        int64_t p = position(index, offset[1] + i * step[1], first, size);                         \
        bad += p < 0;                                                                              \
        if (p >= 0)                                                                                \
            ((TYPE *)out->data)[offset[0] + i * step[0]] =                                         \
                ((const TYPE *)x->data)[offset[2] + i * step[2] + p * stride];                     \
    }                                                                                              \
    break

/* One block; returns the number of positions out of range. */
static int64_t gather_block(const yo_view *out, const yo_view *x, const yo_view *index,
                            int64_t size, int64_t stride, int64_t first, const int64_t *offset,
                            const int64_t *step, int64_t n)
{
    int64_t bad = 0, bytes = yoso_dtype_size(x->dtype);
    if (step[1] == 0 && step[0] == 1 && step[2] == 1) { /* one position: a row is copied */
        int64_t p = position(index, offset[1], first, size);
        if (p < 0)
            return 1;
        memcpy((char *)out->data + offset[0] * bytes,
               (const char *)x->data + (offset[2] + p * stride) * bytes, (size_t)(n * bytes));
        return 0;
    }
    switch (bytes) {
    case 1:
        PICK(uint8_t);
    case 2:
        PICK(uint16_t);
    case 4:
        PICK(uint32_t);
    case 8:
        PICK(uint64_t);
    }
    return bad;
}

yoso_status YO_CPU(gather)(const yo_view *out, const yo_view *x, const yo_view *index, int32_t dim,
                           int64_t first, yo_stream *stream)
{
    (void)stream;
    /* Where the elements come from, but for what the position adds. */
    yo_view origin = *x;
    memcpy(origin.shape, out->shape, sizeof origin.shape);
    origin.stride[dim] = 0;
    const yo_view *views[] = {out, index, &origin};
    yo_walk walk = yo_walk_over(3, views);
    int64_t bad = 0;
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static) reduction(+ : bad)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        bad += gather_block(out, x, index, x->shape[dim], x->stride[dim], first, offset,
                            walk.inner_stride, n);
    }
    return bad ? yo_fail(YOSO_MISUSE, "gather: a position is not %lld to %lld", (long long)first,
                         (long long)(first + x->shape[dim] - 1))
               : YOSO_OK;
}

/* out[at] = or += x[from], n elements at the given strides. */
static void place_row(const yo_view *out, int64_t at, int64_t out_step, const yo_view *x,
                      int64_t from, int64_t x_step, int64_t n, bool add)
{
    if (yo_dtype_is_float(x->dtype)) {
        float row[YO_WALK_BLOCK], sum[YO_WALK_BLOCK];
        yo_load_floats(row, x->data, from, x_step, x->dtype, n);
        if (add) {
            yo_load_floats(sum, out->data, at, out_step, out->dtype, n);
            for (int64_t i = 0; i < n; i++)
                row[i] += sum[i];
        }
        yo_store_floats(out->data, at, out_step, out->dtype, row, n);
    } else {
        int64_t row[YO_WALK_BLOCK], sum[YO_WALK_BLOCK];
        yo_load_integers(row, x->data, from, x_step, x->dtype, n);
        if (add) {
            yo_load_integers(sum, out->data, at, out_step, out->dtype, n);
            for (int64_t i = 0; i < n; i++)
                row[i] = (int64_t)((uint64_t)row[i] + (uint64_t)sum[i]);
        }
        yo_store_integers(out->data, at, out_step, out->dtype, row, n);
    }
}

/* Two positions can meet only along dim, so a thread takes whole lines of it, in order. */
yoso_status YO_CPU(scatter)(const yo_view *out, const yo_view *index, const yo_view *x, int32_t dim,
                            int64_t first, int32_t add, yo_stream *stream)
{
    (void)stream;
    yo_view target = *out, where = *index, source = *x;
    where.shape[dim] = source.shape[dim] = 1;
    memcpy(target.shape, where.shape, sizeof target.shape);
    const yo_view *views[] = {&target, &where, &source};
    yo_walk walk = yo_walk_over(3, views);
    int64_t count = index->shape[dim], bad = 0;
    int threads = count * walk.blocks * walk.inner < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : bad)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        const int64_t *step = walk.inner_stride;
        bool whole_row = step[1] == 0;
        for (int64_t d = 0; d < count; d++) {
            int64_t at = offset[1] + d * index->stride[dim];
            int64_t from = offset[2] + d * x->stride[dim];
            for (int64_t i = 0; i < n; i += whole_row ? n : 1) {
                int64_t p = position(index, at + i * step[1], first, out->shape[dim]);
                bad += p < 0;
                if (p >= 0)
                    place_row(out, offset[0] + p * out->stride[dim] + i * step[0], step[0], x,
                              from + i * step[2], step[2], whole_row ? n : 1, add != 0);
            }
        }
    }
    return bad ? yo_fail(YOSO_MISUSE, "scatter: a position is not %lld to %lld", (long long)first,
                         (long long)(first + out->shape[dim] - 1))
               : YOSO_OK;
}

/* In order of memory, so by one thread. */
yoso_status YO_CPU(nonzero)(int64_t *count, int64_t *places, const yo_view *x, int64_t first,
                            yo_stream *stream)
{
    (void)stream;
    int64_t total = yo_view_count(x), at[YOSO_MAX_DIMS] = {0}, offset = 0, found = 0;
    for (int64_t i = 0; i < total; i++) {
        float value;
        int64_t integer;
        bool is_nonzero;
        if (yo_dtype_is_float(x->dtype)) {
            yo_load_floats(&value, x->data, offset, 1, x->dtype, 1);
            is_nonzero = value != 0.0f;
        } else {
            yo_load_integers(&integer, x->data, offset, 1, x->dtype, 1);
            is_nonzero = integer != 0;
        }
        if (is_nonzero) {
            for (int32_t d = 0; places && d < x->ndim; d++)
                places[found * x->ndim + d] = first + at[d];
            found++;
        }
        for (int32_t d = x->ndim - 1; d >= 0; d--) {
            offset += x->stride[d];
            if (++at[d] < x->shape[d])
                break;
            offset -= x->stride[d] * x->shape[d];
            at[d] = 0;
        }
    }
    *count = found;
    return YOSO_OK;
}
