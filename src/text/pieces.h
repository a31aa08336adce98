/* Pieces: what pre-tokenizers cut a text into. A piece is a range of the text, or an added token
 * that was found in it and is cut no further. */
#ifndef YO_TEXT_PIECES_H
#define YO_TEXT_PIECES_H

#include "text/aligned.h"

typedef struct yo_piece {
    size_t start, stop; /* in the text as it is now */
    uint32_t from;      /* where it begins in the original, when the text is tracked */
    int32_t token;      /* of an added token, else -1 */
} yo_piece;

typedef struct yo_pieces {
    yo_piece *list;
    size_t count, capacity;
} yo_pieces;

static inline yoso_status yo_pieces_add(yo_pieces *pieces, yo_piece piece)
{
    if (pieces->count == pieces->capacity)
        YO_TRY(yo_grow((void **)&pieces->list, &pieces->capacity, pieces->count + 1, sizeof piece));
    pieces->list[pieces->count++] = piece;
    return YOSO_OK;
}

/* What becomes of the delimiters at which a text is split. */
typedef enum yo_behavior {
    YO_REMOVED,
    YO_ISOLATED,
    YO_MERGED_WITH_PREVIOUS,
    YO_MERGED_WITH_NEXT,
    YO_CONTIGUOUS
} yo_behavior;

/* Collects alternating ranges of a piece, delimiters and what is between them, and turns them
 * into pieces. Ranges must be told from left to right and cover the piece. */
typedef struct yo_splitter {
    const yo_view_text *text;
    yo_pieces *out;
    yo_behavior behavior;
    bool open;         /* `pending` holds a piece that may still grow */
    bool pending_kind; /* whether the last range was a delimiter */
    bool previous;
    yo_piece pending;
} yo_splitter;

void yo_splitter_begin(yo_splitter *splitter, const yo_view_text *text, yo_pieces *out,
                       yo_behavior behavior);
yoso_status yo_splitter_range(yo_splitter *splitter, size_t start, size_t stop, bool delimiter);
yoso_status yo_splitter_end(yo_splitter *splitter);

#endif
