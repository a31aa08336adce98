/* The five ways to split at delimiters: see pieces.h. */
#include "text/pieces.h"

void yo_splitter_begin(yo_splitter *splitter, const yo_view_text *text, yo_pieces *out,
                       yo_behavior behavior)
{
    *splitter = (yo_splitter){.text = text, .out = out, .behavior = behavior};
}

static yoso_status emit(yo_splitter *s)
{
    s->open = false;
    if (s->pending.stop <= s->pending.start) /* empty pieces vanish */
        return YOSO_OK;
    if (s->text->tracked)
        s->pending.from = yo_original(s->text, s->pending.start, s->pending.start + 1).start;
    s->pending.token = -1;
    return yo_pieces_add(s->out, s->pending);
}

/* Whether a range joins the piece before it. */
static bool joins(const yo_splitter *s, bool delimiter)
{
    switch (s->behavior) {
    case YO_REMOVED:
    case YO_ISOLATED:
        return false;
    case YO_CONTIGUOUS:
        return delimiter == s->previous;
    case YO_MERGED_WITH_PREVIOUS: /* a delimiter, unless it follows another */
        return delimiter && !s->previous;
    case YO_MERGED_WITH_NEXT: /* what follows a delimiter, which joins nothing before it */
        return !delimiter && s->previous;
    }
    return false;
}

yoso_status yo_splitter_range(yo_splitter *s, size_t start, size_t stop, bool delimiter)
{
    if (s->open && joins(s, delimiter)) {
        s->pending.stop = stop;
    } else {
        if (s->open)
            YO_TRY(emit(s));
        s->pending = (yo_piece){.start = start, .stop = stop};
        s->open = !(delimiter && s->behavior == YO_REMOVED);
    }
    s->previous = delimiter;
    return YOSO_OK;
}

yoso_status yo_splitter_end(yo_splitter *s)
{
    return s->open ? emit(s) : YOSO_OK;
}
