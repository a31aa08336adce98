/* This variant's table of kernels. */
#include "cpu/cpu_kernels.h"

extern const yo_kernels YO_CPU(kernels);
const yo_kernels YO_CPU(kernels) = {
    .name = YO_STRING(YO_ISA),
    .copy = YO_CPU(copy),
    .fill = YO_CPU(fill),
    .binary = YO_CPU(binary),
    .unary = YO_CPU(unary),
    .compare = YO_CPU(compare),
    .where = YO_CPU(where),
    .unary_grad = YO_CPU(unary_grad),

    /* reductions */
    .reduce = YO_CPU(reduce),

    /* gather, sort, padding */

    /* random */
    .random = YO_CPU(random),
    .sequence = YO_CPU(sequence),

    /* matmul */
    .matmul = YO_CPU(matmul),
    .linear = YO_CPU(linear),
    .sum_rows = YO_CPU(sum_rows),

    /* layers */

    /* attention */

};
