/* Sorting the strings of a trie, eight bytes at a time: a radix sort of the first eight of all,
 * then of the next eight of those that are equal so far, and so on. */
#include <stdlib.h>

#include "text/trie.h"

enum { FEW = 48 };

/* Eight bytes of a string as a number that sorts as they do, zeros after its end. */
typedef struct item {
    uint64_t key;
    uint32_t string;
    uint32_t left; /* bytes from here on, at most 8 */
} item;

/* Items [low, high) are equal in their first `depth` bytes. */
typedef struct group {
    size_t low, high, depth;
} group;

typedef struct sorter {
    const yo_trie_string *strings;
    item *items, *work;
    group *groups; /* yet to be sorted */
    size_t group_count, group_room;
    bool zeros; /* some keys hold zeros of their own, so that the ends must tell */
} sorter;

static bool has_zero(uint64_t key)
{
    return ((key - 0x0101010101010101u) & ~key & 0x8080808080808080u) != 0;
}

/* The next bytes of each string of a group; returns in which of their bits keys differ. */
static uint64_t read_keys(sorter *s, group g)
{
    uint64_t differs = 0;
    s->zeros = false;
    for (size_t i = g.low; i < g.high; i++) {
        const yo_trie_string *string = &s->strings[s->items[i].string];
        size_t left = string->length - g.depth;
        uint64_t key = 0;
        if (left >= 8) {
            left = 8;
            key = yo_load8(string->text + g.depth);
            s->zeros = s->zeros || has_zero(key);
        } else {
            memcpy(&key, string->text + g.depth, left);
            s->zeros = s->zeros || has_zero(key | ~(uint64_t)0 << 8 * left);
        }
        s->items[i].key = __builtin_bswap64(key);
        s->items[i].left = (uint32_t)left;
        differs |= s->items[i].key ^ s->items[g.low].key;
    }
    return differs;
}

static bool before(const item *a, const item *b)
{
    return a->key < b->key || (a->key == b->key && a->left < b->left);
}

static void insertion_sort(item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        item moved = items[i];
        size_t k = i;
        for (; k > 0 && before(&moved, &items[k - 1]); k--)
            items[k] = items[k - 1];
        items[k] = moved;
    }
}

/* A number from 0 to 255 by which a pass sorts: what is left, then byte after byte from the last.
 */
static uint8_t digit(const item *it, int pass)
{
    return pass < 0 ? (uint8_t)it->left : (uint8_t)(it->key >> 8 * pass);
}

static void radix_sort(const sorter *s, size_t low, size_t count)
{
    item *from = s->items + low, *to = s->work + low;
    for (int pass = s->zeros ? -1 : 0; pass < 8; pass++) {
        size_t starts[257] = {0};
        for (size_t i = 0; i < count; i++)
            starts[digit(&from[i], pass) + 1]++;
        if (starts[digit(&from[0], pass) + 1] == count)
            continue;
        for (int byte = 0; byte < 256; byte++)
            starts[byte + 1] += starts[byte];
        for (size_t i = 0; i < count; i++)
            to[starts[digit(&from[i], pass)]++] = from[i];
        item *swap = from;
        from = to;
        to = swap;
    }
    if (from != s->items + low)
        memcpy(s->items + low, from, count * sizeof *from);
}

static yoso_status sort_group(sorter *s, group g)
{
    uint64_t differs = read_keys(s, g);
    if (differs >> 48 == 0 && differs != 0 && !s->zeros) { /* look at what tells them apart */
        g.depth += (size_t)__builtin_clzll(differs) / 8;
        read_keys(s, g);
    }
    if (g.high - g.low > FEW)
        radix_sort(s, g.low, g.high - g.low);
    else
        insertion_sort(s->items + g.low, g.high - g.low);
    for (size_t i = g.low, end; i < g.high; i = end) {
        for (end = i + 1; end < g.high && s->items[end].key == s->items[i].key;)
            end++;
        while (i < end && s->items[i].left < 8) /* these end here */
            i++;
        if (end - i < 2)
            continue;
        YO_TRY(yo_grow((void **)&s->groups, &s->group_room, s->group_count + 1, sizeof g));
        s->groups[s->group_count++] = (group){i, end, g.depth + 8};
    }
    return YOSO_OK;
}

/* Groups of strings that begin with the same byte. */
static yoso_status group_all(sorter *s, size_t count)
{
    size_t starts[257] = {0};
    YO_TRY(yo_grow((void **)&s->groups, &s->group_room, 256, sizeof *s->groups));
    for (size_t i = 0; i < count; i++)
        starts[s->strings[i].text[0] + 1]++;
    for (int byte = 0; byte < 256; byte++) {
        starts[byte + 1] += starts[byte];
        if (starts[byte + 1] - starts[byte] > 1)
            s->groups[s->group_count++] = (group){starts[byte], starts[byte + 1], 1};
    }
    for (size_t i = 0; i < count; i++)
        s->items[starts[s->strings[i].text[0]]++].string = (uint32_t)i;
    return YOSO_OK;
}

yoso_status yo_trie_sort(yo_trie_string *strings, size_t count)
{
    if (count >= UINT32_MAX / sizeof(item) / 2)
        return yo_fail(YOSO_FORMAT, "tokenizer: %zu tokens are too many", count);
    if (count == 0)
        return YOSO_OK;
    sorter s = {.strings = strings};
    size_t room = 0;
    YO_TRY(yo_grow((void **)&s.items, &room, 2 * count, sizeof *s.items));
    s.work = s.items + count;
    yoso_status status = group_all(&s, count);
    while (s.group_count > 0 && status == YOSO_OK)
        status = sort_group(&s, s.groups[--s.group_count]);
    _Static_assert(sizeof(yo_trie_string) <= sizeof(item), "strings are sorted into work");
    yo_trie_string *sorted = (yo_trie_string *)(void *)s.work;
    for (size_t i = 0; i < count; i++)
        sorted[i] = strings[s.items[i].string];
    memcpy(strings, sorted, count * sizeof *sorted);
    free(s.items);
    free(s.groups);
    return status;
}
