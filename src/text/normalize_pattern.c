/* Replace and Precompiled: normalizers that look things up. */
#include "text/charsmap.h"
#include "text/normalizer.h"
#include "text/pattern.h"
#include "text/unicode.h"

bool yo_idle_replace(const yo_normalizer *normalizer, const yo_view_text *in)
{
    size_t length;
    const char *literal = yo_pattern_literal(normalizer->pattern, &length);
    if (literal == NULL && normalizer->local) { /* spaces in a row */
        literal = "  ";
        length = 2;
    }
    return literal != NULL && length > 0 && memmem(in->data, in->length, literal, length) == NULL;
}

yoso_status yo_normalize_replace(const yo_normalizer *normalizer, const yo_view_text *in,
                                 uint32_t from, yo_aligned *out)
{
    yo_search *search;
    YO_TRY(yo_search_begin(&search, normalizer->pattern, in->data, in->length));
    size_t kept = 0, start = 0, stop = 0;
    bool found = false;
    yoso_status status;
    while ((status = yo_search_next(search, &found, &start, &stop)) == YOSO_OK && found) {
        /* The new characters share the place of the last one that they replace. */
        yo_span span = {from, from};
        if (out->tracked && stop > 0)
            span = yo_original(in, stop - 1, stop);
        status = yo_aligned_keep(out, in, kept, start);
        if (status == YOSO_OK)
            status = yo_aligned_put(out, (const uint8_t *)normalizer->content,
                                    normalizer->content_length, span);
        if (status != YOSO_OK)
            break;
        kept = stop;
    }
    yo_search_end(search);
    return status == YOSO_OK ? yo_aligned_keep(out, in, kept, in->length) : status;
}

/* What Precompiled has said so far: one character waits, because removing what follows changes
 * its count. */
typedef struct mapping {
    yo_rewrite rewrite;
    bool waits;
    uint32_t c;
    int64_t change;
} mapping;

static yoso_status say(mapping *m, uint32_t c, int64_t change)
{
    if (m->waits)
        YO_TRY(yo_rewrite_put(&m->rewrite, m->c, m->change));
    m->waits = true;
    m->c = c;
    m->change = change;
    return YOSO_OK;
}

/* `old` characters become the text `new`. */
static yoso_status replace(mapping *m, size_t old, const char *new)
{
    size_t length = strlen(new), count = yo_utf8_count((const uint8_t *)new, length);
    for (size_t at = 0, i = 0; at < length; i++) {
        uint32_t size, c = yo_utf8_decode((const uint8_t *)new + at, &size);
        YO_TRY(say(m, c, i >= old));
        at += size;
    }
    if (count < old && m->waits)
        m->change -= (int64_t)(old - count);
    return YOSO_OK;
}

static yoso_status map_cluster(mapping *m, const yo_charsmap *map, const yo_view_text *in,
                               size_t start, size_t stop)
{
    size_t taken;
    if (stop - start < 6) {
        const char *new = yo_charsmap_find(map, in->data + start, stop - start, false, &taken);
        if (new != NULL)
            return replace(m, yo_utf8_count(in->data + start, stop - start), new);
    }
    for (size_t at = start; at < stop;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        const char *new = yo_charsmap_find(map, in->data + at, size, false, &taken);
        if (new != NULL)
            YO_TRY(replace(m, 1, new));
        else
            YO_TRY(say(m, c, 0));
        at += size;
    }
    return YOSO_OK;
}

/* ASCII that stays as it is, and characters that are a cluster each and in no map. */
bool yo_idle_precompiled(const yo_normalizer *normalizer, const yo_view_text *in)
{
    const yo_charsmap *map = normalizer->charsmap;
    for (size_t at = 0; at < in->length;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        size_t taken;
        if (c < 0x80 ? !map->plain[c]
                     : !yo_is_solid(c) ||
                           yo_charsmap_find(map, in->data + at, size, false, &taken) != NULL)
            return false;
        at += size;
    }
    return true;
}

yoso_status yo_normalize_precompiled(const yo_normalizer *normalizer, const yo_view_text *in,
                                     uint32_t from, yo_aligned *out)
{
    const yo_charsmap *map = normalizer->charsmap;
    mapping m = {.rewrite = {.in = in, .out = out, .stop = in->length, .from = from}};
    for (size_t at = 0; at < in->length;) {
        size_t end = yo_cluster_end(in->data, at, in->length);
        YO_TRY(map_cluster(&m, map, in, at, end));
        at = end;
    }
    return m.waits ? yo_rewrite_put(&m.rewrite, m.c, m.change) : YOSO_OK;
}
