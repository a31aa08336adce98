/* Characters: their classes as the tokenizers library applies them (tables of several ages,
 * which is why they are our own), lower case, decomposition, combining class, composition. */
#ifndef YO_TEXT_UNICODE_H
#define YO_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bits of a class mask; scripts/make_unicode_tables has the same order. */
enum {
    YO_LETTER = 1 << 0, /* \p{L} of the fixed patterns */
    YO_NUMBER = 1 << 1, /* \p{N} */
    YO_SPACE = 1 << 2,  /* whitespace, one set everywhere */
    YO_WORD = 1 << 3,   /* \w of Whitespace and of single_word */
    YO_PUNCTUATION = 1 << 4,
    YO_NUMERIC = 1 << 5, /* Digits */
    YO_BERT_REMOVED = 1 << 6,
    YO_BERT_SPACE = 1 << 7,
    YO_CHINESE = 1 << 8,
    YO_BERT_ACCENT = 1 << 9,
    YO_ACCENT = 1 << 10, /* StripAccents */
    YO_NMT_REMOVED = 1 << 11,
    YO_NMT_SPACE = 1 << 12,
    YO_REGEX_WORD = 1 << 13, /* \w of regular expressions */
    YO_UPPER = 1 << 14,      /* \p{Lu} */
    YO_MARK = 1 << 15,       /* \p{M} */
    YO_HAN = 1 << 16,        /* \p{Han} */
    YO_LOWERS = 1 << 17,     /* has another lower case */
    YO_NO_NFD = 1 << 18,     /* newer than the tables of NFD and NFC */
    YO_NO_NFKD = 1 << 19,    /* newer than the tables of NFKD and NFKC */
    YO_NO_CLASS = 1 << 20,   /* newer than the table of combining classes */
    YO_NEWER = 1 << 21       /* not assigned in Unicode 14 */
};

/* The class mask of a code point. */
uint32_t yo_class(uint32_t c);

static inline bool yo_is(uint32_t c, uint32_t classes)
{
    return (yo_class(c) & classes) != 0;
}

/* A letter, number or mark that stands alone in a grapheme cluster unless marks follow, and whose
 * normal forms begin and end with something that is visible and no mark. Not all such are known. */
bool yo_is_solid(uint32_t c);

/* Lower case, one or two characters; returns how many. */
int yo_lower(uint32_t c, uint32_t out[2]);

/* The full decomposition of one character, canonical or with compatibility; returns how many
 * characters (at most YO_DECOMPOSED). */
enum { YO_DECOMPOSED = 18 };
int yo_decompose(uint32_t c, bool compatibility, uint32_t out[YO_DECOMPOSED]);

/* Whether a character is its own decomposition, with compatibility too, and no mark that could
 * change places. */
bool yo_is_inert(uint32_t c);

/* The canonical combining class. */
int yo_combining_class(uint32_t c);

/* The character that a starter and what follows it compose to, or 0. */
uint32_t yo_compose(uint32_t first, uint32_t second);

/* The end of the grapheme cluster that begins at text[start], start < length. */
size_t yo_cluster_end(const uint8_t *text, size_t start, size_t length);

#endif
