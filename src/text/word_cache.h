/* A bounded cache from stretches of raw text to their tokens. Entries are of two sizes; a new one
 * takes the place of an old one, so memory never grows past the two tables.
 *
 * A stretch is asked for in two steps, so that many can be on their way from memory at once. */
#ifndef YO_TEXT_WORD_CACHE_H
#define YO_TEXT_WORD_CACHE_H

#include "text/sequence.h"

enum {
    YO_BRIEF_KEY = 15,
    YO_BRIEF_TOKENS = 3,
    YO_WIDE_KEY = 48,
    YO_WIDE_TOKENS = 11,
    YO_CACHED_TOKENS = 16 /* room that adding one may write into */
};

/* At most 15 bytes of one word (or of none) whose tokens follow each other without a gap. */
typedef struct yo_brief_entry {
    uint64_t key[2]; /* the text, zeros, and in the last byte its length and context */
    int32_t ids[YO_BRIEF_TOKENS];
    uint8_t count : 2, words : 1, first : 4; /* `first` is where the first token begins */
    uint8_t stops[YO_BRIEF_TOKENS];          /* where each one ends */
} yo_brief_entry;

/* Places are relative to the stretch, words to its first. */
typedef struct yo_wide_entry {
    uint8_t key[YO_WIDE_KEY];
    int32_t ids[YO_WIDE_TOKENS];
    uint8_t start[YO_WIDE_TOKENS], stop[YO_WIDE_TOKENS], word[YO_WIDE_TOKENS];
    uint8_t mark; /* length, context, and that the entry is used */
    uint8_t count, words;
} yo_wide_entry;

typedef struct yo_word_cache {
    void *block; /* of both tables */
    yo_brief_entry *brief;
    yo_wide_entry *wide;
} yo_word_cache;

yoso_status yo_word_cache_ready(yo_word_cache *cache);
void yo_word_cache_free(yo_word_cache *cache);

/* A stretch that is asked for. */
typedef struct yo_probe {
    uint64_t key[2]; /* of a brief entry; zeros when it is too long for one */
    const uint8_t *text;
    uint32_t length, hash;
    unsigned context;
} yo_probe;

/* Asks for text[0 .. length), of which `room` bytes may be read. `context` (0 or 1) tells apart
 * stretches that mean other things in other places. */
yo_probe yo_word_cache_ask(const yo_word_cache *cache, const uint8_t *text, size_t length,
                           size_t room, unsigned context);

/* What is known of it: in the one table, or in the other; NULL when nothing is. */
const yo_brief_entry *yo_word_cache_brief(const yo_word_cache *cache, const yo_probe *probe);
const yo_wide_entry *yo_word_cache_wide(const yo_word_cache *cache, const yo_probe *probe);

/* Keeps the tokens of a full sequence, made of the stretch at byte `base` of its source, where they
 * are few and simple enough. */
void yo_word_cache_keep(yo_word_cache *cache, const yo_probe *probe, const yo_sequence *sequence,
                        uint32_t base, int32_t words);

#endif
