/* Text with its way back: every byte of a normalized text knows the bytes of the original that
 * it came from. Rewriting steps read one such text and write another.
 *
 * A step is told to the writer as the library tells it: characters with a change each. 0 takes
 * the place of the next character read; 1 is new and shares the place of what was read before;
 * -n takes the place of the next character and swallows n more. */
#ifndef YO_TEXT_ALIGNED_H
#define YO_TEXT_ALIGNED_H

#include "text/utf8.h"

typedef struct yo_span {
    uint32_t start, stop;
} yo_span;

/* What is read. `spans` has one entry a byte; without it the text is its own original (every
 * byte stands for its whole character) when `tracked`, else nobody will ask. */
typedef struct yo_view_text {
    const uint8_t *data;
    size_t length;
    const yo_span *spans;
    bool tracked;
    uint32_t base; /* where data begins in the original, without spans */
} yo_view_text;

/* What is written. */
typedef struct yo_aligned {
    yo_bytes bytes;
    yo_span *spans;
    size_t span_room;
    bool tracked;
} yo_aligned;

void yo_aligned_free(yo_aligned *text);

static inline void yo_aligned_clear(yo_aligned *text, bool tracked)
{
    text->bytes.length = 0;
    text->tracked = tracked;
}

static inline yo_view_text yo_aligned_view(const yo_aligned *text)
{
    return (yo_view_text){text->bytes.data, text->bytes.length, text->tracked ? text->spans : NULL,
                          text->tracked, 0};
}

/* The part [start, stop) of a text. */
static inline yo_view_text yo_view_slice(const yo_view_text *text, size_t start, size_t stop)
{
    return (yo_view_text){text->data + start, stop - start,
                          text->spans != NULL ? text->spans + start : NULL, text->tracked,
                          text->base + (uint32_t)start};
}

/* The original bytes of data[start .. stop), start < stop. */
yo_span yo_original(const yo_view_text *text, size_t start, size_t stop);

/* Makes room for `more` bytes and their spans. */
yoso_status yo_aligned_reserve(yo_aligned *out, size_t more);

/* Appends bytes [start, stop) as they are. */
yoso_status yo_aligned_keep(yo_aligned *out, const yo_view_text *in, size_t start, size_t stop);

/* Appends bytes that all come from one span. */
yoso_status yo_aligned_put(yo_aligned *out, const uint8_t *data, size_t length, yo_span span);

static inline yoso_status yo_aligned_character(yo_aligned *out, uint32_t c, yo_span span)
{
    uint8_t bytes[4];
    return yo_aligned_put(out, bytes, yo_utf8_encode(bytes, c), span);
}

/* A rewriting of in[start .. stop) told as characters and changes; `from` is where the piece
 * begins in the original, the place of what is inserted before everything. */
typedef struct yo_rewrite {
    const yo_view_text *in;
    yo_aligned *out;
    size_t start, at, stop;
    uint32_t from;
} yo_rewrite;

yoso_status yo_rewrite_put(yo_rewrite *rewrite, uint32_t c, int64_t change);

#endif
