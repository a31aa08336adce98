/* The byte alphabet of GPT-2: each byte a printable character. */
#ifndef YO_TEXT_BYTELEVEL_H
#define YO_TEXT_BYTELEVEL_H

#include "text/bytes.h"

/* The character that stands for a byte: 33-126, 161-172 and 174-255 for themselves, the others
 * 256, 257, ... in order. */
uint32_t yo_byte_character(uint8_t byte);

/* The byte that a character stands for, -1 for none. */
int yo_character_byte(uint32_t c);

#endif
