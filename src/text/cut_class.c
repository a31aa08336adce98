/* Pre-tokenizers that go by the class of each character. */
#include "text/pretokenizer.h"
#include "text/unicode.h"

/* Splits a piece at the characters of these classes, each a delimiter. */
static yoso_status split_at(yo_cutting *cutting, yo_pieces *out, size_t start, size_t stop,
                            uint32_t classes, uint32_t character, yo_behavior behavior)
{
    yo_splitter splitter;
    yo_splitter_begin(&splitter, &cutting->text, out, behavior);
    size_t last = start;
    for (size_t at = start; at < stop;) {
        uint32_t size, c = yo_utf8_decode(cutting->text.data + at, &size);
        if (classes != 0 ? yo_is(c, classes) : c == character) {
            if (last < at)
                YO_TRY(yo_splitter_range(&splitter, last, at, false));
            YO_TRY(yo_splitter_range(&splitter, at, at + size, true));
            last = at + size;
        }
        at += size;
    }
    if (last < stop)
        YO_TRY(yo_splitter_range(&splitter, last, stop, false));
    return yo_splitter_end(&splitter);
}

/* \w+|[^\w\s]+ with everything else removed. */
static yoso_status cut_words(yo_cutting *cutting, const yo_piece *piece)
{
    yo_splitter splitter;
    yo_splitter_begin(&splitter, &cutting->text, cutting->next_pieces, YO_REMOVED);
    for (size_t at = piece->start; at < piece->stop;) {
        size_t start = at;
        uint32_t size, kind = 0;
        while (at < piece->stop) {
            uint32_t classes = yo_class(yo_utf8_decode(cutting->text.data + at, &size));
            uint32_t here = classes & YO_WORD ? 1 : classes & YO_SPACE ? 2 : 3;
            if (kind != 0 && here != kind)
                break;
            kind = here;
            at += size;
        }
        YO_TRY(yo_splitter_range(&splitter, start, at, kind == 2));
    }
    return yo_splitter_end(&splitter);
}

/* Spaces go, every punctuation mark is a piece. */
static yoso_status cut_bert(yo_cutting *cutting, const yo_piece *piece)
{
    yo_splitter splitter;
    yo_splitter_begin(&splitter, &cutting->text, cutting->next_pieces, YO_REMOVED);
    size_t last = piece->start;
    for (size_t at = piece->start; at < piece->stop;) {
        uint32_t size, classes = yo_class(yo_utf8_decode(cutting->text.data + at, &size));
        if (classes & (YO_SPACE | YO_PUNCTUATION)) {
            if (last < at)
                YO_TRY(yo_splitter_range(&splitter, last, at, false));
            YO_TRY(yo_splitter_range(&splitter, at, at + size, (classes & YO_SPACE) != 0));
            last = at + size;
        }
        at += size;
    }
    if (last < piece->stop)
        YO_TRY(yo_splitter_range(&splitter, last, piece->stop, false));
    return yo_splitter_end(&splitter);
}

static yoso_status cut_scripts(yo_cutting *cutting, const yo_piece *piece)
{
    yo_splitter splitter;
    yo_splitter_begin(&splitter, &cutting->text, cutting->next_pieces, YO_ISOLATED);
    int last = -1;
    size_t start = SIZE_MAX; /* what comes before the first script is dropped */
    for (size_t at = piece->start; at < piece->stop;) {
        uint32_t size, c = yo_utf8_decode(cutting->text.data + at, &size);
        int script = yo_script_of(c);
        if (script != 0 && script != last) {
            if (start != SIZE_MAX)
                YO_TRY(yo_splitter_range(&splitter, start, at, true));
            start = at;
            last = script;
        }
        at += size;
    }
    if (start != SIZE_MAX)
        YO_TRY(yo_splitter_range(&splitter, start, piece->stop, true));
    return yo_splitter_end(&splitter);
}

static yoso_status cut_fixed(const yo_pretokenizer *p, yo_cutting *cutting, const yo_piece *piece)
{
    yo_splitter splitter;
    yo_splitter_begin(&splitter, &cutting->text, cutting->next_pieces, YO_ISOLATED);
    for (size_t at = piece->start; at < piece->stop;) {
        size_t start = at;
        for (size_t i = 0; i < p->length && at < piece->stop; i++)
            at += yo_utf8_size(cutting->text.data[at]);
        YO_TRY(yo_splitter_range(&splitter, start, at, true));
    }
    return yo_splitter_end(&splitter);
}

yoso_status yo_cut_by_class(const yo_pretokenizer *p, yo_cutting *cutting, const yo_piece *piece)
{
    size_t start = piece->start, stop = piece->stop;
    yo_pieces *out = cutting->next_pieces;
    switch (p->kind) {
    case YO_CUT_BERT:
        return cut_bert(cutting, piece);
    case YO_CUT_WHITESPACE:
        return cut_words(cutting, piece);
    case YO_CUT_WHITESPACE_SPLIT:
        return split_at(cutting, out, start, stop, YO_SPACE, 0, YO_REMOVED);
    case YO_CUT_DIGITS:
        return split_at(cutting, out, start, stop, YO_NUMERIC, 0,
                        p->individual ? YO_ISOLATED : YO_CONTIGUOUS);
    case YO_CUT_PUNCTUATION:
        return split_at(cutting, out, start, stop, YO_PUNCTUATION, 0, p->behavior);
    case YO_CUT_DELIMITER:
        return split_at(cutting, out, start, stop, 0, p->delimiter, YO_REMOVED);
    case YO_CUT_SCRIPTS:
        return cut_scripts(cutting, piece);
    default:
        return cut_fixed(p, cutting, piece);
    }
}
