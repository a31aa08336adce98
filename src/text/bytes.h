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

/* 8 or 4 bytes at any address. */
static inline uint64_t yo_load8(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, 8);
    return word;
}

static inline uint32_t yo_load4(const uint8_t *data)
{
    uint32_t word;
    memcpy(&word, data, 4);
    return word;
}

/* Up to 8 bytes in one number; those of equal length that differ give different ones. */
static inline uint64_t yo_load_few(const uint8_t *data, size_t length)
{
    if (length == 8)
        return yo_load8(data);
    if (length >= 4) /* the two halves may overlap */
        return (uint64_t)yo_load4(data) << 32 | yo_load4(data + length - 4);
    if (length == 0)
        return 0;
    return (uint64_t)data[0] << 16 | (uint64_t)data[length / 2] << 8 | data[length - 1];
}

/* Whether two byte strings of one length are equal; for short ones quicker than memcmp. */
static inline bool yo_same(const void *a, const void *b, size_t length)
{
    const uint8_t *x = a, *y = b;
    for (; length > 8; length -= 8, x += 8, y += 8) {
        if (yo_load8(x) != yo_load8(y))
            return false;
    }
    return yo_load_few(x, length) == yo_load_few(y, length);
}

/* A hash of short byte strings (multiply and fold, eight bytes a step). */
static inline uint64_t yo_hash_bytes(const void *text, size_t length)
{
    const uint8_t *data = text;
    uint64_t hash = 0x9E3779B97F4A7C15u ^ (length * 0xff51afd7ed558ccdu);
    for (; length > 8; length -= 8, data += 8) {
        hash = (hash ^ yo_load8(data)) * 0x9FB21C651E98DF25u;
        hash ^= hash >> 32;
    }
    hash = (hash ^ yo_load_few(data, length)) * 0x9FB21C651E98DF25u;
    hash ^= hash >> 29;
    hash *= 0xff51afd7ed558ccdu;
    return hash ^ (hash >> 32);
}

#endif
