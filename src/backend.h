/* Devices: which there are, their memory, and the kernel table in force.
 * Operations never see more of a device than this. */
#ifndef YO_BACKEND_H
#define YO_BACKEND_H

#include "kernels.h"

/* The table for a device; for one that is not there, a status that says why. */
yoso_status yo_backend_kernels(const yo_kernels **kernels, int32_t device);
yo_stream *yo_backend_stream(int32_t device);

yoso_status yo_backend_take(int32_t device, void **block, size_t bytes);
void yo_backend_give(int32_t device, void *block, size_t bytes);
yoso_status yo_backend_zero(int32_t device, void *block, size_t bytes);

/* Copies bytes between devices and waits until the target may be read. */
yoso_status yo_backend_transfer(int32_t to, void *target, int32_t from, const void *source,
                                size_t bytes);

#endif
