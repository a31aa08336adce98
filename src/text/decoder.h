/* Decoders: from a list of tokens back to text, each a step from list to list. */
#ifndef YO_TEXT_DECODER_H
#define YO_TEXT_DECODER_H

#include "text/json.h"

/* A list of strings in one buffer. */
typedef struct yo_texts {
    yo_bytes bytes;
    size_t *ends; /* where each string ends; it begins where the one before ends */
    size_t count, room;
} yo_texts;

static inline size_t yo_texts_start(const yo_texts *texts, size_t i)
{
    return i == 0 ? 0 : texts->ends[i - 1];
}

/* Ends the string whose bytes have been appended. */
yoso_status yo_texts_close(yo_texts *texts);
void yo_texts_free(yo_texts *texts);

typedef struct yo_decoder yo_decoder;
typedef yoso_status yo_decode_function(const yo_decoder *decoder, const yo_texts *in,
                                       yo_texts *out);

struct yo_decoder {
    yo_decode_function *run;
    char *text[2]; /* prefix, suffix, content, pad token, word delimiter */
    size_t length[2];
    bool cleanup, keep_first;
    uint32_t character;
    size_t start, stop;
    struct yo_pattern *pattern;
    struct yo_trie *control; /* SentencePiece */
};

typedef struct yo_decoders {
    yo_decoder *list;
    size_t count, capacity;
    bool none; /* no decoder at all: tokens are joined with spaces */
} yo_decoders;

/* Adds what a JSON object says. */
yoso_status yo_decoders_load(yo_decoders *decoders, const yo_json *json);
void yo_decoders_free(yo_decoders *decoders);

/* Runs all of them; the text is appended to `out`. `tokens` is used up. */
yoso_status yo_decode(const yo_decoders *decoders, yo_texts *tokens, yo_bytes *out);

yo_decode_function yo_decode_byte_level, yo_decode_wordpiece, yo_decode_metaspace, yo_decode_bpe,
    yo_decode_ctc, yo_decode_byte_fallback, yo_decode_fuse, yo_decode_strip, yo_decode_replace,
    yo_decode_sentencepiece;

#endif
