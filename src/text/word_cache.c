/* The tables of the word cache: sets of two entries, the newer first. See word_cache.h. */
#include "text/word_cache.h"

#include <stdlib.h>

enum { LINE = 64 };

_Static_assert(sizeof(yo_brief_entry) == 32, "two brief entries fill a cache line");
_Static_assert(sizeof(yo_wide_entry) == 128, "a wide entry fills two");

yoso_status yo_word_cache_ready(yo_word_cache *cache)
{
    if (cache->block != NULL)
        return YOSO_OK;
    size_t brief = sizeof(yo_brief_entry) << YO_BRIEF_BITS, wide = sizeof(yo_wide_entry)
                                                                   << YO_WIDE_BITS;
    size_t tags = sizeof(uint16_t) << YO_WIDE_BITS;
    cache->block =
        calloc(1, brief + wide + tags + LINE); /* pages are not touched before they are used */
    if (cache->block == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for the word cache");
    char *start = (char *)(((uintptr_t)cache->block + LINE - 1) / LINE * LINE);
    cache->brief = (void *)start;
    cache->wide = (void *)(start + brief);
    cache->tags = (void *)(start + brief + wide);
    return YOSO_OK;
}

void yo_word_cache_free(yo_word_cache *cache)
{
    free(cache->block);
    *cache = (yo_word_cache){0};
}

#define M(n) ((n) >= 8 ? ~(uint64_t)0 : ((uint64_t)1 << 8 * ((n)&7)) - 1)
#define MASKS(n)                                                                                   \
    {                                                                                              \
        M(n), (n) > 8 ? M((n)-8) : 0                                                               \
    }
const uint64_t yo_key_masks[YO_BRIEF_KEY + 1][2] = {
    MASKS(0), MASKS(1), MASKS(2),  MASKS(3),  MASKS(4),  MASKS(5),  MASKS(6),  MASKS(7),
    MASKS(8), MASKS(9), MASKS(10), MASKS(11), MASKS(12), MASKS(13), MASKS(14), MASKS(15)};

const yo_wide_entry *yo_word_cache_wide(const yo_word_cache *cache, const yo_probe *p,
                                        const uint8_t *text)
{
    if (p->length > YO_WIDE_KEY)
        return NULL;
    uint32_t set = yo_wide_set(p->hash);
    for (uint32_t i = set; i < set + 2; i++) {
        const yo_wide_entry *entry = &cache->wide[i];
        if (cache->tags[i] == yo_wide_tag(p->hash) && entry->mark == yo_cache_mark(p) &&
            yo_same(entry->key, text + p->start, p->length))
            return entry;
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

void yo_word_cache_keep(yo_word_cache *cache, const yo_probe *p, const uint8_t *text,
                        const yo_sequence *s, int32_t words)
{
    yo_brief_entry brief = {.key = {p->key[0], p->key[1]}};
    yo_wide_entry wide = {.mark = (uint8_t)yo_cache_mark(p)};
    if (p->length <= YO_BRIEF_KEY && fill_brief(&brief, s, p->start, words)) {
        yo_brief_entry *set = yo_brief_set(cache, p->hash);
        set[1] = set[0];
        set[0] = brief;
    } else if (p->length <= YO_WIDE_KEY && fill_wide(&wide, s, p->start, words)) {
        uint32_t place = yo_wide_set(p->hash);
        if (cache->tags[place] != 0) /* the two take turns */
            place += cache->tags[place + 1] == 0 ? 1 : cache->turn++ & 1;
        memcpy(wide.key, text + p->start, p->length);
        cache->wide[place] = wide;
        cache->tags[place] = yo_wide_tag(p->hash);
    }
}
