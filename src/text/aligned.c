/* Writing text with its alignment: see aligned.h. */
#include "text/aligned.h"

#include <stdlib.h>

void yo_aligned_free(yo_aligned *text)
{
    yo_bytes_free(&text->bytes);
    free(text->spans);
    *text = (yo_aligned){0};
}

yo_span yo_original(const yo_view_text *text, size_t start, size_t stop)
{
    if (text->spans != NULL)
        return (yo_span){text->spans[start].start, text->spans[stop - 1].stop};
    while (start > 0 && yo_utf8_continues(text->data[start]))
        start--;
    while (stop < text->length && yo_utf8_continues(text->data[stop]))
        stop++;
    return (yo_span){text->base + (uint32_t)start, text->base + (uint32_t)stop};
}

yoso_status yo_aligned_reserve(yo_aligned *out, size_t more)
{
    YO_TRY(yo_bytes_reserve(&out->bytes, more));
    if (!out->tracked || out->span_room - out->bytes.length >= more)
        return YOSO_OK;
    return yo_grow((void **)&out->spans, &out->span_room, out->bytes.length + more,
                   sizeof *out->spans);
}

yoso_status yo_aligned_put(yo_aligned *out, const uint8_t *data, size_t length, yo_span span)
{
    YO_TRY(yo_aligned_reserve(out, length));
    size_t at = out->bytes.length;
    for (size_t i = 0; i < length; i++)
        out->bytes.data[at + i] = data[i];
    if (out->tracked) {
        for (size_t i = 0; i < length; i++)
            out->spans[at + i] = span;
    }
    out->bytes.length += length;
    return YOSO_OK;
}

yoso_status yo_aligned_keep(yo_aligned *out, const yo_view_text *in, size_t start, size_t stop)
{
    size_t length = stop - start, at = out->bytes.length;
    YO_TRY(yo_aligned_reserve(out, length));
    if (length > 0)
        memcpy(out->bytes.data + at, in->data + start, length);
    out->bytes.length += length;
    if (!out->tracked || length == 0)
        return YOSO_OK;
    if (in->spans != NULL) {
        memcpy(out->spans + at, in->spans + start, length * sizeof *in->spans);
        return YOSO_OK;
    }
    for (size_t i = start; i < stop;) {
        uint32_t size = yo_utf8_size(in->data[i]);
        yo_span span = {in->base + (uint32_t)i, in->base + (uint32_t)(i + size)};
        for (uint32_t k = 0; k < size && i + k < stop; k++)
            out->spans[at + i + k - start] = span;
        i += size;
    }
    return YOSO_OK;
}

yoso_status yo_rewrite_put(yo_rewrite *rewrite, uint32_t c, int64_t change)
{
    const yo_view_text *in = rewrite->in;
    yo_span span = {rewrite->from, rewrite->from};
    if (rewrite->out->tracked) {
        if (change <= 0 && rewrite->at < rewrite->stop)
            span = yo_original(in, rewrite->at, rewrite->at + 1);
        else if (rewrite->at > rewrite->start)
            span = yo_original(in, rewrite->at - 1, rewrite->at);
    }
    for (; change <= 0 && rewrite->at < rewrite->stop; change++)
        rewrite->at += yo_utf8_size(in->data[rewrite->at]);
    return yo_aligned_character(rewrite->out, c, span);
}
