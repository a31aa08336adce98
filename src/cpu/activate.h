/* The activations that linear layers end with, over a row of floats. */
#ifndef YO_CPU_ACTIVATE_H
#define YO_CPU_ACTIVATE_H

#include "cpu/vmath.h"
#include "yoso.h"

/* row = activation(row), with activation one of YOSO_ACT_. */
static inline __attribute__((always_inline)) void yo_activate_row(float *row, int64_t n, int32_t activation)
{
    switch (activation) {
    case YOSO_ACT_GELU:
        for (int64_t i = 0; i < n; i++) {
            float density;
            row[i] *= yo_normal(row[i], &density);
        }
        break;
    case YOSO_ACT_RELU:
        for (int64_t i = 0; i < n; i++)
            row[i] = row[i] > 0 ? row[i] : 0;
        break;
    case YOSO_ACT_TANH:
        for (int64_t i = 0; i < n; i++)
            row[i] = yo_tanh(row[i]);
        break;
    default:
        break;
    }
}

#endif
