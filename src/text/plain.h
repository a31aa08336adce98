/* Plain stretches: ASCII words whose way through normalizers and pre-tokenizers is known
 * beforehand, so that the model can have them at once. */
#ifndef YO_TEXT_PLAIN_H
#define YO_TEXT_PLAIN_H

#include "text/normalizer.h"
#include "text/pretokenizer.h"

/* Which characters make one piece. */
typedef enum yo_plain_rule {
    YO_PLAIN_NONE, /* nothing is known */
    YO_PLAIN_ANY,  /* all */
    YO_PLAIN_MARK, /* letters and digits, or one other */
    YO_PLAIN_WORD  /* those of \w, or others */
} yo_plain_rule;

typedef struct yo_plain {
    yo_plain_rule rule;
    uint8_t becomes[128]; /* what a character is in the end; 0 when that is not known */
    /* Strings that are replaced, NULL for fewer; where one may be, nothing is known. */
    const yo_normalizer *replaced[4];
    /* What Metaspace puts before the word, or in place of the space before it. */
    const yo_pretokenizer *metaspace;
    bool takes_space; /* the mark stands for the space; else that is dropped, and the mark added */
    const char *joined; /* the mark that stands for the space where there is no Metaspace */
    bool prepends;      /* and whether the first stretch has one more */
} yo_plain;

/* What is known, given all steps before the model. */
yo_plain yo_plain_of(const yo_normalizers *normalizers, const yo_pretokenizers *cuts);
/* What is known when spaces become marks of three bytes and nothing else is done, but perhaps a
 * mark put before the first stretch. */
yo_plain yo_plain_joined(const char *mark, bool prepends);

/* The piece (or its part) that a stretch becomes, and how its bytes lead back: the first `mark`
 * bytes stand for bytes [mark_start, mark_start + 1) of the stretch, the others for one each from
 * `rest` on. */
typedef struct yo_plain_piece {
    uint32_t mark, mark_start, rest;
} yo_plain_piece;

/* Appends the piece of a stretch (length > 0) to out; false when it is not plain. `first` says that
 * the stretch begins the text. */
bool yo_plain_make(const yo_plain *plain, const uint8_t *text, size_t length, bool first,
                   uint8_t *out, yo_plain_piece *piece);

enum { YO_PLAIN_LONGEST = 64, YO_PLAIN_ROOM = YO_PLAIN_LONGEST + 8 };

#endif
