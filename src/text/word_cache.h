/* A bounded cache from stretches of raw text to their tokens. Entries are of two sizes; a new one
 * takes the place of an old one, so memory never grows past the two tables. */
#ifndef YO_TEXT_WORD_CACHE_H
#define YO_TEXT_WORD_CACHE_H

#include "text/sequence.h"

enum { YO_SHORT_KEY = 16, YO_SHORT_TOKENS = 6, YO_LONG_KEY = 48, YO_LONG_TOKENS = 16 };

/* One cache line: the tokens of at most 16 bytes of text. Places are relative to the stretch,
 * words to its first. */
typedef struct yo_short_entry {
    uint64_t key[2]; /* padded with zeros */
    int32_t ids[YO_SHORT_TOKENS];
    uint8_t start[YO_SHORT_TOKENS], stop[YO_SHORT_TOKENS], word[YO_SHORT_TOKENS];
    uint8_t length; /* of the key, with the context in bit 7; 0 for an empty entry */
    uint8_t count;
    uint8_t words; /* how many words the stretch has */
    uint8_t spare[3];
} yo_short_entry;

typedef struct yo_long_entry {
    uint8_t key[YO_LONG_KEY];
    int32_t ids[YO_LONG_TOKENS];
    uint8_t start[YO_LONG_TOKENS], stop[YO_LONG_TOKENS], word[YO_LONG_TOKENS];
    uint8_t length, count, words, context;
} yo_long_entry;

typedef struct yo_word_cache {
    yo_short_entry *brief;
    yo_long_entry *wide;
} yo_word_cache;

yoso_status yo_word_cache_ready(yo_word_cache *cache);
void yo_word_cache_free(yo_word_cache *cache);

/* What is known of a stretch: one of the two is set, or none. */
typedef struct yo_cached {
    const int32_t *ids;
    const uint8_t *start, *stop, *word;
    uint8_t count, words;
} yo_cached;

/* Looks for text[0 .. length); `room` bytes may be read there. `context` (0 or 1) tells apart
 * stretches that mean other things in other places. */
bool yo_word_cache_find(const yo_word_cache *cache, const uint8_t *text, size_t length, size_t room,
                        unsigned context, yo_cached *found);

/* Keeps tokens [first, sequence->count) of a full sequence as what the stretch that begins at
 * byte `base` means, where it is short and simple enough. */
void yo_word_cache_keep(yo_word_cache *cache, const uint8_t *text, size_t length, unsigned context,
                        const yo_sequence *sequence, uint32_t base, int32_t words);

#endif
