/* The trie's edges live in one hash table: see trie.h. */
#include "text/trie.h"

#include <stdlib.h>

static size_t slot_of(const yo_trie *trie, uint64_t key)
{
    uint64_t hash = key * 0x9FB21C651E98DF25u;
    size_t mask = trie->edge_slots - 1, i = (hash >> 32 ^ hash >> 15) & mask;
    while (trie->edges[i].key != 0 && trie->edges[i].key != key)
        i = (i + 1) & mask;
    return i;
}

uint32_t yo_trie_child(const yo_trie *trie, uint32_t node, uint8_t byte)
{
    if (node == 0)
        return trie->first[byte];
    if (trie->edge_slots == 0)
        return 0;
    return trie->edges[slot_of(trie, ((uint64_t)node << 8 | byte) + 1)].node;
}

static yoso_status new_node(yo_trie *trie, uint32_t *node)
{
    if (trie->node_count == 0)
        trie->node_count = 1; /* the root */
    if (trie->node_count >= UINT32_MAX / 2)
        return yo_fail(YOSO_FORMAT, "tokenizer: too many added tokens");
    YO_TRY(yo_grow((void **)&trie->values, &trie->node_room, trie->node_count + 1,
                   sizeof *trie->values));
    trie->values[trie->node_count] = -1;
    *node = (uint32_t)trie->node_count++;
    return YOSO_OK;
}

static yoso_status rehash(yo_trie *trie, size_t slots)
{
    yo_trie_edge *old = trie->edges;
    size_t old_slots = trie->edge_slots;
    trie->edge_slots = slots;
    trie->edges = calloc(trie->edge_slots, sizeof *trie->edges);
    if (trie->edges == NULL) {
        trie->edges = old;
        trie->edge_slots = old_slots;
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for the added tokens");
    }
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].key != 0)
            trie->edges[slot_of(trie, old[i].key)] = old[i];
    }
    free(old);
    return YOSO_OK;
}

yoso_status yo_trie_reserve(yo_trie *trie, size_t edges)
{
    size_t slots = 64;
    while (slots < 2 * edges)
        slots *= 2;
    return slots > trie->edge_slots ? rehash(trie, slots) : YOSO_OK;
}

yoso_status yo_trie_add(yo_trie *trie, const uint8_t *text, size_t length, int32_t value)
{
    uint32_t node = trie->first[text[0]];
    if (node == 0) {
        YO_TRY(new_node(trie, &node));
        trie->first[text[0]] = node;
    }
    for (size_t i = 1; i < length; i++) {
        if (2 * (trie->edge_count + 1) > trie->edge_slots)
            YO_TRY(rehash(trie, trie->edge_slots > 0 ? 2 * trie->edge_slots : 64));
        uint64_t key = ((uint64_t)node << 8 | text[i]) + 1;
        size_t slot = slot_of(trie, key);
        if (trie->edges[slot].key == 0) {
            YO_TRY(new_node(trie, &node));
            trie->edges[slot] = (yo_trie_edge){key, node};
            trie->edge_count++;
        }
        node = trie->edges[slot].node;
    }
    trie->values[node] = value;
    return YOSO_OK;
}

void yo_trie_free(yo_trie *trie)
{
    free(trie->edges);
    free(trie->values);
    *trie = (yo_trie){0};
}

int32_t yo_trie_longest(const yo_trie *trie, const uint8_t *text, size_t length, size_t *taken)
{
    uint32_t node = length > 0 ? trie->first[text[0]] : 0;
    int32_t found = -1;
    for (size_t i = 1; node != 0; i++) {
        if (trie->values[node] >= 0) {
            found = trie->values[node];
            *taken = i;
        }
        if (i == length)
            break;
        node = yo_trie_child(trie, node, text[i]);
    }
    return found;
}

yoso_status yo_trie_load(yo_trie **out, const char *where, const yo_json *list)
{
    if (list->kind != YO_JSON_ARRAY)
        return yo_fail(YOSO_FORMAT, "%s: %s, must be a list", where, yo_json_kind_name(list));
    yo_trie *trie = calloc(1, sizeof *trie);
    if (trie == NULL)
        return yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    *out = trie;
    const yo_json *item = list + 1;
    for (uint32_t i = 0; i < list->count && i < INT32_MAX; i++, item = yo_json_next(item)) {
        if (item->kind != YO_JSON_STRING || item->count == 0)
            return yo_fail(YOSO_FORMAT, "%s: entry %u is no string, or empty", where, i + 1);
        YO_TRY(yo_trie_add(trie, (const uint8_t *)item->as.text, item->count, (int32_t)i));
    }
    return YOSO_OK;
}

void yo_trie_delete(yo_trie *trie)
{
    if (trie != NULL)
        yo_trie_free(trie);
    free(trie);
}
