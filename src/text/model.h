/* Models: from one piece of normalized text to tokens. Each kind is one file; all are read-only
 * after loading, what changes while encoding lives in yo_scratch. */
#ifndef YO_TEXT_MODEL_H
#define YO_TEXT_MODEL_H

#include "text/json.h"
#include "text/vocab.h"

/* A token of a piece: its id and its bytes [start, stop) in the piece. `own` says that its text
 * is those bytes; else it is the vocabulary's string. */
typedef struct yo_token {
    int32_t id;
    uint32_t start, stop;
    uint32_t own;
} yo_token;

typedef struct yo_tokens {
    yo_token *list;
    size_t count, capacity;
} yo_tokens;

static inline yoso_status yo_tokens_add(yo_tokens *tokens, int32_t id, size_t start, size_t stop,
                                        bool own)
{
    if (tokens->count == tokens->capacity)
        YO_TRY(yo_grow((void **)&tokens->list, &tokens->capacity, tokens->count + 1,
                       sizeof *tokens->list));
    tokens->list[tokens->count++] = (yo_token){id, (uint32_t)start, (uint32_t)stop, own};
    return YOSO_OK;
}

/* Working memory of the models, one a thread. */
typedef struct yo_scratch {
    yo_bytes bytes;
    void *symbols; /* bpe.c */
    size_t symbol_room;
    void *heap; /* bpe.c */
    size_t heap_room;
    void *lattice; /* unigram.c */
    size_t lattice_room;
} yo_scratch;
void yo_scratch_free(yo_scratch *scratch);

typedef struct yo_model yo_model;

typedef struct yo_model_kind {
    const char *name; /* the "type" in tokenizer.json */
    yoso_status (*load)(yo_model *model, const yo_json *json);
    void (*release)(yo_model *model);
    /* Appends the tokens of a piece (length > 0). */
    yoso_status (*tokenize)(const yo_model *model, yo_scratch *scratch, const uint8_t *piece,
                            size_t length, yo_tokens *tokens);
    /* Appends the model's JSON object. */
    yoso_status (*write)(const yo_model *model, yo_bytes *out);
} yo_model_kind;

struct yo_model {
    const yo_model_kind *kind;
    yo_vocab vocab;
    size_t vocab_size; /* as the library counts it: for the ids of added tokens */
    const char *unk;   /* the unknown token's text or NULL */
    int32_t unk_id;
    void *own; /* the kind's own data */
};

extern const yo_model_kind yo_model_bpe, yo_model_wordpiece, yo_model_unigram, yo_model_wordlevel;

/* The model that a JSON object describes. */
yoso_status yo_model_load(yo_model *model, const yo_json *json);
void yo_model_free(yo_model *model);

/* Reads {"token": id, ...} into the model's vocabulary. */
yoso_status yo_model_load_vocab(yo_model *model, const yo_json *json);
/* Appends `"vocab":{...}` in the order of ids. */
yoso_status yo_model_write_vocab(const yo_model *model, yo_bytes *out);

/* Whether the model is a BPE that treats all places of a piece alike, has `mark` for a token, and
 * merges nothing but marks with a mark that follows. */
bool yo_bpe_parts_before(const yo_model *model, const char *mark, size_t length);

/* -- BPE over bytes: pieces need not be mapped to the byte alphabet when every byte has a token. */
bool yo_bpe_takes_bytes(const yo_model *model);
yoso_status yo_bpe_tokenize_bytes(const yo_model *model, yo_scratch *scratch, const uint8_t *piece,
                                  size_t length, yo_tokens *tokens);

#endif
