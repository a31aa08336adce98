/* SentencePiece's precompiled character map: a double-array trie from byte strings to their
 * replacements. */
#ifndef YO_TEXT_CHARSMAP_H
#define YO_TEXT_CHARSMAP_H

#include "text/bytes.h"

typedef struct yo_charsmap {
    uint32_t *units;
    size_t unit_count;
    char *replacements; /* each ends with a zero byte */
    size_t length;
    bool plain[128]; /* ASCII characters that stay as they are, whatever follows in ASCII */
} yo_charsmap;

/* From the binary form; *out is freed with yo_charsmap_free. */
yoso_status yo_charsmap_read(yo_charsmap **out, const uint8_t *data, size_t length);
/* From base 64, as tokenizer.json has it. */
yoso_status yo_charsmap_decode(yo_charsmap **out, const char *text, size_t length);
void yo_charsmap_free(yo_charsmap *map);

/* The replacement of the shortest (or longest) entry that is a prefix of text; NULL for none.
 * *taken is the entry's length. */
const char *yo_charsmap_find(const yo_charsmap *map, const uint8_t *text, size_t length,
                             bool longest, size_t *taken);

#endif
