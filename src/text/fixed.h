/* Patterns that families of models share, matched by hand: pieces without a regex engine. */
#ifndef YO_TEXT_FIXED_H
#define YO_TEXT_FIXED_H

#include "text/bytes.h"

typedef enum yo_fixed {
    YO_FIXED_NONE,
    YO_FIXED_GPT2, /* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
    YO_FIXED_LLAMA3, /* contractions of any case, three digits at a time, and so on */
    YO_FIXED_QWEN2   /* the same with single digits */
} yo_fixed;

/* The pattern that a regular expression is; YO_FIXED_NONE for any other, and for NULL. */
yo_fixed yo_fixed_of(const char *regex);

/* The end of the piece that begins at text[start] (start < length). */
size_t yo_fixed_end(yo_fixed pattern, const uint8_t *text, size_t start, size_t length);

/* Bytes of the contraction at text (after an apostrophe), 0 for none. Lower case only. */
size_t yo_fixed_contraction(const uint8_t *text, size_t length);

#endif
