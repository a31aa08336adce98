/* The vocabulary's hash table and its way back from ids: see vocab.h. */
#include "text/vocab.h"

#include <stdlib.h>

#include "text/trie.h"

enum { AHEAD = 32 }; /* strings whose slots are asked for before the first is looked at */

static const uint64_t tag_bits = 0xFFFFFFFF00000000u;

/* The slot of a string with this hash, or the empty one that it would take. Most slots of other
 * strings are told apart by their tags. */
static uint64_t *slot_of(const yo_vocab *vocab, const void *text, size_t length, uint64_t hash)
{
    size_t mask = vocab->slot_count - 1, i = hash & mask;
    for (; vocab->slots[i] != 0; i = (i + 1) & mask) {
        if ((vocab->slots[i] ^ hash) & tag_bits)
            continue;
        const yo_vocab_entry *entry = &vocab->entries[(uint32_t)vocab->slots[i] - 1];
        if (entry->length == length && yo_same(vocab->text.data + entry->start, text, length))
            break;
    }
    return &vocab->slots[i];
}

/* Puts the entries from `first` on into slots; one that equals an earlier one gives it its id and
 * goes. */
static void fill_slots(yo_vocab *vocab, size_t first)
{
    size_t kept = first, count = vocab->count;
    for (size_t at = first; at < count; at += AHEAD) {
        size_t some = count - at < AHEAD ? count - at : AHEAD;
        uint64_t hashes[AHEAD];
        for (size_t k = 0; k < some; k++) {
            const yo_vocab_entry *entry = &vocab->entries[at + k];
            hashes[k] = yo_hash_bytes(vocab->text.data + entry->start, entry->length);
            __builtin_prefetch(&vocab->slots[hashes[k] & (vocab->slot_count - 1)]);
        }
        for (size_t k = 0; k < some; k++) {
            yo_vocab_entry entry = vocab->entries[at + k];
            uint64_t *slot =
                slot_of(vocab, vocab->text.data + entry.start, entry.length, hashes[k]);
            if (*slot != 0) {
                vocab->entries[(uint32_t)*slot - 1].id = entry.id;
            } else {
                vocab->entries[kept++] = entry;
                *slot = (hashes[k] & tag_bits) | (uint32_t)kept;
            }
        }
    }
    vocab->count = vocab->indexed = kept;
}

static yoso_status rehash(yo_vocab *vocab, size_t slot_count)
{
    uint64_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL)
        return yo_fail(YOSO_NO_MEMORY, "vocabulary: no memory for %zu slots", slot_count);
    free(vocab->slots);
    vocab->slots = slots;
    vocab->slot_count = slot_count;
    fill_slots(vocab, 0);
    return YOSO_OK;
}

yoso_status yo_vocab_reserve(yo_vocab *vocab, size_t count)
{
    if (count > UINT32_MAX / 4)
        return yo_fail(YOSO_FORMAT, "vocabulary: %zu tokens are too many", count);
    YO_TRY(yo_grow((void **)&vocab->entries, &vocab->capacity, count, sizeof *vocab->entries));
    size_t slots = 64;
    while (3 * (slots / 4) < count)
        slots *= 2;
    return slots > vocab->slot_count ? rehash(vocab, slots) : YOSO_OK;
}

yoso_status yo_vocab_append(yo_vocab *vocab, const char *text, size_t length, int32_t id)
{
    size_t start = vocab->text.length;
    YO_TRY(yo_grow((void **)&vocab->entries, &vocab->capacity, vocab->count + 1,
                   sizeof *vocab->entries));
    YO_TRY(yo_bytes_append(&vocab->text, text, length));
    vocab->entries[vocab->count++] = (yo_vocab_entry){start, (uint32_t)length, id};
    return YOSO_OK;
}

yoso_status yo_vocab_index(yo_vocab *vocab)
{
    if (3 * (vocab->slot_count / 4) < vocab->count)
        return yo_vocab_reserve(vocab, vocab->count);
    fill_slots(vocab, vocab->indexed);
    return YOSO_OK;
}

yoso_status yo_vocab_add(yo_vocab *vocab, const char *text, size_t length, int32_t id)
{
    if (3 * (vocab->slot_count / 4) <= vocab->count)
        YO_TRY(yo_vocab_reserve(vocab, vocab->count * 2 + 32));
    uint64_t hash = yo_hash_bytes(text, length), *slot = slot_of(vocab, text, length, hash);
    if (*slot != 0) {
        vocab->entries[(uint32_t)*slot - 1].id = id;
        return YOSO_OK;
    }
    YO_TRY(yo_vocab_append(vocab, text, length, id));
    vocab->indexed = vocab->count;
    *slot = (hash & tag_bits) | (uint32_t)vocab->count;
    return YOSO_OK;
}

