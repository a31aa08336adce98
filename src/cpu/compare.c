/* Comparisons and logic, which give bool, and the choice between two tensors. */
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/walk.h"

#define FOR_EACH(EXPRESSION)                                                                       \
    for (int64_t i = 0; i < n; i++)                                                                \
        out[i * step] = (EXPRESSION);                                                              \
    break

/* One function a type: floats as float, the rest as int64. */
#define DEFINE_COMPARE(NAME, TYPE)                                                                 \
    static void NAME(int32_t op, uint8_t *out, int64_t step, const TYPE *a, const TYPE *b,         \
                     int64_t n)                                                                    \
    {                                                                                              \
        switch (op) {                                                                              \
        case YOSO_EQ:                                                                              \
            FOR_EACH(a[i] == b[i]);                                                                \
        case YOSO_NE:                                                                              \
            FOR_EACH(a[i] != b[i]);                                                                \
        case YOSO_LT:                                                                              \
            FOR_EACH(a[i] < b[i]);                                                                 \
        case YOSO_LE:                                                                              \
            FOR_EACH(a[i] <= b[i]);                                                                \
        case YOSO_GT:                                                                              \
            FOR_EACH(a[i] > b[i]);                                                                 \
        case YOSO_GE:                                                                              \
            FOR_EACH(a[i] >= b[i]);                                                                \
        case YOSO_AND:                                                                             \
            FOR_EACH(a[i] != 0 && b[i] != 0);                                                      \
        case YOSO_OR:                                                                              \
            FOR_EACH(a[i] != 0 || b[i] != 0);                                                      \
        case YOSO_XOR:                                                                             \
            FOR_EACH((a[i] != 0) != (b[i] != 0));                                                  \
        }                                                                                          \
    }

DEFINE_COMPARE(compare_floats, float)
DEFINE_COMPARE(compare_integers, int64_t)

yoso_status YO_CPU(compare)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                            yo_stream *stream)
{
    (void)stream;
    const yo_view *views[] = {out, a, b};
    yo_walk walk = yo_walk_over(3, views);
    bool floats = yo_dtype_is_float(a->dtype);
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        const int64_t *step = walk.inner_stride;
        uint8_t *target = (uint8_t *)out->data + offset[0];
        if (floats) {
            float x[YO_WALK_BLOCK], y[YO_WALK_BLOCK];
            yo_load_floats(x, a->data, offset[1], step[1], a->dtype, n);
            yo_load_floats(y, b->data, offset[2], step[2], b->dtype, n);
            compare_floats(op, target, step[0], x, y, n);
        } else {
            int64_t x[YO_WALK_BLOCK], y[YO_WALK_BLOCK];
            yo_load_integers(x, a->data, offset[1], step[1], a->dtype, n);
            yo_load_integers(y, b->data, offset[2], step[2], b->dtype, n);
            compare_integers(op, target, step[0], x, y, n);
        }
    }
    return YOSO_OK;
}

#define CHOOSE(TYPE)                                                                               \
    do {                                                                                           \
        TYPE *to = (TYPE *)out->data + offset[0];                                                  \
        const TYPE *x = (const TYPE *)a->data + offset[2];                                         \
        const TYPE *y = (const TYPE *)b->data + offset[3];                                         \
        for (int64_t i = 0; i < n; i++) { /* both are read, so that the choice is no branch */     \
            TYPE first = x[i * step[2]], second = y[i * step[3]];                                  \
            to[i * step[0]] = c[i * step[1]] ? first : second;                                     \
        }                                                                                          \
    } while (0)

yoso_status YO_CPU(where)(const yo_view *out, const yo_view *condition, const yo_view *a,
                          const yo_view *b, yo_stream *stream)
{
    (void)stream;
    const yo_view *views[] = {out, condition, a, b};
    yo_walk walk = yo_walk_over(4, views);
    int32_t size = yoso_dtype_size(out->dtype);
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        const int64_t *step = walk.inner_stride;
        const uint8_t *c = (const uint8_t *)condition->data + offset[1];
        switch (size) {
        case 1:
            CHOOSE(uint8_t);
            break;
        case 2:
            CHOOSE(uint16_t);
            break;
        case 4:
            CHOOSE(uint32_t);
            break;
        default:
            CHOOSE(uint64_t);
        }
    }
    return YOSO_OK;
}
