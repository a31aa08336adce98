/* Writing windows into a store: ids, masks, and offsets trimmed and put into the caller's unit. */
#include <stdlib.h>

#include "text/encoding.h"
#include "text/unicode.h"

void yo_store_free(yo_store *s)
{
    free(s->ids);
    free(s->type_ids);
    free(s->words);
    free(s->sequences);
    free(s->attention);
    free(s->special);
    free(s->offsets);
    free(s->texts);
    free(s->own_texts);
    yo_bytes_free(&s->text);
    *s = (yo_store){0};
}

static yoso_status grow(void **data, size_t room, size_t size)
{
    size_t capacity = 0;
    return yo_grow(data, &capacity, room, size);
}

yoso_status yo_store_reserve(yo_store *s, size_t more)
{
    size_t need = s->count + more;
    if (need <= s->capacity && s->ids != NULL)
        return YOSO_OK;
    size_t room = need + s->capacity / 2 + 64;
    YO_TRY(grow((void **)&s->ids, room, sizeof *s->ids));
    YO_TRY(grow((void **)&s->type_ids, room, sizeof *s->type_ids));
    YO_TRY(grow((void **)&s->attention, room, 1));
    if (s->full) {
        YO_TRY(grow((void **)&s->special, room, 1));
        YO_TRY(grow((void **)&s->words, room, sizeof *s->words));
        YO_TRY(grow((void **)&s->sequences, room, sizeof *s->sequences));
        YO_TRY(grow((void **)&s->offsets, room, sizeof *s->offsets));
        YO_TRY(grow((void **)&s->texts, room, sizeof *s->texts));
    }
    s->capacity = room;
    return YOSO_OK;
}

static yoso_status own_text(yo_store *s, const uint8_t *text, size_t length, uint32_t *place)
{
    YO_TRY(yo_grow((void **)&s->own_texts, &s->own_room, s->own_count + 1, sizeof *s->own_texts));
    if (s->text.length + length > UINT32_MAX)
        return yo_fail(YOSO_MISUSE, "encode: the tokens' texts exceed 4 GiB");
    uint32_t start = (uint32_t)s->text.length;
    YO_TRY(yo_bytes_append(&s->text, text, length));
    s->own_texts[s->own_count++] = (yo_span){start, (uint32_t)s->text.length};
    *place = (uint32_t)s->own_count;
    return YOSO_OK;
}

/* -- Trimming -------------------------------------------------------------------------------- */

/* A space, or what stands for one in the byte alphabet. */
static bool is_blank(uint32_t c)
{
    return c == 0x120 || yo_is(c, YO_SPACE);
}

static size_t leading(const uint8_t *text, size_t length)
{
    size_t count = 0;
    uint32_t size;
    for (size_t at = 0; at < length && is_blank(yo_utf8_decode(text + at, &size)); at += size)
        count++;
    return count;
}

static size_t trailing(const uint8_t *text, size_t length)
{
    size_t count = 0;
    uint32_t size;
    for (; length > 0 && is_blank(yo_utf8_before(text, length, &size)); length -= size)
        count++;
    return count;
}

/* How many blanks a token begins and ends with. */
typedef struct blanks {
    size_t before, after;
} blanks;

/* Told from the source, where each byte of it is a character of a token's text: only spaces, and
 * then graphic ASCII from end to end of the rest. False when it is not as simple. */
static bool blanks_of_bytes(const yo_source *source, yo_span span, blanks *b)
{
    uint32_t at = span.start;
    while (at < span.stop && source->data[at] == ' ')
        at++;
    if (at >= span.stop)
        return false;
    uint8_t first = source->data[at], last = source->data[span.stop - 1];
    *b = (blanks){at - span.start, 0};
    return first > 0x20 && first < 0x7F && last > 0x20 && last < 0x7F;
}

static blanks blanks_of_text(const char *text, size_t length)
{
    if (length == 0)
        return (blanks){0, 0};
    return (blanks){leading((const uint8_t *)text, length),
                    trailing((const uint8_t *)text, length)};
}

/* Cuts the blanks of a token off its span, counted in characters of the source. */
static void trim(yo_span *span, const yo_source *source, blanks b, bool first, bool keep)
{
    size_t before = b.before, after = b.after;
    if (before == 1 && keep && (first || span->start == 0))
        before = 0; /* the space that was put before everything is not there to be cut */
    for (; before > 0 && span->start < span->stop; before--)
        span->start += yo_utf8_size(source->data[span->start]);
    if (span->start > span->stop)
        span->start = span->stop;
    size_t stop = span->stop;
    while (after > 0 && stop > 0) {
        stop--;
        while (stop > 0 && yo_utf8_continues(source->data[stop]))
            stop--;
        after--;
    }
    if (after == 0)
        span->stop = stop > span->start ? (uint32_t)stop : span->start;
}

/* -- Units ----------------------------------------------------------------------------------- */

