/* The byte alphabet of GPT-2 (each byte a printable character) and its fixed pattern. */
#ifndef YO_TEXT_BYTELEVEL_H
#define YO_TEXT_BYTELEVEL_H

#include "text/bytes.h"

/* The character that stands for a byte: 33-126, 161-172 and 174-255 for themselves, the others
 * 256, 257, ... in order. */
uint32_t yo_byte_character(uint8_t byte);

/* The byte that a character stands for, -1 for none. */
int yo_character_byte(uint32_t c);

/* Bytes of the contraction at text (after an apostrophe), 0 for none. Lower case only. */
size_t yo_contraction(const uint8_t *text, size_t length);

/* The end of the piece that begins at text[start] (start < length) under
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
size_t yo_bytelevel_end(const uint8_t *text, size_t start, size_t length);

#endif
