/* What a reduction knows of some elements, and how two such pieces of knowledge are joined. */
#ifndef YO_CPU_REDUCE_PARTIAL_H
#define YO_CPU_REDUCE_PARTIAL_H

#include <math.h>

#include "cpu/convert.h"
#include "cpu/cpu.h"
#include "cpu/vmath.h"

enum { YO_PARTIAL_LANES = 16 };

/* What is known of some elements. Sums, products and extremes are in value; logsumexp has the
 * largest in value and the sum beside it in extra, var the mean in value and the sum of squared
 * distances from it in extra. */
typedef struct yo_partial {
    double value, extra;
    int64_t integer, at, count;
} yo_partial;

static inline yo_partial yo_partial_identity(int32_t op)
{
    yo_partial p = {.at = -1};
    switch (op) {
    case YOSO_PROD:
        p.value = 1;
        p.integer = 1;
        break;
    case YOSO_ALL:
        p.integer = 1;
        break;
    case YOSO_LOGSUMEXP:
        p.value = -INFINITY;
        break;
    }
    return p;
}

static inline double yo_partial_sum_row(const float *x, int64_t n, bool squares)
{
    double lane[YO_PARTIAL_LANES] = {0};
    int64_t whole = n - n % YO_PARTIAL_LANES;
    if (squares) {
        for (int64_t i = 0; i < whole; i += YO_PARTIAL_LANES)
            for (int j = 0; j < YO_PARTIAL_LANES; j++)
                lane[j] += (double)x[i + j] * (double)x[i + j];
    } else {
        for (int64_t i = 0; i < whole; i += YO_PARTIAL_LANES)
            for (int j = 0; j < YO_PARTIAL_LANES; j++)
                lane[j] += (double)x[i + j];
    }
    double sum = 0;
    for (int j = 0; j < YO_PARTIAL_LANES; j++)
        sum += lane[j];
    for (int64_t i = whole; i < n; i++)
        sum += squares ? (double)x[i] * (double)x[i] : (double)x[i];
    return sum;
}

/* The largest (or smallest) element; a NaN beats all. */
static inline float yo_partial_extreme(const float *x, int64_t n, bool largest)
{
    float lane[YO_PARTIAL_LANES], sign = largest ? 1.0f : -1.0f, best = -INFINITY;
    for (int j = 0; j < YO_PARTIAL_LANES; j++)
        lane[j] = -INFINITY;
    int64_t whole = n - n % YO_PARTIAL_LANES, nans = 0;
    for (int64_t i = 0; i < whole; i += YO_PARTIAL_LANES)
        for (int j = 0; j < YO_PARTIAL_LANES; j++) {
            float value = sign * x[i + j]; /* once NaN, a lane stays so */
            lane[j] = value > lane[j] || value != value ? value : lane[j];
        }
    for (int64_t i = whole; i < n; i++) {
        best = sign * x[i] > best ? sign * x[i] : best;
        nans += x[i] != x[i];
    }
    for (int j = 0; j < YO_PARTIAL_LANES; j++) {
        best = lane[j] > best ? lane[j] : best;
        nans += lane[j] != lane[j];
    }
    return nans ? NAN : sign * best;
}

/* Where the extreme stands first. */
static inline int64_t yo_partial_place(const float *x, int64_t n, float extreme)
{
    for (int64_t i = 0; i < n; i++)
        if (x[i] == extreme || (extreme != extreme && x[i] != x[i]))
            return i;
    return 0;
}

static inline yo_partial yo_partial_of_floats(int32_t op, const float *x, int64_t n, int64_t at)
{
    yo_partial p = {.count = n, .at = at};
    switch (op) {
    case YOSO_SUM:
    case YOSO_MEAN:
        p.value = yo_partial_sum_row(x, n, false);
        break;
    case YOSO_NORM:
        p.value = yo_partial_sum_row(x, n, true);
        break;
    case YOSO_PROD:
        p.value = 1;
        for (int64_t i = 0; i < n; i++)
            p.value *= (double)x[i];
        break;
    case YOSO_VAR:
    case YOSO_STD:
        p.value = yo_partial_sum_row(x, n, false) / (double)n;
        for (int64_t i = 0; i < n; i++)
            p.extra += ((double)x[i] - p.value) * ((double)x[i] - p.value);
        break;
    case YOSO_LOGSUMEXP: {
        float most = yo_partial_extreme(x, n, true);
        p.value = (double)most;
        for (int64_t i = 0; i < n && isfinite(most); i++)
            p.extra += (double)yo_exp(x[i] - most);
        break;
    }
    case YOSO_ANY:
    case YOSO_ALL: {
        int64_t zeros = 0;
        for (int64_t i = 0; i < n; i++)
            zeros += x[i] == 0.0f;
        p.integer = op == YOSO_ANY ? zeros < n : zeros == 0;
        break;
    }
    default: {
        float extreme = yo_partial_extreme(x, n, op == YOSO_MAX || op == YOSO_ARGMAX);
        p.value = (double)extreme;
        if (op == YOSO_ARGMAX || op == YOSO_ARGMIN)
            p.at = at + yo_partial_place(x, n, extreme);
    }
    }
    return p;
}

