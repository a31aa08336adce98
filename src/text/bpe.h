/* What bpe.c (loading, first symbols), bpe_merge.c (merging) and bpe_parts.c (cutting) share. */
#ifndef YO_TEXT_BPE_H
#define YO_TEXT_BPE_H

#include "text/model.h"

typedef struct yo_bpe_merge {
    int32_t left, right;
} yo_bpe_merge;

typedef struct yo_bpe_pair {
    uint64_t key;   /* left << 32 | right, plus 1; 0 for an empty slot */
    uint64_t value; /* rank << 32 | merged id */
} yo_bpe_pair;

typedef struct yo_bpe {
    yo_bpe_merge *merges; /* by rank */
    size_t merge_count, merge_room;
    yo_bpe_pair *pairs;
    size_t pair_slots; /* a power of two */
    uint64_t
        *may_merge; /* 8 bits a slot, 0 for most pairs that do not merge: seldom out of reach */
    char *prefix, *suffix; /* continuing_subword_prefix, end_of_word_suffix, or NULL */
    size_t prefix_length, suffix_length;
    bool fuse_unk, byte_fallback, ignore_merges;
    int32_t fallback[256];   /* the tokens <0x00> to <0xFF>, or -1 */
    int32_t byte_token[256]; /* the tokens of the byte alphabet, or -1 */
    bool takes_bytes;
    uint64_t *byte_merges; /* what yo_bpe_find says of two bytes' tokens; if it takes bytes */
} yo_bpe;

/* A piece while it is merged: a symbol and the bytes it stands for. */
typedef struct yo_symbol {
    int32_t id;
    uint32_t length;
    int32_t before, after; /* neighbours' places, -1 at the ends */
    uint32_t rank;         /* of the merge with `after` */
} yo_symbol;

enum { YO_NO_RANK = 0xFFFFFFFFu };

static inline uint64_t yo_bpe_key(int32_t left, int32_t right)
{
    return ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) + 1;
}

static inline uint64_t yo_bpe_hash(uint64_t key)
{
    uint64_t hash = key * 0x9FB21C651E98DF25u;
    return hash ^ hash >> 32;
}

/* Where the search for a key begins, and its bit among those that may merge. */
static inline size_t yo_bpe_slot(const yo_bpe *bpe, uint64_t hash)
{
    return hash >> 3 & (bpe->pair_slots - 1);
}

static inline size_t yo_bpe_bit(const yo_bpe *bpe, uint64_t hash)
{
    return hash & (8 * bpe->pair_slots - 1);
}

/* Rank and merged id of a pair; UINT64_MAX when it does not merge. */
static inline uint64_t yo_bpe_find(const yo_bpe *bpe, int32_t left, int32_t right)
{
    uint64_t key = yo_bpe_key(left, right), hash = yo_bpe_hash(key);
    size_t bit = yo_bpe_bit(bpe, hash);
    if (!(bpe->may_merge[bit / 64] >> bit % 64 & 1))
        return UINT64_MAX;
    size_t mask = bpe->pair_slots - 1, i = yo_bpe_slot(bpe, hash);
    while (bpe->pairs[i].key != key) {
        if (bpe->pairs[i].key == 0)
            return UINT64_MAX;
        i = (i + 1) & mask;
    }
    return bpe->pairs[i].value;
}

/* The symbols' array in scratch, with room for count. */
yoso_status yo_bpe_symbols(yo_scratch *scratch, size_t count, yo_symbol **symbols);

/* Merges symbols[0 .. count) (id and length set) until no pair merges, and appends the tokens. */
yoso_status yo_bpe_merge_all(const yo_bpe *bpe, yo_scratch *scratch, yo_symbol *symbols,
                             size_t count, yo_tokens *tokens);
/* The same for a piece of bytes, length > 0, of a model that takes bytes. */
yoso_status yo_bpe_merge_bytes(const yo_bpe *bpe, yo_scratch *scratch, const uint8_t *piece,
                               size_t length, yo_tokens *tokens);

#endif
