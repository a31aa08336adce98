/* A sequence: the tokens of one text before specials, truncation and padding. */
#ifndef YO_TEXT_SEQUENCE_H
#define YO_TEXT_SEQUENCE_H

#include "text/aligned.h"

/* A text that tokens come from: the whole input, or one of the words given. Bytes that are no
 * UTF-8 have been replaced by U+FFFD, three bytes each; `repairs` says where. */
typedef struct yo_repair {
    size_t at;       /* of the U+FFFD in data */
    uint32_t length; /* of what it replaced */
} yo_repair;

typedef struct yo_source {
    const uint8_t *data;
    size_t length;
    size_t first_repair, repair_count;
} yo_source;

/* Goes along a source, forwards and backwards, and counts: its code points, and what repairs have
 * made longer. Tokens come in the order of their places, and so do windows: every step is short. */
typedef struct yo_cursor {
    const yo_source *source; /* NULL before the first place */
    size_t at, points;       /* a place and the code points before it */
    size_t repair, shift;    /* repairs before it and the bytes that they added */
} yo_cursor;

/* One array an attribute; only ids when `full` is false. */
typedef struct yo_sequence {
    int32_t *ids;
    yo_span *spans;  /* original bytes */
    int32_t *words;  /* the number of the piece, or of the word given */
    uint32_t *texts; /* 0: the vocabulary's string, else a place in `own_texts`, plus 1 */
    size_t count, capacity;
    bool full;
    size_t limit; /* once this many tokens are there, no more are wanted; 0 for no limit */
    /* Texts of tokens that differ from the vocabulary's. */
    yo_bytes text;
    yo_span *own_texts;
    size_t own_count, own_room;
    /* One source, or one a word when `by_word`: then a token's word is its source. */
    yo_source *sources;
    size_t source_count, source_room;
    bool by_word;
    yo_bytes repaired;
    yo_repair *repairs;
    size_t repair_count, repair_room;
    yo_cursor cursor; /* where offsets were last put into the caller's unit */
} yo_sequence;

/* Sets the sources: `count` texts. Valid ones are used where they are. */
yoso_status yo_sequence_sources(yo_sequence *sequence, const char *const *texts,
                                const int64_t *lengths, size_t count, bool by_word);

void yo_sequence_clear(yo_sequence *sequence, bool full);
void yo_sequence_free(yo_sequence *sequence);

/* Whether no more tokens are wanted: the rest of the text need not be looked at. */
static inline bool yo_sequence_enough(const yo_sequence *sequence)
{
    return sequence->limit > 0 && sequence->count >= sequence->limit;
}

/* Makes room for `more` tokens. */
yoso_status yo_sequence_reserve(yo_sequence *sequence, size_t more);

/* Appends a token; text is NULL for the vocabulary's string. */
yoso_status yo_sequence_add(yo_sequence *sequence, int32_t id, yo_span span, int32_t word,
                            const uint8_t *text, size_t length);

#endif