static inline yo_partial yo_partial_of_integers(int32_t op, const int64_t *x, int64_t n, int64_t at)
{
    yo_partial p = {.count = n, .at = at};
    uint64_t total = op == YOSO_PROD;
    switch (op) {
    case YOSO_SUM:
        for (int64_t i = 0; i < n; i++)
            total += (uint64_t)x[i];
        p.integer = (int64_t)total;
        break;
    case YOSO_PROD:
        for (int64_t i = 0; i < n; i++)
            total *= (uint64_t)x[i];
        p.integer = (int64_t)total;
        break;
    case YOSO_ANY:
    case YOSO_ALL: {
        int64_t zeros = 0;
        for (int64_t i = 0; i < n; i++)
            zeros += x[i] == 0;
        p.integer = op == YOSO_ANY ? zeros < n : zeros == 0;
        break;
    }
    default: {
        bool largest = op == YOSO_MAX || op == YOSO_ARGMAX;
        int64_t best = 0;
        for (int64_t i = 1; i < n; i++)
            if (largest ? x[i] > x[best] : x[i] < x[best])
                best = i;
        p.integer = x[best];
        p.at = at + best;
    }
    }
    return p;
}

/* Chan's update of mean and sum of squared distances. */
static inline void yo_partial_moments(yo_partial *p, const yo_partial *q)
{
    double count = (double)(p->count + q->count), delta = q->value - p->value;
    p->extra += q->extra + delta * delta * (double)p->count * (double)q->count / count;
    p->value += delta * (double)q->count / count;
}

static inline void yo_partial_logs(yo_partial *p, const yo_partial *q)
{
    double most = p->value > q->value || p->value != p->value ? p->value : q->value;
    if (isfinite(most))
        p->extra = p->extra * exp(p->value - most) + q->extra * exp(q->value - most);
    p->value = most;
}

static inline void yo_partial_join(int32_t op, bool floats, yo_partial *p, const yo_partial *q)
{
    if (p->count == 0) {
        *p = *q;
        return;
    }
    switch (op) {
    case YOSO_SUM:
    case YOSO_MEAN:
    case YOSO_NORM:
        p->value += q->value;
        p->integer = (int64_t)((uint64_t)p->integer + (uint64_t)q->integer);
        break;
    case YOSO_PROD:
        p->value *= q->value;
        p->integer = (int64_t)((uint64_t)p->integer * (uint64_t)q->integer);
        break;
    case YOSO_VAR:
    case YOSO_STD:
        yo_partial_moments(p, q);
        break;
    case YOSO_LOGSUMEXP:
        yo_partial_logs(p, q);
        break;
    case YOSO_ANY:
        p->integer |= q->integer;
        break;
    case YOSO_ALL:
        p->integer &= q->integer;
        break;
    default: {
        bool largest = op == YOSO_MAX || op == YOSO_ARGMAX, better;
        if (floats)
            better =
                p->value == p->value &&
                (q->value != q->value || (largest ? q->value > p->value : q->value < p->value));
        else
            better = largest ? q->integer > p->integer : q->integer < p->integer;
        if (better) {
            p->value = q->value;
            p->integer = q->integer;
            p->at = q->at;
        }
    }
    }
    p->count += q->count;
}

static inline void yo_partial_store(int32_t op, bool floats, const yo_view *out, int64_t index,
                                    const yo_partial *p, double parameter)
{
    double value = p->value, count = (double)p->count;
    int64_t integer = p->integer;
    bool as_integer = !floats || out->dtype == YOSO_BOOL;
    switch (op) {
    case YOSO_MEAN:
        value /= count;
        break;
    case YOSO_NORM:
        value = sqrt(value);
        break;
    case YOSO_VAR:
        value = count > parameter ? p->extra / (count - parameter) : NAN;
        break;
    case YOSO_STD:
        value = count > parameter ? sqrt(p->extra / (count - parameter)) : NAN;
        break;
    case YOSO_LOGSUMEXP:
        value = isfinite(value) ? value + log(p->extra) : value;
        break;
    case YOSO_ARGMAX:
    case YOSO_ARGMIN:
        integer = p->at + (int64_t)parameter;
        as_integer = true;
        break;
    }
    float narrow = (float)value;
    if (as_integer)
        yo_store_integers(out->data, index, 1, out->dtype, &integer, 1);
    else
        yo_store_floats(out->data, index, 1, out->dtype, &narrow, 1);
}

#endif
