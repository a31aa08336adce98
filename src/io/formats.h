/* Element formats in files, by their safetensors names: what dtype they become here. */
#ifndef YO_IO_FORMATS_H
#define YO_IO_FORMATS_H

#include "yoso.h"

typedef struct yo_format {
    const char *name;
    int32_t dtype;
    int32_t size; /* bytes of one element in the file */
    /* Converts count elements, which may lie unaligned; NULL where the bytes are right as is. */
    void (*convert)(void *out, const uint8_t *in, int64_t count);
} yo_format;

/* NULL for a format that is not supported. */
const yo_format *yo_format_find(const char *name);

#endif
