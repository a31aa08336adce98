/* Elementwise arithmetic on strided views. A block is brought into rows of float or int64,
 * computed there, and rounded once on the way back. */
#include <math.h>

#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/walk.h"

#define FOR_EACH(EXPRESSION)                                                                       \
    for (int64_t i = 0; i < n; i++)                                                                \
        out[i] = (EXPRESSION);                                                                     \
    break

static inline float larger(float a, float b)
{
    return a != a || a > b ? a : b;
}

static inline float smaller(float a, float b)
{
    return a != a || a < b ? a : b;
}

/* out may be a or b. */
static void binary_floats(int32_t op, float *out, const float *a, const float *b, int64_t n)
{
    switch (op) {
    case YOSO_ADD:
        FOR_EACH(a[i] + b[i]);
    case YOSO_SUB:
        FOR_EACH(a[i] - b[i]);
    case YOSO_MUL:
        FOR_EACH(a[i] * b[i]);
    case YOSO_DIV:
        FOR_EACH(a[i] / b[i]);
    case YOSO_POW:
        FOR_EACH(powf(a[i], b[i]));
    case YOSO_MAXIMUM:
        FOR_EACH(larger(a[i], b[i]));
    case YOSO_MINIMUM:
        FOR_EACH(smaller(a[i], b[i]));
    }
}

static int64_t power(int64_t base, int64_t exponent)
{
    uint64_t result = 1, factor = (uint64_t)base;
    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent & 1 ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1, factor *= factor)
        if (exponent & 1)
            result *= factor;
    return (int64_t)result;
}

/* Wraps around like unsigned arithmetic. Returns false on a division by zero. */
static bool binary_integers(int32_t op, int64_t *out, const int64_t *a, const int64_t *b, int64_t n)
{
    switch (op) {
    case YOSO_ADD:
        FOR_EACH((int64_t)((uint64_t)a[i] + (uint64_t)b[i]));
    case YOSO_SUB:
        FOR_EACH((int64_t)((uint64_t)a[i] - (uint64_t)b[i]));
    case YOSO_MUL:
        FOR_EACH((int64_t)((uint64_t)a[i] * (uint64_t)b[i]));
    case YOSO_DIV:
        for (int64_t i = 0; i < n; i++) {
            if (b[i] == 0)
                return false;
            out[i] = b[i] == -1 ? (int64_t)(0 - (uint64_t)a[i]) : a[i] / b[i];
        }
        break;
    case YOSO_POW:
        FOR_EACH(power(a[i], b[i]));
    case YOSO_MAXIMUM:
        FOR_EACH(a[i] > b[i] ? a[i] : b[i]);
    case YOSO_MINIMUM:
        FOR_EACH(a[i] < b[i] ? a[i] : b[i]);
    }
    return true;
}

/* The row of an operand as floats: where it lies if it lies in order, else loaded into row. A
 * repeated element (step 0) is spread out once and held for the blocks that follow. */
typedef struct operand {
    const yo_view *view;
    int64_t step, held, held_count;
    float row[YO_WALK_BLOCK];
} operand;

static const float *floats_of(operand *x, int64_t offset, int64_t n)
{
    if (x->view->dtype == YOSO_F32 && x->step == 1)
        return (const float *)x->view->data + offset;
    if (x->step == 1) /* a constant step becomes vector code */
        yo_load_floats(x->row, x->view->data, offset, 1, x->view->dtype, n);
    else if (x->step != 0 || offset != x->held || n > x->held_count)
        yo_load_floats(x->row, x->view->data, offset, x->step, x->view->dtype, n);
    x->held = offset;
    x->held_count = n;
    return x->row;
}

static void binary_of_floats(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                             const yo_walk *walk)
{
    const int64_t *step = walk->inner_stride;
#pragma omp parallel num_threads(yo_walk_threads(walk))
    {
        operand left, right;
        left.view = a, left.step = step[1], left.held = -1;
        right.view = b, right.step = step[2], right.held = -1;
        float result[YO_WALK_BLOCK];
#pragma omp for schedule(static)
        for (int64_t block = 0; block < walk->blocks; block++) {
            int64_t offset[YO_WALK_VIEWS];
            int64_t n = yo_walk_block(walk, block, offset);
            const float *x = floats_of(&left, offset[1], n), *y = floats_of(&right, offset[2], n);
            if (out->dtype == YOSO_F32 && step[0] == 1) {
                binary_floats(op, (float *)out->data + offset[0], x, y, n);
            } else {
                binary_floats(op, result, x, y, n);
                if (step[0] == 1)
                    yo_store_floats(out->data, offset[0], 1, out->dtype, result, n);
                else
                    yo_store_floats(out->data, offset[0], step[0], out->dtype, result, n);
            }
        }
    }
}

yoso_status YO_CPU(binary)(const yo_view *out, int32_t op, const yo_view *a, const yo_view *b,
                           yo_stream *stream)
{
    (void)stream;
    const yo_view *views[] = {out, a, b};
    yo_walk walk = yo_walk_over(3, views);
    if (yo_dtype_is_float(a->dtype)) {
        binary_of_floats(out, op, a, b, &walk);
        return YOSO_OK;
    }
    int zero_divisions = 0;
#pragma omp parallel for num_threads(yo_walk_threads(&walk)) schedule(static)                      \
    reduction(+ : zero_divisions)
    for (int64_t block = 0; block < walk.blocks; block++) {
        int64_t offset[YO_WALK_VIEWS];
        int64_t n = yo_walk_block(&walk, block, offset);
        const int64_t *step = walk.inner_stride;
        int64_t x[YO_WALK_BLOCK], y[YO_WALK_BLOCK];
        yo_load_integers(x, a->data, offset[1], step[1], a->dtype, n);
        yo_load_integers(y, b->data, offset[2], step[2], b->dtype, n);
        zero_divisions += !binary_integers(op, x, x, y, n);
        yo_store_integers(out->data, offset[0], step[0], out->dtype, x, n);
    }
    return zero_divisions ? yo_fail(YOSO_MISUSE, "div: integer division by zero") : YOSO_OK;
}
