/* Training vocabularies: words are counted as texts are added, and learned from when all are in.
 * Only different words are kept, so that memory does not grow with the length of the texts. */
#ifndef YO_TEXT_TRAIN_H
#define YO_TEXT_TRAIN_H

#include "text/bpe.h"
#include "text/tokenizer.h"

struct yoso_trainer {
    int32_t kind;
    size_t vocab_size, min_count;
    bool lowercase;
    yo_vocab words; /* different words; the id is the place in counts */
    int64_t *counts;
    size_t count_room;
    yoso_tokenizer *cutter; /* normalizes and cuts what is added (not for byte-level BPE) */
    yo_vocab specials;      /* in the order of their ids */
};

/* The places of the words in order of their bytes, so that results do not depend on the order of
 * the texts; free it. */
yoso_status yo_trainer_sorted(const yoso_trainer *trainer, uint32_t **order);

/* Learned merges and tokens. */
typedef struct yo_learned {
    yo_vocab vocab;
    yo_bpe_merge *merges;
    size_t merge_count, merge_room;
    double *scores; /* Unigram */
    size_t score_room;
} yo_learned;

/* Byte-pair merges: of bytes (prefix NULL), or of characters with a prefix inside words. */
yoso_status yo_train_merges(const yoso_trainer *trainer, const char *prefix, yo_learned *learned);
/* Unigram pieces and scores. */
yoso_status yo_train_unigram(const yoso_trainer *trainer, yo_learned *learned);

#endif
