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
    uint16_t *tags; /* of the wide entries: so that few are touched in vain */
    uint32_t turn;  /* which wide entry of a full set goes next */
} yo_word_cache;

yoso_status yo_word_cache_ready(yo_word_cache *cache);
void yo_word_cache_free(yo_word_cache *cache);

/* A stretch that is asked for: text[start .. start + length). `context` (0 or 1) tells apart
 * stretches that mean other things in other places. */
typedef struct yo_probe {
    uint64_t key[2]; /* of a brief entry; not set when it is too long for one */
    uint32_t start, length, hash;
    uint32_t context;
} yo_probe;

enum { YO_BRIEF_BITS = 17, YO_WIDE_BITS = 15 }; /* of the tables' sizes */

/* The tables' sets that a hash belongs to: two entries each, the newer first. */
static inline yo_brief_entry *yo_brief_set(const yo_word_cache *cache, uint32_t hash)
{
    return &cache->brief[hash >> (32 - YO_BRIEF_BITS) & ~1u];
}

static inline uint32_t yo_wide_set(uint32_t hash)
{
    return hash >> (32 - YO_WIDE_BITS) & ~1u;
}

static inline uint16_t yo_wide_tag(uint32_t hash)
{
    return (uint16_t)(hash | 1); /* never that of an empty entry */
}

/* A length below 64, the context, and a bit that no empty entry has. */
static inline uint64_t yo_cache_mark(const yo_probe *p)
{
    return 0x80 | p->context << 6 | p->length;
}

static inline uint32_t yo_cache_hash(uint64_t a, uint64_t b)
{
    uint64_t hash = a * 0x9FB21C651E98DF25u ^ b * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
    return (uint32_t)(hash * 0x9E3779B97F4A7C15u >> 32);
}

extern const uint64_t yo_key_masks[YO_BRIEF_KEY + 1][2];

/* Asks memory for what the brief table knows of the stretch; `room` bytes may be read at
 * text + start. */
static inline void yo_word_cache_ask(const yo_word_cache *cache, yo_probe *p, const uint8_t *text,
                                     size_t room)
{
    text += p->start;
    if (p->length <= YO_BRIEF_KEY) {
        if (room >= 16) {
            p->key[0] = yo_load8(text) & yo_key_masks[p->length][0];
            p->key[1] = yo_load8(text + 8) & yo_key_masks[p->length][1];
        } else {
            p->key[0] = p->key[1] = 0;
            memcpy(p->key, text, p->length);
        }
        p->key[1] |= yo_cache_mark(p) << 56;
        p->hash = yo_cache_hash(p->key[0], p->key[1]);
        __builtin_prefetch(yo_brief_set(cache, p->hash));
    } else if (p->length <= YO_WIDE_KEY) {
        p->hash = yo_cache_hash(yo_hash_bytes(text, p->length), p->context);
    }
}

/* The same for the wide table, when the brief one does not know it. */
static inline void yo_word_cache_ask_wide(const yo_word_cache *cache, const yo_probe *p)
{
    uint32_t set = yo_wide_set(p->hash);
    uint16_t tag = yo_wide_tag(p->hash);
    if (p->length > YO_WIDE_KEY || (cache->tags[set] != tag && cache->tags[set + 1] != tag))
        return;
    const char *entry = (const char *)&cache->wide[cache->tags[set] != tag ? set + 1 : set];
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 64);
}

/* What is known of it: in the one table (for at most YO_BRIEF_KEY bytes), or in the other; NULL
 * when nothing is. */
static inline const yo_brief_entry *yo_word_cache_brief(const yo_word_cache *cache,
                                                        const yo_probe *p)
{
    const yo_brief_entry *set = yo_brief_set(cache, p->hash);
    if (set[0].key[0] == p->key[0] && set[0].key[1] == p->key[1])
        return &set[0];
    return set[1].key[0] == p->key[0] && set[1].key[1] == p->key[1] ? &set[1] : NULL;
}

const yo_wide_entry *yo_word_cache_wide(const yo_word_cache *cache, const yo_probe *probe,
                                        const uint8_t *text);

/* Keeps the tokens of a full sequence, made of the stretch, where they are few and simple
 * enough. */
void yo_word_cache_keep(yo_word_cache *cache, const yo_probe *probe, const uint8_t *text,
                        const yo_sequence *sequence, int32_t words);

#endif
