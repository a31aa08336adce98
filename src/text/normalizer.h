/* Normalizers: what is done to text before it is cut into pieces. Each kind is a function that
 * reads a piece and appends its new form; a Sequence is a flat list of them. */
#ifndef YO_TEXT_NORMALIZER_H
#define YO_TEXT_NORMALIZER_H

#include "text/aligned.h"
#include "text/json.h"

typedef struct yo_normalizer yo_normalizer;

/* Appends the normal form of all of `in`; `from` is where it begins in the original. */
typedef yoso_status yo_normalize_function(const yo_normalizer *normalizer, const yo_view_text *in,
                                          uint32_t from, yo_aligned *out);

/* Whether it is plain to see that `in` is its own normal form. */
typedef bool yo_normalize_idle(const yo_normalizer *normalizer, const yo_view_text *in);

struct yo_normalizer {
    yo_normalize_function *run;
    yo_normalize_idle *idle; /* or NULL */
    /* Whether cutting the text between solid characters, or between one and a space that is
     * followed by another, changes nothing (see chunk.h): then words can be normalized one by one.
     */
    bool local;

    /* Options of the kinds that have some. */
    bool clean, chinese, accents, lower; /* BertNormalizer */
    bool left, right; /* Strip; SentencePiece: adds a space before all, removes needless ones */
    bool compatibility, composed; /* NFC, NFD, NFKC, NFKD */
    char *content;                /* Prepend, Replace */
    size_t content_length;
    struct yo_pattern *pattern;   /* Replace */
    struct yo_charsmap *charsmap; /* Precompiled, SentencePiece */
    struct yo_trie *symbols;      /* SentencePiece: user-defined symbols, which stay as they are */
};

typedef struct yo_normalizers {
    yo_normalizer *list;
    size_t count, capacity;
} yo_normalizers;

/* Adds what a JSON object says (NULL: nothing). */
yoso_status yo_normalizers_load(yo_normalizers *normalizers, const yo_json *json);
void yo_normalizers_free(yo_normalizers *normalizers);

/* Runs all of them over `in`, appending to `out`; `work` are two texts to work in. */
yoso_status yo_normalize(const yo_normalizers *normalizers, const yo_view_text *in, uint32_t from,
                         yo_aligned work[2], yo_aligned *out);

yo_normalize_function yo_normalize_bert, yo_normalize_form, yo_normalize_lowercase,
    yo_normalize_strip_accents, yo_normalize_strip, yo_normalize_nmt, yo_normalize_prepend,
    yo_normalize_replace, yo_normalize_precompiled, yo_normalize_bytes, yo_normalize_sentencepiece;

yo_normalize_idle yo_idle_form, yo_idle_lowercase, yo_idle_strip_accents, yo_idle_nmt,
    yo_idle_replace, yo_idle_precompiled;

#endif
