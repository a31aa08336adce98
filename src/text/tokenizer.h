/* The tokenizer: its parts in the order in which text meets them, and what a thread works with. */
#ifndef YO_TEXT_TOKENIZER_H
#define YO_TEXT_TOKENIZER_H

#include <pthread.h>

#include "text/added.h"
#include "text/chunk.h"
#include "text/decoder.h"
#include "text/plain.h"
#include "text/post.h"
#include "text/pretokenizer.h"
#include "text/sequence.h"
#include "text/word_cache.h"

/* What one thread encodes with; kept by the tokenizer between calls. */
typedef struct yo_worker {
    yo_scratch scratch;
    yo_tokens tokens;
    yo_aligned normal[2], stage[2];
    yo_pieces pieces[2];
    yo_pieces segments[2]; /* the pieces between added tokens while stretches are cut */
    yo_sequence sequence[2];
    yo_sequence stretch; /* the tokens of one stretch */
    yo_word_cache cache;
    yo_post_work post;
    struct yo_worker *next;
} yo_worker;

struct yoso_tokenizer {
    yo_normalizers normalizers;
    yo_pretokenizers pretokenizers;
    yo_model model;
    yo_added added;
    yo_post post;
    yo_decoders decoders;
    /* The JSON of the parts that are written back as they were read. */
    yo_bytes normalizer_json, pretokenizer_json, post_json, decoder_json;
    yo_bytes truncation_json, padding_json;
    bool tracks;     /* some part asks for places in the original even when the caller does not */
    bool shadowed;   /* some token of the model has another text as an added one */
    bool byte_level; /* the last pre-tokenizer is ByteLevel and the model takes bytes */
    yo_chunking chunking;
    yo_plain plain;
    pthread_mutex_t lock;
    yo_worker *workers; /* idle ones */
};

/* An idle worker, or a new one. */
yoso_status yo_worker_take(yo_worker **out, const struct yoso_tokenizer *tokenizer);
void yo_worker_give(yo_worker *worker, const struct yoso_tokenizer *tokenizer);

/* The text of an id: the added tokens first, then the model; NULL for none. */
const char *yo_token_text(const struct yoso_tokenizer *tokenizer, int32_t id, size_t *length);

/* Appends the tokens of source number `index` of the sequence. With by_word their words are
 * `index`; else the numbers of the pieces. */
yoso_status yo_encode_source(const struct yoso_tokenizer *tokenizer, yo_worker *worker,
                             yo_sequence *sequence, size_t index, bool skip_special);

/* A tokenizer from the text of tokenizer.json, which is changed; YO_JSON_PAD zero bytes
 * must follow it. */
yoso_status yo_tokenizer_from_json(struct yoso_tokenizer **out, const char *what, char *text,
                                   size_t length);

#endif
