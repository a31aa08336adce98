/* Large blocks, cut from regions of the system's memory. A block that was given back joins its free
 * neighbours, so that what one kind of tensor has left serves another: gradients' room becomes the
 * next step's activations'. Not safe to call from two threads at once: memory.c holds its lock. */
#ifndef YO_CORE_EXTENTS_H
#define YO_CORE_EXTENTS_H

#include <stddef.h>

/* Sizes are rounded up to multiples of this. */
enum { YO_EXTENT_GRAIN = 64 << 10 };

static inline size_t yo_extent_size(size_t bytes)
{
    return (bytes + YO_EXTENT_GRAIN - 1) / YO_EXTENT_GRAIN * YO_EXTENT_GRAIN;
}

/* A block of `size` bytes, a multiple of the grain above 0, on a grain's boundary; NULL when the
 * system has no more. */
void *yo_extents_take(size_t size);
void yo_extents_give(void *block);

/* Bytes that are free and were in use before: the system counts them as this process's. */
size_t yo_extents_cached(void);

/* Gives what is free back to the system. */
void yo_extents_trim(void);

#endif
