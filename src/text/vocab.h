/* A vocabulary: strings to ids and back. Ids need not be dense. */
#ifndef YO_TEXT_VOCAB_H
#define YO_TEXT_VOCAB_H

#include "text/bytes.h"

typedef struct yo_vocab_entry {
    size_t start;
    uint32_t length;
    int32_t id;
} yo_vocab_entry;

typedef struct yo_vocab {
    yo_bytes text;
    yo_vocab_entry *entries; /* in order of insertion */
    size_t count, capacity;
    size_t indexed;  /* entries that are in slots: all but appended ones */
    uint64_t *slots; /* upper half of the hash, and entry + 1; a power of two of them */
    size_t slot_count;
    const struct yo_trie *trie; /* set: finds strings in place of slots; its values are entries */
    uint32_t *by_id;            /* entry + 1 by id where ids are dense, else entries sorted by id */
    size_t by_id_count;
    bool dense;
} yo_vocab;

/* Room for `count` entries in all, so that filling does not rehash. */
yoso_status yo_vocab_reserve(yo_vocab *vocab, size_t count);
/* Adds a string; one that is there already gets the new id. 0 <= id <= INT32_MAX. */
yoso_status yo_vocab_add(yo_vocab *vocab, const char *text, size_t length, int32_t id);
/* Adds a string that cannot be found before yo_vocab_index: the quick way to add many. */
yoso_status yo_vocab_append(yo_vocab *vocab, const char *text, size_t length, int32_t id);
yoso_status yo_vocab_index(yo_vocab *vocab); /* not when a trie is set */
/* Call once after the last addition: readies yo_vocab_text. */
yoso_status yo_vocab_finish(yo_vocab *vocab);
void yo_vocab_free(yo_vocab *vocab);

/* The id of a string, -1 when it is not there. */
int32_t yo_vocab_find(const yo_vocab *vocab, const void *text, size_t length);

/* The ids of many strings at once, which waits less for memory. */
typedef struct yo_vocab_query {
    const void *text;
    size_t length;
    int32_t id; /* the answer */
} yo_vocab_query;
void yo_vocab_find_all(const yo_vocab *vocab, yo_vocab_query *queries, size_t count);

/* The entry of a string or of an id; NULL for none. Entries are numbered from 0 in order of
 * insertion: entry - vocab->entries. */
const yo_vocab_entry *yo_vocab_by_text(const yo_vocab *vocab, const void *text, size_t length);
const yo_vocab_entry *yo_vocab_by_id(const yo_vocab *vocab, int32_t id);

/* The string of an id; NULL when there is none. */
const char *yo_vocab_text(const yo_vocab *vocab, int32_t id, size_t *length);

/* The largest id, -1 when empty. */
int32_t yo_vocab_last(const yo_vocab *vocab);

/* The order of entries by id, as indices; free it. */
yoso_status yo_vocab_sorted(const yo_vocab *vocab, uint32_t **order);

#endif
