/* Growing arrays, the tokenizer's only allocation: each is kept and reused, so that encoding
 * text after text asks the system for nothing. */
#ifndef YO_TEXT_BYTES_H
#define YO_TEXT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/status.h"

/* Makes room for `need` elements of `size` bytes in *data, whose room is *capacity elements. */
yoso_status yo_grow(void **data, size_t *capacity, size_t need, size_t size);

typedef struct yo_bytes {
    uint8_t *data;
    size_t length, capacity;
} yo_bytes;

/* Makes room for `more` bytes after the present ones. */
static inline yoso_status yo_bytes_reserve(yo_bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->length >= more)
        return YOSO_OK;
    return yo_grow((void **)&bytes->data, &bytes->capacity, bytes->length + more, 1);
}

static inline yoso_status yo_bytes_append(yo_bytes *bytes, const void *data, size_t length)
{
    YO_TRY(yo_bytes_reserve(bytes, length));
    if (length > 0)
        memcpy(bytes->data + bytes->length, data, length);
    bytes->length += length;
    return YOSO_OK;
}

static inline yoso_status yo_bytes_text(yo_bytes *bytes, const char *text)
{
    return yo_bytes_append(bytes, text, strlen(text));
}

void yo_bytes_free(yo_bytes *bytes);

/* Whether a byte string equals a C string. */
static inline bool yo_equals(const char *data, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(data, text, length) == 0;
}

/* A hash of short byte strings (multiply and fold, eight bytes a step). */
static inline uint64_t yo_hash_bytes(const uint8_t *data, size_t length)
{
    uint64_t hash = 0x9E3779B97F4A7C15u ^ (length * 0xff51afd7ed558ccdu);
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        hash = (hash ^ word) * 0x9FB21C651E98DF25u;
        hash ^= hash >> 32;
        data += 8;
        length -= 8;
    }
    uint64_t word = 0;
    memcpy(&word, data, length);
    hash = (hash ^ word) * 0x9FB21C651E98DF25u;
    hash ^= hash >> 29;
    hash *= 0xff51afd7ed558ccdu;
    return hash ^ (hash >> 32);
}

#endif
