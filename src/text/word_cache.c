/* The tables of the word cache: sets of two entries, the newer first. See word_cache.h. */
#include "text/word_cache.h"

#include <stdlib.h>

enum { BRIEF_BITS = 17, WIDE_BITS = 14, LINE = 64 };

_Static_assert(sizeof(yo_brief_entry) == 32, "two brief entries fill a cache line");
_Static_assert(sizeof(yo_wide_entry) == 128, "a wide entry fills two");

yoso_status yo_word_cache_ready(yo_word_cache *cache)
{
    if (cache->block != NULL)
        return YOSO_OK;
    size_t brief = sizeof(yo_brief_entry) << BRIEF_BITS, wide = sizeof(yo_wide_entry) << WIDE_BITS;
    cache->block = calloc(1, brief + wide + LINE); /* pages are not touched before they are used */
    if (cache->block == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for the word cache");
    char *start = (char *)(((uintptr_t)cache->block + LINE - 1) / LINE * LINE);
    cache->brief = (void *)start;
    cache->wide = (void *)(start + brief);
    return YOSO_OK;
}

void yo_word_cache_free(yo_word_cache *cache)
{
    free(cache->block);
    *cache = (yo_word_cache){0};
}

/* Up to 15 bytes with zeros behind them. */
static inline void load_key(uint64_t key[2], const uint8_t *text, size_t length, size_t room)
{
    if (room >= 16) {
        key[0] = yo_load8(text);
        key[1] = yo_load8(text + 8);
        if (length < 8) {
            key[0] &= ((uint64_t)1 << 8 * length) - 1;
            key[1] = 0;
        } else {
            key[1] &= ((uint64_t)1 << 8 * (length - 8)) - 1;
        }
    } else {
        key[0] = key[1] = 0;
        memcpy(key, text, length);
    }
}

/* A length below 64, the context, and a bit that no empty entry has. */
static inline uint64_t mark_of(size_t length, unsigned context)
{
    return 0x80 | context << 6 | length;
}

/* The tables' sets that a hash belongs to. */
static inline size_t brief_set(uint32_t hash)
{
    return hash >> (32 - BRIEF_BITS) & ~(size_t)1;
}

static inline size_t wide_set(uint32_t hash)
{
    return hash >> (32 - WIDE_BITS) & ~(size_t)1;
}

yo_probe yo_word_cache_ask(const yo_word_cache *cache, const uint8_t *text, size_t length,
                           size_t room, unsigned context)
{
    yo_probe p = {.text = text, .length = (uint32_t)length, .context = context};
    uint64_t mark = mark_of(length, context);
    if (length <= YO_BRIEF_KEY) {
        load_key(p.key, text, length, room);
        p.key[1] |= mark << 56;
        uint64_t hash = p.key[0] * 0x9FB21C651E98DF25u ^ p.key[1] * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        p.hash = (uint32_t)(hash * 0x9E3779B97F4A7C15u >> 32);
        __builtin_prefetch(&cache->brief[brief_set(p.hash)]);
    } else if (length <= YO_WIDE_KEY) {
        p.hash = (uint32_t)((yo_hash_bytes(text, length) ^ context) * 0x9E3779B97F4A7C15u >> 32);
        const yo_wide_entry *set = &cache->wide[wide_set(p.hash)];
        __builtin_prefetch(set);
        __builtin_prefetch((const char *)set + LINE);
    }
    return p;
}

const yo_brief_entry *yo_word_cache_brief(const yo_word_cache *cache, const yo_probe *p)
{
    const yo_brief_entry *set = &cache->brief[brief_set(p->hash)];
    if (set[0].key[0] == p->key[0] && set[0].key[1] == p->key[1])
        return &set[0];
    return set[1].key[0] == p->key[0] && set[1].key[1] == p->key[1] ? &set[1] : NULL;
}

const yo_wide_entry *yo_word_cache_wide(const yo_word_cache *cache, const yo_probe *p)
{
    if (p->length > YO_WIDE_KEY)
        return NULL;
    const yo_wide_entry *set = &cache->wide[wide_set(p->hash)];
    for (int i = 0; i < 2; i++, set++) {
        if (set->mark == mark_of(p->length, p->context) && yo_same(set->key, p->text, p->length))
            return set;
    }
    return NULL;
}

/* Fills an entry; false when something does not fit into it. */
static bool fill_brief(yo_brief_entry *e, const yo_sequence *s, uint32_t base, int32_t words)
{
    if (s->count > YO_BRIEF_TOKENS || words > 1)
        return false;
    e->count = (uint8_t)s->count & 3;
    e->words = words & 1;
    e->first = s->count > 0 ? (s->spans[0].start - base) & 15 : 0;
    uint32_t at = base + e->first;
    for (size_t i = 0; i < s->count; i++) {
        yo_span span = s->spans[i];
        if (s->texts[i] != 0 || s->words[i] != 0 || span.start != at || span.stop < at ||
            span.stop - base > YO_BRIEF_KEY)
            return false;
        e->ids[i] = s->ids[i];
        e->stops[i] = (uint8_t)(span.stop - base);
        at = span.stop;
    }
    return true;
}

static bool fill_wide(yo_wide_entry *e, const yo_sequence *s, uint32_t base, int32_t words)
{
    if (s->count > YO_WIDE_TOKENS || words > 255)
        return false;
    e->count = (uint8_t)s->count;
    e->words = (uint8_t)words;
    for (size_t i = 0; i < s->count; i++) {
        yo_span span = s->spans[i];
        if (s->texts[i] != 0 || span.start < base || span.start - base > 255 || span.stop < base ||
            span.stop - base > 255 || s->words[i] < 0 || s->words[i] > 255)
            return false;
        e->ids[i] = s->ids[i];
        e->start[i] = (uint8_t)(span.start - base);
        e->stop[i] = (uint8_t)(span.stop - base);
        e->word[i] = (uint8_t)s->words[i];
    }
    return true;
}

void yo_word_cache_keep(yo_word_cache *cache, const yo_probe *p, const yo_sequence *s,
                        uint32_t base, int32_t words)
{
    yo_brief_entry brief = {.key = {p->key[0], p->key[1]}};
    yo_wide_entry wide = {.mark = (uint8_t)mark_of(p->length, p->context)};
    if (p->length <= YO_BRIEF_KEY && fill_brief(&brief, s, base, words)) {
        yo_brief_entry *set = &cache->brief[brief_set(p->hash)];
        set[1] = set[0];
        set[0] = brief;
    } else if (p->length <= YO_WIDE_KEY && fill_wide(&wide, s, base, words)) {
        yo_wide_entry *set = &cache->wide[wide_set(p->hash)];
        memcpy(wide.key, p->text, p->length);
        set[1] = set[0];
        set[0] = wide;
    }
}
