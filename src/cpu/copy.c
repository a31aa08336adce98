/* Copies between strided views with conversion, and fills. */
#include <string.h>

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/walk.h"

static void copy_block(const yo_view *out, int64_t out_offset, int64_t out_stride, const yo_view *x,
                       int64_t x_offset, int64_t x_stride, int64_t n)
{
    int64_t size = yoso_dtype_size(x->dtype);
    if (out->dtype == x->dtype && out_stride == 1 && x_stride == 1) {
        memcpy((char *)out->data + out_offset * size, (const char *)x->data + x_offset * size,
               (size_t)(n * size));
    } else if (yo_dtype_is_float(x->dtype)) {
        float row[YO_WALK_BLOCK];
        if (yo_dtype_is_float(out->dtype) || out->dtype == YOSO_BOOL) {
            yo_load_floats(row, x->data, x_offset, x_stride, x->dtype, n);
            yo_store_floats(out->data, out_offset, out_stride, out->dtype, row, n);
            return;
        }
        int64_t integers[YO_WALK_BLOCK];
        yo_load_integers(integers, x->data, x_offset, x_stride, x->dtype, n);
        yo_store_integers(out->data, out_offset, out_stride, out->dtype, integers, n);
    } else {
        int64_t integers[YO_WALK_BLOCK];
        yo_load_integers(integers, x->data, x_offset, x_stride, x->dtype, n);
        yo_store_integers(out->data, out_offset, out_stride, out->dtype, integers, n);
    }
}

yoso_status YO_CPU(copy)(const yo_view *out, const yo_view *x, yo_stream *stream)
{
    (void)stream;
    const yo_view *views[] = {out, x};
    yo_walk walk = yo_walk_over(2, views);
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        copy_block(out, offset[0], walk.inner_stride[0], x, offset[1], walk.inner_stride[1], n);
    }
    return YOSO_OK;
}

yoso_status YO_CPU(fill)(const yo_view *out, double value, yo_stream *stream)
{
    (void)stream;
    bool as_float = yo_dtype_is_float(out->dtype) || out->dtype == YOSO_BOOL;
    union {
        float floats[YO_WALK_BLOCK];
        int64_t integers[YO_WALK_BLOCK];
    } row;
    yo_walk walk = yo_walk_over(1, &out);
    for (int64_t i = 0; i < YO_WALK_BLOCK && i < walk.inner; i++) {
        if (as_float)
            row.floats[i] = (float)value;
        else
            row.integers[i] = yo_to_integer(value, INT64_MIN, INT64_MAX);
    }
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        if (as_float)
            yo_store_floats(out->data, offset[0], walk.inner_stride[0], out->dtype, row.floats, n);
        else
            yo_store_integers(out->data, offset[0], walk.inner_stride[0], out->dtype, row.integers,
                              n);
    }
    return YOSO_OK;
}
