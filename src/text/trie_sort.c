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
} sorter;

static void read_keys(const sorter *s, group g)
{
    for (size_t i = g.low; i < g.high; i++) {
        const yo_trie_string *string = &s->strings[s->items[i].string];
        size_t left = string->length - g.depth;
        uint64_t key = 0;
        if (left > 8)
            left = 8;
        memcpy(&key, string->text + g.depth, left);
        s->items[i].key = __builtin_bswap64(key);
        s->items[i].left = (uint32_t)left;
    }
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
    for (int pass = -1; pass < 8; pass++) {
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
    read_keys(s, g);
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

yoso_status yo_trie_sort(yo_trie_string *strings, size_t count)
{
    if (count >= UINT32_MAX / sizeof(item) / 2)
        return yo_fail(YOSO_FORMAT, "tokenizer: %zu tokens are too many", count);
    sorter s = {.strings = strings};
    s.items = malloc((2 * count + 1) * sizeof *s.items);
    if (s.items == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for %zu tokens", count);
    s.work = s.items + count;
    for (size_t i = 0; i < count; i++)
        s.items[i].string = (uint32_t)i;
    yoso_status status = sort_group(&s, (group){0, count, 0});
    while (s.group_count > 0 && status == YOSO_OK)
        status = sort_group(&s, s.groups[--s.group_count]);
    _Static_assert(sizeof(yo_trie_string) <= sizeof(item), "strings are sorted into work");
    yo_trie_string *sorted = (yo_trie_string *)(void *)s.work;
    for (size_t i = 0; i < count; i++)
        sorted[i] = strings[s.items[i].string];
    if (count > 0)
        memcpy(strings, sorted, count * sizeof *sorted);
    free(s.items);
    free(s.groups);
    return status;
}
