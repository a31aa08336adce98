/* Growing a sequence: see sequence.h. */
#include "text/sequence.h"

#include <stdlib.h>

void yo_sequence_clear(yo_sequence *s, bool full)
{
    s->count = s->own_count = s->text.length = s->limit = 0;
    if (full && !s->full)
        s->capacity = 0; /* the other arrays may be shorter than the ids */
    s->full = full;
}

void yo_sequence_free(yo_sequence *s)
{
    free(s->ids);
    free(s->spans);
    free(s->words);
    free(s->texts);
    free(s->own_texts);
    free(s->sources);
    free(s->repairs);
    yo_bytes_free(&s->repaired);
    yo_bytes_free(&s->text);
    *s = (yo_sequence){0};
}

yoso_status yo_sequence_reserve(yo_sequence *s, size_t more)
{
    size_t need = s->count + more, room;
    if (need <= s->capacity)
        return YOSO_OK;
    size_t all[4] = {s->capacity, s->capacity, s->capacity, s->capacity};
    room = need + s->capacity / 2 + 64;
    YO_TRY(yo_grow((void **)&s->ids, &all[0], room, sizeof *s->ids));
    if (s->full) {
        YO_TRY(yo_grow((void **)&s->spans, &all[1], room, sizeof *s->spans));
        YO_TRY(yo_grow((void **)&s->words, &all[2], room, sizeof *s->words));
        YO_TRY(yo_grow((void **)&s->texts, &all[3], room, sizeof *s->texts));
    }
    s->capacity = room;
    return YOSO_OK;
}

yoso_status yo_sequence_add(yo_sequence *s, int32_t id, yo_span span, int32_t word,
                            const uint8_t *text, size_t length)
{
    YO_TRY(yo_sequence_reserve(s, 1));
    s->ids[s->count] = id;
    if (s->full) {
        s->spans[s->count] = span;
        s->words[s->count] = word;
        s->texts[s->count] = 0;
        if (text != NULL) {
            if (s->text.length + length > UINT32_MAX)
                return yo_fail(YOSO_MISUSE, "encode: the tokens' texts exceed 4 GiB");
            YO_TRY(yo_grow((void **)&s->own_texts, &s->own_room, s->own_count + 1,
                           sizeof *s->own_texts));
            uint32_t start = (uint32_t)s->text.length;
            YO_TRY(yo_bytes_append(&s->text, text, length));
            s->own_texts[s->own_count++] = (yo_span){start, (uint32_t)s->text.length};
            s->texts[s->count] = (uint32_t)s->own_count;
        }
    }
    s->count++;
    return YOSO_OK;
}

static yoso_status repair(yo_sequence *s, yo_source *source)
{
    const uint8_t *text = source->data;
    size_t start = s->repaired.length, at = 0;
    source->first_repair = s->repair_count;
    while (at < source->length) {
        size_t valid = yo_utf8_valid(text + at, source->length - at);
        YO_TRY(yo_bytes_append(&s->repaired, text + at, valid));
        at += valid;
        if (at == source->length)
            break;
        size_t damage = yo_utf8_damage(text + at, source->length - at);
        YO_TRY(yo_grow((void **)&s->repairs, &s->repair_room, s->repair_count + 1,
                       sizeof *s->repairs));
        s->repairs[s->repair_count++] = (yo_repair){s->repaired.length - start, (uint32_t)damage};
        YO_TRY(yo_bytes_character(&s->repaired, 0xFFFD));
        at += damage;
    }
    source->repair_count = s->repair_count - source->first_repair;
    source->data = NULL; /* its place is known when all are repaired */
    source->length = s->repaired.length - start;
    return YOSO_OK;
}

yoso_status yo_sequence_sources(yo_sequence *s, const char *const *texts, const int64_t *lengths,
                                size_t count, bool by_word)
{
    s->repaired.length = s->repair_count = 0;
    s->cursor = (yo_cursor){0};
    s->by_word = by_word;
    s->source_count = count;
    YO_TRY(yo_grow((void **)&s->sources, &s->source_room, count, sizeof *s->sources));
    for (size_t i = 0; i < count; i++) {
        size_t length = (size_t)lengths[i];
        if (lengths[i] < 0 || length > UINT32_MAX / 4)
            return yo_fail(YOSO_MISUSE, "encode: a text of %lld bytes, at most %u",
                           (long long)lengths[i], UINT32_MAX / 4);
        s->sources[i] = (yo_source){(const uint8_t *)texts[i], length, 0, 0};
        if (yo_utf8_valid(s->sources[i].data, length) < length)
            YO_TRY(repair(s, &s->sources[i]));
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (s->sources[i].data == NULL && s->sources[i].repair_count > 0) {
            s->sources[i].data = s->repaired.data + at;
            at += s->sources[i].length;
        }
    }
    return YOSO_OK;
}
