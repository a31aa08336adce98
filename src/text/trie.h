/* A byte trie for finding the longest of many strings at a place: added tokens, user symbols. */
#ifndef YO_TEXT_TRIE_H
#define YO_TEXT_TRIE_H

#include "text/json.h"

typedef struct yo_trie_edge {
    uint64_t key; /* node << 8 | byte, plus 1; 0 for an empty slot */
    uint32_t node;
} yo_trie_edge;

typedef struct yo_trie {
    uint32_t first[256]; /* the root's children, 0 for none */
    yo_trie_edge *edges;
    size_t edge_count, edge_slots;
    int32_t *values; /* by node, -1 where no string ends */
    size_t node_count, node_room;
} yo_trie;

/* Adds a string (length > 0) with a value >= 0; the latest value of equal strings stays. */
yoso_status yo_trie_add(yo_trie *trie, const uint8_t *text, size_t length, int32_t value);
/* Makes room for about `edges` bytes of strings, so that filling does not rehash. */
yoso_status yo_trie_reserve(yo_trie *trie, size_t edges);
void yo_trie_free(yo_trie *trie);

/* A new trie of a JSON list of strings, with their places as values; yo_trie_delete frees it. */
yoso_status yo_trie_load(yo_trie **out, const char *where, const yo_json *list);
void yo_trie_delete(yo_trie *trie);

/* The value of the longest string that begins at text; -1 for none. *taken is its length. */
int32_t yo_trie_longest(const yo_trie *trie, const uint8_t *text, size_t length, size_t *taken);

/* The child of a node (0 is the root) by a byte; 0 for none. */
uint32_t yo_trie_child(const yo_trie *trie, uint32_t node, uint8_t byte);

#endif
