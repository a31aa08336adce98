/* Stretches: cutting raw text where neighbours cannot influence each other, so that each stretch
 * can be looked up by itself. */
#ifndef YO_TEXT_CHUNK_H
#define YO_TEXT_CHUNK_H

#include "text/fixed.h"
#include "text/model.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"

typedef enum yo_chunk_kind {
    YO_CHUNK_NONE,   /* a text is one stretch */
    YO_CHUNK_SPACES, /* before a space between two solid characters, and within words as below */
    YO_CHUNK_BYTES,  /* the pieces of a fixed pattern */
    YO_CHUNK_JOINED  /* before a space: all is one piece, but nothing merges with what follows */
} yo_chunk_kind;

/* Where ASCII graphic characters are cut from each other. */
typedef enum yo_chunk_inner {
    YO_INNER_NONE,
    YO_INNER_PUNCTUATION, /* on both sides of a punctuation mark */
    YO_INNER_WORDS        /* between \w and others */
} yo_chunk_inner;

typedef struct yo_chunking {
    yo_chunk_kind kind;
    yo_chunk_inner inner;
    yo_fixed pattern;
    bool chinese; /* also on both sides of a Chinese character */
    /* Character maps leave ASCII as it is, but a letter that one changes is not solid. */
    const struct yo_charsmap *maps[2];
    size_t map_count;
} yo_chunking;

/* How texts may be cut, given all steps before the model. `bytes` says that the model takes the
 * pieces of a last ByteLevel step as bytes. */
yo_chunking yo_chunking_of(const yo_normalizers *normalizers, const yo_pretokenizers *cuts,
                           bool bytes);

/* How a text that is one piece may be cut: spaces become yo_chunk_mark, one is perhaps put before
 * all, and the model merges nothing before a mark, which is a token. */
bool yo_chunk_joins(const yo_normalizers *normalizers, const yo_pretokenizers *cuts,
                    const yo_model *model);
extern const char yo_chunk_mark[4];

/* Whether a text that begins so may be cut at all: a character map that removes the first
 * character loses count of all that follow. */
bool yo_chunk_starts(const yo_chunking *chunking, const uint8_t *text);

/* The ends of the next stretches of text[at .. stop), at < stop: at least one, at most `most`, of
 * which the number is returned. text[at - 1] is the end of a stretch before. */
size_t yo_chunk_ends(const yo_chunking *chunking, const uint8_t *text, size_t at, size_t stop,
                     uint32_t *ends, size_t most);

/* For the scan: whether a stretch that begins at `start` may end at a place beside characters
 * beyond ASCII. */
bool yo_chunk_divides(const yo_chunking *chunking, const uint8_t *text, size_t start, size_t at,
                      size_t stop);

#endif
