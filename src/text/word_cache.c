/* The tables of the word cache: sets of two entries, the newer first. See word_cache.h. */
#include "text/word_cache.h"

#include <stdlib.h>

enum { SHORT_BITS = 16, LONG_BITS = 12 };

yoso_status yo_word_cache_ready(yo_word_cache *cache)
{
    if (cache->brief != NULL)
        return YOSO_OK;
    size_t bytes = sizeof(yo_short_entry) << SHORT_BITS;
    yo_short_entry *brief = aligned_alloc(64, bytes);
    yo_long_entry *wide = calloc((size_t)1 << LONG_BITS, sizeof *wide);
    if (brief == NULL || wide == NULL) {
        free(brief);
        free(wide);
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for the word cache");
    }
    memset(brief, 0, bytes);
    cache->brief = brief;
    cache->wide = wide;
    return YOSO_OK;
}

void yo_word_cache_free(yo_word_cache *cache)
{
    free(cache->brief);
    free(cache->wide);
    *cache = (yo_word_cache){0};
}

static void load_key(uint64_t key[2], const uint8_t *text, size_t length, size_t room)
{
    if (room >= 16) {
        memcpy(key, text, 16);
        if (length < 8) {
            key[0] &= ((uint64_t)1 << (8 * length)) - 1;
            key[1] = 0;
        } else if (length == 8) {
            key[1] = 0;
        } else if (length < 16) {
            key[1] &= ((uint64_t)1 << (8 * (length - 8))) - 1;
        }
    } else {
        key[0] = key[1] = 0;
        memcpy(key, text, length);
    }
}

/* The first place of the set that a short key belongs to. */
static size_t short_set(const uint64_t key[2], size_t length)
{
    uint64_t hash = key[0] * 0x9FB21C651E98DF25u ^ (key[1] + length) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    return (size_t)(hash >> (64 - SHORT_BITS)) & ~(size_t)1;
}

static size_t long_set(const uint8_t *text, size_t length)
{
    return (size_t)(yo_hash_bytes(text, length) >> (64 - LONG_BITS)) & ~(size_t)1;
}

bool yo_word_cache_find(const yo_word_cache *cache, const uint8_t *text, size_t length, size_t room,
                        unsigned context, yo_cached *found)
{
    if (length <= YO_SHORT_KEY) {
        uint64_t key[2];
        load_key(key, text, length, room);
        const yo_short_entry *entry = &cache->brief[short_set(key, length)];
        uint8_t mark = (uint8_t)(length | context << 7);
        for (int i = 0; i < 2; i++, entry++) {
            if (entry->key[0] != key[0] || entry->key[1] != key[1] || entry->length != mark)
                continue;
            *found = (yo_cached){entry->ids,  entry->start, entry->stop,
                                 entry->word, entry->count, entry->words};
            return true;
        }
        return false;
    }
    if (length > YO_LONG_KEY)
        return false;
    const yo_long_entry *entry = &cache->wide[long_set(text, length)];
    for (int i = 0; i < 2; i++, entry++) {
        if (entry->length != length || entry->context != context ||
            memcmp(entry->key, text, length) != 0)
            continue;
        *found = (yo_cached){entry->ids,  entry->start, entry->stop,
                             entry->word, entry->count, entry->words};
        return true;
    }
    return false;
}

/* Fills the arrays of an entry; false when something does not fit into them. */
static bool fill(const yo_sequence *s, uint32_t base, int32_t *ids, uint8_t *start, uint8_t *stop,
                 uint8_t *word)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->texts[i] != 0 || s->spans[i].start < base || s->spans[i].stop - base > 255 ||
            s->words[i] < 0 || s->words[i] > 255)
            return false;
        ids[i] = s->ids[i];
        start[i] = (uint8_t)(s->spans[i].start - base);
        stop[i] = (uint8_t)(s->spans[i].stop - base);
        word[i] = (uint8_t)s->words[i];
    }
    return true;
}

void yo_word_cache_keep(yo_word_cache *cache, const uint8_t *text, size_t length, unsigned context,
                        const yo_sequence *s, uint32_t base, int32_t words)
{
    if (words > 255)
        return;
    if (length <= YO_SHORT_KEY && s->count <= YO_SHORT_TOKENS) {
        yo_short_entry made = {.length = (uint8_t)(length | context << 7),
                               .count = (uint8_t)s->count,
                               .words = (uint8_t)words};
        if (!fill(s, base, made.ids, made.start, made.stop, made.word))
            return;
        memcpy(made.key, text, length);
        yo_short_entry *set = &cache->brief[short_set(made.key, length)];
        set[1] = set[0];
        set[0] = made;
    } else if (length > YO_SHORT_KEY && length <= YO_LONG_KEY && s->count <= YO_LONG_TOKENS) {
        yo_long_entry made = {.length = (uint8_t)length,
                              .count = (uint8_t)s->count,
                              .words = (uint8_t)words,
                              .context = (uint8_t)context};
        if (!fill(s, base, made.ids, made.start, made.stop, made.word))
            return;
        memcpy(made.key, text, length);
        yo_long_entry *set = &cache->wide[long_set(text, length)];
        set[1] = set[0];
        set[0] = made;
    }
}
