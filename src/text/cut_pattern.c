/* Split: pieces by a pattern, kept or inverted. */
#include "text/pattern.h"
#include "text/pretokenizer.h"

yoso_status yo_cut_by_pattern(const yo_pretokenizer *p, yo_cutting *cutting, const yo_piece *piece)
{
    yo_splitter splitter;
    yo_splitter_begin(&splitter, &cutting->text, cutting->next_pieces, p->behavior);
    size_t length = piece->stop - piece->start, last = 0, start = 0, stop = 0;
    yo_search *search;
    bool found = false;
    YO_TRY(yo_search_begin(&search, p->pattern, cutting->text.data + piece->start, length));
    yoso_status status;
    while ((status = yo_search_next(search, &found, &start, &stop)) == YOSO_OK && found) {
        if (last < start)
            status =
                yo_splitter_range(&splitter, piece->start + last, piece->start + start, p->invert);
        if (status == YOSO_OK)
            status =
                yo_splitter_range(&splitter, piece->start + start, piece->start + stop, !p->invert);
        if (status != YOSO_OK)
            break;
        last = stop;
    }
    yo_search_end(search);
    YO_TRY(status);
    if (last < length)
        YO_TRY(yo_splitter_range(&splitter, piece->start + last, piece->stop, p->invert));
    return yo_splitter_end(&splitter);
}
