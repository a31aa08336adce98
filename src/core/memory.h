/* Blocks for tensors and scratch: counted, 64-byte aligned, and kept for reuse, so that a
 * steady state asks the system for nothing. Safe to call from any thread. */
#ifndef YO_CORE_MEMORY_H
#define YO_CORE_MEMORY_H

#include <stdbool.h>

#include "yoso.h"

/* A block of at least `bytes` bytes (0 is allowed); contents undefined. */
yoso_status yo_memory_take(void **block, size_t bytes);
/* Gives a block back with the size it was taken with. NULL is allowed. */
void yo_memory_give(void *block, size_t bytes);

/* Adds a device's bytes, taken (above 0) or given back, to the count of live ones. */
void yo_memory_count(int64_t bytes);

/* *product = a * b; false when that overflows. */
static inline bool yo_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

#endif
