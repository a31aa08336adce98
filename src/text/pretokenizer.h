/* Pre-tokenizers: cutting normalized text into the pieces that the model sees one by one. */
#ifndef YO_TEXT_PRETOKENIZER_H
#define YO_TEXT_PRETOKENIZER_H

#include "text/json.h"
#include "text/pieces.h"

typedef struct yo_pretokenizer yo_pretokenizer;

/* A text, its pieces, and what a step writes: the next text (when it rewrites) and pieces. */
typedef struct yo_cutting {
    yo_view_text text;
    yo_pieces *pieces, *next_pieces;
    yo_aligned *next_text;
} yo_cutting;

typedef enum yo_pretokenizer_kind {
    YO_CUT_BYTE_LEVEL,
    YO_CUT_BERT,
    YO_CUT_WHITESPACE,
    YO_CUT_WHITESPACE_SPLIT,
    YO_CUT_DIGITS,
    YO_CUT_PUNCTUATION,
    YO_CUT_METASPACE,
    YO_CUT_SPLIT,
    YO_CUT_DELIMITER,
    YO_CUT_SCRIPTS,
    YO_CUT_FIXED_LENGTH
} yo_pretokenizer_kind;

typedef enum yo_prepend { YO_PREPEND_ALWAYS, YO_PREPEND_FIRST, YO_PREPEND_NEVER } yo_prepend;

struct yo_pretokenizer {
    yo_pretokenizer_kind kind;
    yo_behavior behavior;
    bool add_prefix_space, use_regex; /* ByteLevel */
    bool individual;                  /* Digits */
    bool invert;                      /* Split */
    bool split;                       /* Metaspace */
    yo_prepend prepend;               /* Metaspace */
    char mark[8];                     /* Metaspace: the replacement, or the delimiter */
    uint32_t mark_length;
    uint32_t delimiter; /* CharDelimiterSplit */
    size_t length;      /* FixedLength */
    struct yo_pattern *pattern;
};

typedef struct yo_pretokenizers {
    yo_pretokenizer *list;
    size_t count, capacity;
} yo_pretokenizers;

/* Adds what a JSON object says (NULL: nothing). */
yoso_status yo_pretokenizers_load(yo_pretokenizers *list, const yo_json *json);
void yo_pretokenizers_free(yo_pretokenizers *list);

/* Cuts every piece further, except added tokens. */
yoso_status yo_pretokenize(const yo_pretokenizer *pretokenizer, yo_cutting *cutting);

/* The pieces of one piece, appended to cutting->next_pieces: rules by character classes, and by
 * patterns. */
yoso_status yo_cut_by_class(const yo_pretokenizer *pretokenizer, yo_cutting *cutting,
                            const yo_piece *piece);
yoso_status yo_cut_by_pattern(const yo_pretokenizer *pretokenizer, yo_cutting *cutting,
                              const yo_piece *piece);
/* Rewriters: the new text of one piece goes to cutting->next_text, its pieces to next_pieces. */
yoso_status yo_cut_metaspace(const yo_pretokenizer *pretokenizer, yo_cutting *cutting,
                             const yo_piece *piece);
yoso_status yo_cut_byte_level(const yo_pretokenizer *pretokenizer, yo_cutting *cutting,
                              const yo_piece *piece);

/* The script that UnicodeScripts sees in a character: equal numbers, equal scripts; 0 any. */
int yo_script_of(uint32_t c);

#endif
