/* Metaspace and ByteLevel: pre-tokenizers that rewrite the text they cut. */
#include "text/bytelevel.h"
#include "text/fixed.h"
#include "text/pretokenizer.h"

/* A piece of the next text from `start` to its present end. */
static yoso_status add(yo_cutting *cutting, size_t start, uint32_t from)
{
    yo_piece piece = {start, cutting->next_text->bytes.length, from, -1};
    if (piece.start == piece.stop)
        return YOSO_OK;
    if (cutting->next_text->tracked)
        piece.from = cutting->next_text->spans[start].start;
    return yo_pieces_add(cutting->next_pieces, piece);
}

yoso_status yo_cut_metaspace(const yo_pretokenizer *p, yo_cutting *cutting, const yo_piece *piece)
{
    const yo_view_text *in = &cutting->text;
    yo_aligned *out = cutting->next_text;
    const uint8_t *text = in->data + piece->start, *mark = (const uint8_t *)p->mark;
    size_t length = piece->stop - piece->start, start = out->bytes.length;
    bool marked =
        text[0] == ' ' || (length >= p->mark_length && memcmp(text, mark, p->mark_length) == 0);
    bool prepend =
        p->prepend == YO_PREPEND_ALWAYS || (p->prepend == YO_PREPEND_FIRST && piece->from == 0);
    if (prepend && !marked)
        YO_TRY(yo_aligned_put(out, mark, p->mark_length,
                              in->tracked ? yo_original(in, piece->start, piece->start + 1)
                                          : (yo_span){0, 0}));
    size_t kept = piece->start;
    bool fresh = out->bytes.length == start; /* nothing in the present piece yet */
    for (size_t at = piece->start; at < piece->stop;) {
        uint32_t size = yo_utf8_size(in->data[at]);
        bool space = in->data[at] == ' ';
        if (space ||
            (p->split && size == p->mark_length && memcmp(in->data + at, mark, size) == 0)) {
            YO_TRY(yo_aligned_keep(out, in, kept, at));
            if (p->split && !(fresh && at == piece->start)) {
                YO_TRY(add(cutting, start, piece->from));
                start = out->bytes.length;
            }
            YO_TRY(yo_aligned_put(out, mark, p->mark_length,
                                  in->tracked ? yo_original(in, at, at + 1) : (yo_span){0, 0}));
            kept = at + size;
        }
        at += size;
    }
    YO_TRY(yo_aligned_keep(out, in, kept, piece->stop));
    return add(cutting, start, piece->from);
}

yoso_status yo_cut_byte_level(const yo_pretokenizer *p, yo_cutting *cutting, const yo_piece *piece)
{
    const yo_view_text *in = &cutting->text;
    yo_aligned *out = cutting->next_text;
    const uint8_t *text = in->data + piece->start;
    size_t length = piece->stop - piece->start;
    yo_bytes spaced = {0};
    bool prefix = p->add_prefix_space && text[0] != ' ';
    if (prefix) {
        YO_TRY(yo_bytes_text(&spaced, " "));
        yoso_status status = yo_bytes_append(&spaced, text, length);
        if (status != YOSO_OK) {
            yo_bytes_free(&spaced);
            return status;
        }
        text = spaced.data;
        length++;
    }
    yoso_status status = YOSO_OK;
    for (size_t at = 0; at < length && status == YOSO_OK;) {
        size_t end = p->use_regex ? yo_fixed_end(YO_FIXED_GPT2, text, at, length) : length;
        size_t start = out->bytes.length;
        for (; at < end && status == YOSO_OK; at++) {
            /* The space before all shares the first character's place. */
            size_t place = piece->start + (prefix && at > 0 ? at - 1 : at);
            yo_span span = in->tracked ? yo_original(in, place, place + 1) : (yo_span){0, 0};
            status = yo_aligned_character(out, yo_byte_character(text[at]), span);
        }
        if (status == YOSO_OK)
            status = add(cutting, start, piece->from);
    }
    yo_bytes_free(&spaced);
    return status;
}