/* A place in a source as the caller counts: code points, or bytes of the text that was given. */
static uint32_t convert(yo_sequence *from, const yo_source *source, bool codepoints, uint32_t place)
{
    yo_cursor *c = &from->cursor;
    if (c->source != source)
        *c = (yo_cursor){.source = source};
    if (codepoints) {
        while (c->at < place && c->at < source->length)
            c->points += !yo_utf8_continues(source->data[c->at++]);
        while (c->at > place)
            c->points -= !yo_utf8_continues(source->data[--c->at]);
        return (uint32_t)c->points;
    }
    const yo_repair *repairs =
        source->repair_count > 0 ? from->repairs + source->first_repair : NULL;
    for (; c->repair < source->repair_count && repairs[c->repair].at < place; c->repair++)
        c->shift += 3 - repairs[c->repair].length;
    for (; c->repair > 0 && repairs[c->repair - 1].at >= place; c->repair--)
        c->shift -= 3 - repairs[c->repair - 1].length;
    return (uint32_t)(place - c->shift);
}

/* -- Writing --------------------------------------------------------------------------------- */

static yoso_status write_special(yo_store *s, const yoso_tokenizer *t, const yo_part *part)
{
    const yo_special *special = &t->post.specials[part->special];
    size_t at = s->count++, length = 0;
    s->ids[at] = special->id;
    s->type_ids[at] = part->type_id;
    s->attention[at] = 1;
    if (!s->full)
        return YOSO_OK;
    s->special[at] = 1;
    s->words[at] = s->sequences[at] = -1;
    s->offsets[at] = (yo_span){0, 0};
    s->texts[at] = 0;
    const char *text = yo_token_text(t, special->id, &length);
    if (text == NULL || length != special->length || memcmp(text, special->token, length) != 0)
        return own_text(s, (const uint8_t *)special->token, special->length, &s->texts[at]);
    return YOSO_OK;
}

static yoso_status write_tokens(yo_store *s, const yoso_tokenizer *t, yo_sequence *from,
                                const yo_part *part, bool codepoints)
{
    size_t first = s->count, length = part->stop - part->start;
    if (length == 0)
        return YOSO_OK;
    memcpy(s->ids + first, from->ids + part->start, length * sizeof *s->ids);
    memset(s->attention + first, 1, length);
    for (size_t i = 0; i < length; i++)
        s->type_ids[first + i] = part->type_id;
    s->count += length;
    if (!s->full)
        return YOSO_OK;
    memset(s->special + first, 0, length);
    memcpy(s->words + first, from->words + part->start, length * sizeof *s->words);
    for (size_t i = 0; i < length; i++)
        s->sequences[first + i] = part->told;
    if (from->own_count == 0 && part->trims == 0 && !codepoints && from->repair_count == 0) {
        memset(s->texts + first, 0, length * sizeof *s->texts);
        memcpy(s->offsets + first, from->spans + part->start, length * sizeof *s->offsets);
        return YOSO_OK;
    }
    bool tells = t->byte_level && t->normalizers.count == 0; /* the source of each token's text */
    for (size_t i = 0; i < length; i++) {
        size_t at = first + i, token = part->start + i;
        const yo_source *source = &from->sources[from->by_word ? from->words[token] : 0];
        const char *text = NULL;
        size_t text_length = 0;
        yo_span span = from->spans[token];
        blanks b;
        s->texts[at] = 0;
        if (from->texts[token] != 0) {
            yo_span own = from->own_texts[from->texts[token] - 1];
            text = (const char *)from->text.data + own.start;
            text_length = own.stop - own.start;
            YO_TRY(own_text(s, (const uint8_t *)text, text_length, &s->texts[at]));
        }
        if (part->trims > 0 && (text != NULL || !tells || !blanks_of_bytes(source, span, &b))) {
            if (text == NULL)
                text = yo_token_text(t, from->ids[token], &text_length);
            b = blanks_of_text(text, text_length);
        }
        for (int k = 0; k < part->trims; k++)
            trim(&span, source, b, i == 0 && part->first[k], part->keep[k]);
        if (codepoints || source->repair_count > 0)
            span = (yo_span){convert(from, source, codepoints, span.start),
                             convert(from, source, codepoints, span.stop)};
        s->offsets[at] = span;
    }
    return YOSO_OK;
}

yoso_status yo_write_window(yo_job *job, const yoso_tokenizer *t, yo_worker *worker,
                            yo_window window, bool codepoints, bool open)
{
    yo_store *s = &job->store;
    const yo_part *parts = worker->post.parts + window.first;
    size_t length = 0;
    for (size_t i = 0; i < window.count; i++)
        length += parts[i].special >= 0 ? 1 : parts[i].stop - parts[i].start;
    YO_TRY(yo_store_reserve(s, length));
    YO_TRY(yo_grow((void **)&job->records, &job->record_room, job->record_count + 1,
                   sizeof *job->records));
    job->records[job->record_count++] = (yo_record){s, s->count, length, open};
    for (size_t i = 0; i < window.count; i++)
        YO_TRY(parts[i].special >= 0 ? write_special(s, t, &parts[i])
                                     : write_tokens(s, t, &worker->sequence[parts[i].sequence],
                                                    &parts[i], codepoints));
    return YOSO_OK;
}
