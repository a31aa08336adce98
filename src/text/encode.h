/* What encode.c (a text through all steps) and stretch.c (stretch by stretch, through the cache)
 * share. */
#ifndef YO_TEXT_ENCODE_H
#define YO_TEXT_ENCODE_H

#include "text/tokenizer.h"

/* What is known of the text on its way through the steps. */
typedef struct yo_encoding_text {
    const yoso_tokenizer *tokenizer;
    yo_normalizers normalizers; /* the tokenizer's, perhaps without a Prepend */
    yo_worker *worker;
    yo_sequence *out;
    int32_t word; /* the word of every token, -1 for the numbers of the pieces */
    bool skip_special;
    int32_t words; /* how many there were */
    yo_cutting cutting;
} yo_encoding_text;

/* Normalizes each piece and cuts it at the added tokens that are found in normal form. */
yoso_status yo_encode_normal(yo_encoding_text *e);
/* The steps after that: pre-tokenizers and the model. */
yoso_status yo_encode_pieces(yo_encoding_text *e);
/* The same for pieces of raw text, without what yo_encode_normal does to added tokens. */
yoso_status yo_encode_stretches(yo_encoding_text *e);
/* Adds the token of a piece that is an added one. */
yoso_status yo_encode_added(yo_encoding_text *e, const yo_piece *piece, int32_t word);

#endif
