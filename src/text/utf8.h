/* UTF-8 in valid text: decoding, encoding, stepping. Outside text is made valid first by
 * yo_utf8_repair, so that nothing further in has to check. */
#ifndef YO_TEXT_UTF8_H
#define YO_TEXT_UTF8_H

#include "text/bytes.h"

/* Bytes of the character that begins with this byte. */
static inline uint32_t yo_utf8_size(uint8_t first)
{
    return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

static inline bool yo_utf8_continues(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The character at text, whose size is put in *size. */
static inline uint32_t yo_utf8_decode(const uint8_t *text, uint32_t *size)
{
    uint8_t first = text[0];
    if (first < 0x80) {
        *size = 1;
        return first;
    }
    if (first < 0xE0) {
        *size = 2;
        return (uint32_t)(first & 0x1F) << 6 | (text[1] & 0x3F);
    }
    if (first < 0xF0) {
        *size = 3;
        return (uint32_t)(first & 0x0F) << 12 | (uint32_t)(text[1] & 0x3F) << 6 | (text[2] & 0x3F);
    }
    *size = 4;
    return (uint32_t)(first & 0x07) << 18 | (uint32_t)(text[1] & 0x3F) << 12 |
           (uint32_t)(text[2] & 0x3F) << 6 | (text[3] & 0x3F);
}

/* The character that ends just before text + end (end > 0). */
static inline uint32_t yo_utf8_before(const uint8_t *text, size_t end, uint32_t *size)
{
    size_t start = end - 1;
    while (yo_utf8_continues(text[start]))
        start--;
    return yo_utf8_decode(text + start, size);
}

/* Writes c, at most 4 bytes; returns how many. */
static inline uint32_t yo_utf8_encode(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

static inline yoso_status yo_bytes_character(yo_bytes *bytes, uint32_t c)
{
    YO_TRY(yo_bytes_reserve(bytes, 4));
    bytes->length += yo_utf8_encode(bytes->data + bytes->length, c);
    return YOSO_OK;
}

/* The length of the valid prefix of text: `length` when all of it is valid UTF-8. */
size_t yo_utf8_valid(const uint8_t *text, size_t length);

/* Bytes at the start of text (length > 0, not valid there) that become one U+FFFD: the longest
 * prefix of a well-formed character, at least one byte (the Unicode standard's practice). */
size_t yo_utf8_damage(const uint8_t *text, size_t length);

/* How many characters valid text has. */
size_t yo_utf8_count(const uint8_t *text, size_t length);

#endif
