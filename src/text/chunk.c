/* Which texts may be cut into stretches, and where characters beyond ASCII allow it: see chunk.h.
 * The scan itself is in chunk_scan.c. */
#include "text/chunk.h"

#include "text/charsmap.h"
#include "text/pattern.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* The fixed pattern that ByteLevel cuts by, the last step, or Split before it. */
static yo_fixed pattern_of(const yo_pretokenizers *cuts)
{
    const yo_pretokenizer *split = &cuts->list[0], *last = &cuts->list[cuts->count - 1];
    if (cuts->count == 1)
        return last->use_regex ? YO_FIXED_GPT2 : YO_FIXED_NONE;
    bool keeps_all = split->kind == YO_CUT_SPLIT && split->behavior == YO_ISOLATED;
    if (cuts->count != 2 || !keeps_all || last->use_regex)
        return YO_FIXED_NONE;
    return yo_fixed_of(yo_pattern_regex(split->pattern));
}

yo_chunking yo_chunking_of(const yo_normalizers *normalizers, const yo_pretokenizers *cuts,
                           bool bytes)
{
    const yo_chunking none = {.kind = YO_CHUNK_NONE};
    yo_chunking c = {.kind = YO_CHUNK_SPACES};
    bool replaces = false;
    for (size_t i = 0; i < normalizers->count; i++) {
        const yo_normalizer *n = &normalizers->list[i];
        if (!n->local || (n->charsmap != NULL && c.map_count == 2))
            return none;
        replaces = replaces || n->pattern != NULL;
        c.chinese = c.chinese || n->chinese;
        if (n->charsmap != NULL)
            c.maps[c.map_count++] = n->charsmap;
    }
    if (cuts->count == 0)
        return none;
    if (bytes) {
        c.kind = YO_CHUNK_BYTES;
        c.pattern = normalizers->count == 0 ? pattern_of(cuts) : YO_FIXED_NONE;
        return c.pattern != YO_FIXED_NONE ? c : none;
    }
    /* The first step must cut at spaces; the others see its pieces one by one. */
    switch (cuts->list[0].kind) {
    case YO_CUT_BERT:
        c.inner = replaces ? YO_INNER_NONE : YO_INNER_PUNCTUATION;
        return c;
    case YO_CUT_WHITESPACE:
        c.inner = replaces ? YO_INNER_NONE : YO_INNER_WORDS;
        return c;
    case YO_CUT_WHITESPACE_SPLIT:
        return c;
    case YO_CUT_METASPACE:
        c.chinese = false; /* the spaces put around them are marks, and count */
        return cuts->list[0].split ? c : none;
    default:
        return none;
    }
}

const char yo_chunk_mark[4] = "\xE2\x96\x81";

static bool is_mark(const char *text, size_t length)
{
    return length == 3 && memcmp(text, yo_chunk_mark, 3) == 0;
}

bool yo_chunk_joins(const yo_normalizers *normalizers, const yo_pretokenizers *cuts,
                    const yo_model *model)
{
    size_t count = normalizers->count, length = 0;
    if (cuts->count > 0 || count == 0 || count > 2)
        return false;
    const yo_normalizer *first = &normalizers->list[0], *last = &normalizers->list[count - 1];
    if (last->run != yo_normalize_replace || !is_mark(last->content, last->content_length))
        return false;
    const char *space = yo_pattern_literal(last->pattern, &length);
    if (space == NULL || length != 1 || *space != ' ')
        return false;
    if (count == 2 &&
        (first->run != yo_normalize_prepend || !is_mark(first->content, first->content_length)))
        return false;
    return yo_bpe_parts_before(model, yo_chunk_mark, 3);
}

/* Whether a character keeps to itself through all steps that are local: a letter, a number or a
 * common mark that is neither removed nor joined to others, nor becomes or begins with a space. */
static bool is_solid(const yo_chunking *chunking, const uint8_t *text, uint32_t c)
{
    size_t taken;
    if (c < 0x80)
        return c > 0x20 && c < 0x7F;
    if (!yo_is_solid(c))
        return false;
    for (size_t i = 0; i < chunking->map_count; i++) {
        if (yo_charsmap_find(chunking->maps[i], text, yo_utf8_size(*text), false, &taken) != NULL)
            return false;
    }
    return true;
}

bool yo_chunk_starts(const yo_chunking *chunking, const uint8_t *text)
{
    uint32_t size, c = yo_utf8_decode(text, &size);
    return chunking->map_count == 0 || c == ' ' || is_solid(chunking, text, c);
}

/* The character before `at` is solid, and with maps also the one before it: then it is no part of
 * a cluster that a map takes for one. */
static bool solid_before(const yo_chunking *chunking, const uint8_t *text, size_t start, size_t at)
{
    uint32_t size, c = yo_utf8_before(text, at, &size);
    if (!is_solid(chunking, text + at - size, c))
        return false;
    at -= size;
    if (chunking->map_count == 0 || c < 0x80 || at == start)
        return true;
    c = yo_utf8_before(text, at, &size);
    return c == ' ' || is_solid(chunking, text + at - size, c);
}

static bool solid_after(const yo_chunking *chunking, const uint8_t *text, size_t at, size_t stop)
{
    uint32_t size;
    return at < stop && is_solid(chunking, text + at, yo_utf8_decode(text + at, &size));
}

static bool is_chinese(uint32_t c)
{
    return c >= 0x3400 && yo_is(c, YO_CHINESE);
}

bool yo_chunk_divides(const yo_chunking *chunking, const uint8_t *text, size_t start, size_t at,
                      size_t stop)
{
    uint32_t size;
    if (chunking->kind == YO_CHUNK_JOINED)
        return at - start < 3 || !is_mark((const char *)text + at - 3, 3);
    if (text[at] == ' ')
        return solid_before(chunking, text, start, at) && solid_after(chunking, text, at + 1, stop);
    if (!is_chinese(yo_utf8_decode(text + at, &size)) &&
        !is_chinese(yo_utf8_before(text, at, &size)))
        return false;
    return solid_before(chunking, text, start, at) && solid_after(chunking, text, at, stop);
}