int32_t yo_vocab_last(const yo_vocab *vocab)
{
    int32_t last = -1;
    for (size_t e = 0; e < vocab->count; e++) {
        if (vocab->entries[e].id > last)
            last = vocab->entries[e].id;
    }
    return last;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

yoso_status yo_vocab_sorted(const yo_vocab *vocab, uint32_t **order)
{
    uint64_t *keys = malloc((vocab->count + 1) * sizeof *keys);
    uint32_t *list = malloc((vocab->count + 1) * sizeof *list);
    if (keys == NULL || list == NULL) {
        free(keys);
        free(list);
        return yo_fail(YOSO_NO_MEMORY, "vocabulary: no memory for %zu tokens", vocab->count);
    }
    for (size_t e = 0; e < vocab->count; e++)
        keys[e] = (uint64_t)(uint32_t)vocab->entries[e].id << 32 | e;
    qsort(keys, vocab->count, sizeof *keys, by_key);
    for (size_t e = 0; e < vocab->count; e++)
        list[e] = (uint32_t)keys[e];
    free(keys);
    *order = list;
    return YOSO_OK;
}

yoso_status yo_vocab_finish(yo_vocab *vocab)
{
    size_t last = (size_t)(yo_vocab_last(vocab) + 1);
    free(vocab->by_id);
    vocab->by_id = NULL;
    vocab->dense = last <= 4 * vocab->count + 1024;
    if (!vocab->dense) {
        vocab->by_id_count = vocab->count;
        return yo_vocab_sorted(vocab, &vocab->by_id);
    }
    vocab->by_id = calloc(last + 1, sizeof *vocab->by_id);
    if (vocab->by_id == NULL)
        return yo_fail(YOSO_NO_MEMORY, "vocabulary: no memory for %zu ids", last);
    vocab->by_id_count = last;
    for (size_t e = 0; e < vocab->count; e++)
        vocab->by_id[vocab->entries[e].id] = (uint32_t)e + 1;
    return YOSO_OK;
}

void yo_vocab_free(yo_vocab *vocab)
{
    yo_bytes_free(&vocab->text);
    free(vocab->entries);
    free(vocab->slots);
    free(vocab->by_id);
    *vocab = (yo_vocab){0};
}

static const yo_vocab_entry *by_trie(const yo_vocab *vocab, const void *text, size_t length)
{
    size_t taken = 0;
    int32_t entry = yo_trie_longest(vocab->trie, text, length, &taken);
    if (length > 0)
        return entry >= 0 && taken == length ? &vocab->entries[entry] : NULL;
    for (size_t e = vocab->count; e-- > 0;) { /* the empty string is in no trie */
        if (vocab->entries[e].length == 0)
            return &vocab->entries[e];
    }
    return NULL;
}

const yo_vocab_entry *yo_vocab_by_text(const yo_vocab *vocab, const void *text, size_t length)
{
    if (vocab->count == 0)
        return NULL;
    if (vocab->trie != NULL)
        return by_trie(vocab, text, length);
    uint32_t entry = (uint32_t)*slot_of(vocab, text, length, yo_hash_bytes(text, length));
    return entry == 0 ? NULL : &vocab->entries[entry - 1];
}

int32_t yo_vocab_find(const yo_vocab *vocab, const void *text, size_t length)
{
    const yo_vocab_entry *entry = yo_vocab_by_text(vocab, text, length);
    return entry == NULL ? -1 : entry->id;
}

void yo_vocab_find_all(const yo_vocab *vocab, yo_vocab_query *queries, size_t count)
{
    size_t mask = vocab->slot_count - 1;
    for (size_t at = 0; at < count; at += AHEAD) {
        size_t some = count - at < AHEAD ? count - at : AHEAD;
        yo_vocab_query *list = queries + at;
        uint64_t hashes[AHEAD];
        for (size_t k = 0; k < some && vocab->count > 0; k++) {
            hashes[k] = yo_hash_bytes(list[k].text, list[k].length);
            __builtin_prefetch(&vocab->slots[hashes[k] & mask]);
        }
        for (size_t k = 0; k < some && vocab->count > 0; k++) {
            uint32_t entry = (uint32_t)vocab->slots[hashes[k] & mask];
            __builtin_prefetch(&vocab->entries[entry > 0 ? entry - 1 : 0]);
        }
        for (size_t k = 0; k < some; k++) {
            uint32_t entry = 0;
            if (vocab->count > 0)
                entry = (uint32_t)*slot_of(vocab, list[k].text, list[k].length, hashes[k]);
            list[k].id = entry > 0 ? vocab->entries[entry - 1].id : -1;
        }
    }
}

const yo_vocab_entry *yo_vocab_by_id(const yo_vocab *vocab, int32_t id)
{
    if (id < 0)
        return NULL;
    if (vocab->dense) {
        if ((size_t)id >= vocab->by_id_count || vocab->by_id[id] == 0)
            return NULL;
        return &vocab->entries[vocab->by_id[id] - 1];
    }
    size_t low = 0, high = vocab->by_id_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (vocab->entries[vocab->by_id[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == vocab->by_id_count || vocab->entries[vocab->by_id[low]].id != id)
        return NULL;
    return &vocab->entries[vocab->by_id[low]];
}

const char *yo_vocab_text(const yo_vocab *vocab, int32_t id, size_t *length)
{
    const yo_vocab_entry *entry = yo_vocab_by_id(vocab, id);
    if (entry == NULL)
        return NULL;
    *length = entry->length;
    return (const char *)vocab->text.data + entry->start;
}
