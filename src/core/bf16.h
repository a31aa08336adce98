/* Whether products of bf16 are worth making in bf16. */
#ifndef YO_CORE_BF16_H
#define YO_CORE_BF16_H

#include <stdbool.h>

/* True when the processor has instructions for such products that are not slower than f32's: with a
 * matrix unit, and on AMD's. Intel's AVX512-BF16 without a matrix unit has half the speed of its
 * f32 (42 and 84 billion multiply-adds a second, measured on Emerald Rapids), but for Cooper Lake,
 * of which nothing was measured. Safe from any thread. */
bool yo_bf16_is_fast(void);

#endif
