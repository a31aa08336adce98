/* A byte trie for finding which of many strings begin at a place: pieces of a vocabulary, added
 * tokens. Built once from a list, then only read.
 *
 * It is a double array: a node is a place in `units`, and its child by a byte lies at its base
 * xor that byte, if the byte is written there. No two nodes have the same base, so the byte
 * alone tells. Where a single string is left below a node, its rest is a tail. */
#ifndef YO_TEXT_TRIE_H
#define YO_TEXT_TRIE_H

#include "text/json.h"

enum {
    YO_TRIE_LEAF = 0, /* as a base: no children */
    YO_TRIE_TAIL = 1, /* as a base: no children but a tail, whose number stands for the value */
    YO_TRIE_VALUES = (1 << 24) - 1
};

typedef struct yo_trie_unit {
    uint32_t base; /* of its children */
    uint32_t tag;  /* the byte that leads here << 24 | value + 1 (0 where no string ends) */
} yo_trie_unit;

typedef struct yo_trie_tail {
    uint32_t start, length; /* in the tails' text; length > 0 */
    int32_t value;
} yo_trie_tail;

typedef struct yo_trie {
    yo_trie_unit *units; /* the root is the first */
    size_t count, capacity;
    yo_trie_tail *tails;
    size_t tail_count, tail_room;
    yo_bytes text;
} yo_trie;

typedef struct yo_trie_string {
    const uint8_t *text;
    uint32_t length;
    int32_t value; /* from 0 to YO_TRIE_VALUES - 1 */
} yo_trie_string;

/* Builds an empty trie from strings of length > 0, which are sorted on the way; of equal ones the
 * last in the list counts. */
yoso_status yo_trie_build(yo_trie *trie, yo_trie_string *strings, size_t count);
void yo_trie_free(yo_trie *trie);

/* A new trie of a JSON list of strings, with their places as values; yo_trie_delete frees it. */
yoso_status yo_trie_load(yo_trie **out, const char *where, const yo_json *list);
void yo_trie_delete(yo_trie *trie);

/* Sorts strings by their bytes; equal ones stay in their order. */
yoso_status yo_trie_sort(yo_trie_string *strings, size_t count);

/* A way down from the root along text[0 .. length). */
typedef struct yo_trie_walk {
    const uint8_t *text;
    size_t length;
    size_t taken;  /* of the string found last */
    int32_t value; /* and its value */
    uint32_t node;
} yo_trie_walk;

/* The child of a node by a byte; 0 for none. */
static inline uint32_t yo_trie_child(const yo_trie *trie, uint32_t node, uint8_t byte)
{
    uint32_t child = trie->units[node].base ^ byte;
    return trie->units[child].tag >> 24 == byte ? child : 0;
}

/* The next longer string that the text begins with; false when there is none. */
static inline bool yo_trie_next(const yo_trie *trie, yo_trie_walk *walk)
{
    for (size_t at = walk->taken; at < walk->length;) {
        uint32_t node = yo_trie_child(trie, walk->node, walk->text[at++]);
        if (node == 0)
            return false;
        walk->node = node;
        uint32_t value = trie->units[node].tag & 0xFFFFFF;
        if (value == 0)
            continue;
        if (trie->units[node].base == YO_TRIE_TAIL) {
            const yo_trie_tail *tail = &trie->tails[value - 1];
            if (tail->length > walk->length - at ||
                memcmp(walk->text + at, trie->text.data + tail->start, tail->length) != 0)
                return false;
            walk->taken = at + tail->length;
            walk->value = tail->value;
            return true;
        }
        walk->taken = at;
        walk->value = (int32_t)value - 1;
        return true;
    }
    return false;
}

/* The value of the longest string that begins at text; -1 for none. *taken is its length. */
int32_t yo_trie_longest(const yo_trie *trie, const uint8_t *text, size_t length, size_t *taken);

#endif
