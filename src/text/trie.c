/* Building the double array: see trie.h. Units are given out from one block of 256 after another,
 * in which a base xor a byte stays. */
#include "text/trie.h"

#include <stdlib.h>

enum { BLOCK = 256, FEW = 8, AHEAD = 16 };

/* Sets of 256 units or bases of a block. */
typedef struct set {
    uint64_t words[4];
} set;

typedef struct block {
    uint32_t first;  /* unit */
    uint32_t room;   /* free units */
    set free, bases; /* units not taken, bases not given out */
} block;

/* Strings [low, high) begin with the same `depth` bytes, which lead to a node. */
typedef struct range {
    uint32_t node;
    size_t low, high, depth;
} range;

typedef struct builder {
    yo_trie *trie;
    block block;   /* the one that has room */
    range *ranges; /* yet to be done, the next one last */
    size_t range_count, range_room;
} builder;

static void take(set *s, uint32_t i)
{
    s->words[i / 64] &= ~((uint64_t)1 << i % 64);
}

static bool has(const set *s, uint32_t i)
{
    return s->words[i / 64] >> i % 64 & 1;
}

/* The members of s, each xor `byte`. */
static set turned(const set *s, uint8_t byte)
{
    static const uint64_t low[6] = {0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F,
                                    0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0x00000000FFFFFFFF};
    set out;
    for (unsigned w = 0; w < 4; w++) {
        uint64_t word = s->words[w ^ byte / 64];
        for (unsigned k = 0; k < 6; k++) {
            if (byte >> k & 1)
                word = (word & low[k]) << (1u << k) | (word >> (1u << k) & low[k]);
        }
        out.words[w] = word;
    }
    return out;
}

/* A base in the block that leads a few bytes to free units: goes by the free units for the first
 * byte. -1 for none. */
static int base_of_few(const block *b, const uint8_t *bytes, size_t count)
{
    for (uint32_t w = 0; w < 4; w++) {
        for (uint64_t free = b->free.words[w]; free != 0; free &= free - 1) {
            uint32_t base = (64 * w + (uint32_t)__builtin_ctzll(free)) ^ bytes[0];
            bool fits = has(&b->bases, base);
            for (size_t i = 1; i < count && fits; i++)
                fits = has(&b->free, base ^ bytes[i]);
            if (fits)
                return (int)base;
        }
    }
    return -1;
}

/* The same for many: all bases at once. */
static int base_of_many(const block *b, const uint8_t *bytes, size_t count)
{
    set fit = b->bases;
    for (size_t i = 0; i < count; i++) {
        set places = turned(&b->free, bytes[i]);
        uint64_t any = 0;
        for (int w = 0; w < 4; w++)
            any |= fit.words[w] &= places.words[w];
        if (any == 0)
            return -1;
    }
    for (int w = 0; w < 4; w++) {
        if (fit.words[w] != 0)
            return 64 * w + __builtin_ctzll(fit.words[w]);
    }
    return -1;
}

static int base_in(const block *b, const uint8_t *bytes, size_t count)
{
    if (b->room < count)
        return -1;
    return count <= FEW ? base_of_few(b, bytes, count) : base_of_many(b, bytes, count);
}

/* Writes into the block's free units a byte that no node's base takes there. */
static void close_block(builder *b)
{
    uint32_t base = 0;
    while (base < BLOCK - 1 && !has(&b->block.bases, base))
        base++;
    for (uint32_t i = 0; i < BLOCK && b->block.room > 0; i++) {
        if (has(&b->block.free, i))
            b->trie->units[b->block.first + i] = (yo_trie_unit){YO_TRIE_LEAF, (i ^ base) << 24};
    }
}

static yoso_status open_block(builder *b)
{
    yo_trie *trie = b->trie;
    if (trie->count > UINT32_MAX - 2 * BLOCK)
        return yo_fail(YOSO_FORMAT, "tokenizer: too many tokens");
    YO_TRY(
        yo_grow((void **)&trie->units, &trie->capacity, trie->count + BLOCK, sizeof *trie->units));
    b->block = (block){.first = (uint32_t)trie->count, .room = BLOCK};
    memset(&b->block.free, 0xFF, sizeof b->block.free);
    memset(&b->block.bases, 0xFF, sizeof b->block.bases);
    trie->count += BLOCK;
    return YOSO_OK;
}

/* Gives a node children by these bytes, at *base xor byte. */
static yoso_status place(builder *b, uint32_t node, const uint8_t *bytes, size_t count,
                         uint32_t *base)
{
    int found = base_in(&b->block, bytes, count);
    if (found < 0) {
        close_block(b);
        YO_TRY(open_block(b));
        found = base_in(&b->block, bytes, count);
    }
    *base = b->block.first + (uint32_t)found;
    b->trie->units[node].base = *base;
    take(&b->block.bases, (uint32_t)found);
    for (size_t k = 0; k < count; k++) {
        take(&b->block.free, (uint32_t)found ^ bytes[k]);
        b->trie->units[*base ^ bytes[k]] = (yo_trie_unit){YO_TRIE_LEAF, (uint32_t)bytes[k] << 24};
    }
    b->block.room -= (uint32_t)count;
    return YOSO_OK;
}

/* What is left of the only string below a node. */
static yoso_status add_tail(builder *b, uint32_t node, const yo_trie_string *string, size_t depth)
{
    yo_trie *trie = b->trie;
    YO_TRY(yo_grow((void **)&trie->tails, &trie->tail_room, trie->tail_count + 1,
                   sizeof *trie->tails));
    trie->tails[trie->tail_count++] =
        (yo_trie_tail){(uint32_t)(string->text + depth - trie->text.data),
                       string->length - (uint32_t)depth, string->value};
    trie->units[node].base = YO_TRIE_TAIL;
    trie->units[node].tag |= (uint32_t)trie->tail_count;
    return YOSO_OK;
}

/* The first string after number i, of those below `high`, whose byte at `depth` is another. */
static size_t next_byte(const yo_trie_string *strings, size_t i, size_t high, size_t depth)
{
    uint8_t byte = strings[i].text[depth];
    size_t step = high - i > 64 ? 1 : 0;
    if (step == 0) {
        while (i + 1 < high && strings[i + 1].text[depth] == byte)
            i++;
        return i + 1;
    }
    for (; i + step < high && strings[i + step].text[depth] == byte; step *= 2)
        i += step;
    for (; step > 0; step /= 2) {
        if (i + step < high && strings[i + step].text[depth] == byte)
            i += step;
    }
    return i + 1;
}

/* The children of a node: one for each byte that strings have after the common ones. */
static yoso_status grow(builder *b, const yo_trie_string *strings, range r)
{
    uint8_t bytes[BLOCK];
    size_t starts[BLOCK + 1], count = 0;
    uint32_t base;
    for (; r.low < r.high && strings[r.low].length == r.depth; r.low++)
        b->trie->units[r.node].tag =
            (b->trie->units[r.node].tag & 0xFF000000) | (uint32_t)(strings[r.low].value + 1);
    if (r.low == r.high)
        return YOSO_OK;
    if (r.high - r.low == 1 && r.node != 0 && (b->trie->units[r.node].tag & 0xFFFFFF) == 0)
        return add_tail(b, r.node, &strings[r.low], r.depth);
    for (size_t i = r.low; i < r.high; i = next_byte(strings, i, r.high, r.depth)) {
        bytes[count] = strings[i].text[r.depth];
        starts[count++] = i;
    }
    starts[count] = r.high;
    YO_TRY(place(b, r.node, bytes, count, &base));
    YO_TRY(yo_grow((void **)&b->ranges, &b->range_room, b->range_count + count, sizeof r));
    while (count-- > 0)
        b->ranges[b->range_count++] =
            (range){base ^ bytes[count], starts[count], starts[count + 1], r.depth + 1};
    return YOSO_OK;
}

/* Copies the strings' bytes to where they lie in order, which is quicker to read, and where tails
 * find them. */
static yoso_status copy_text(yo_trie *trie, yo_trie_string *strings, size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += strings[i].length;
    if (length > UINT32_MAX || count > YO_TRIE_VALUES)
        return yo_fail(YOSO_FORMAT, "tokenizer: %zu tokens of %zu bytes are too many", count,
                       length);
    YO_TRY(yo_bytes_reserve(&trie->text, length));
    for (size_t i = 0; i < count; i++) {
        const uint8_t *text = strings[i].text;
        __builtin_prefetch(strings[i + AHEAD < count ? i + AHEAD : i].text);
        strings[i].text = trie->text.data + trie->text.length;
        YO_TRY(yo_bytes_append(&trie->text, text, strings[i].length));
    }
    return YOSO_OK;
}

yoso_status yo_trie_build(yo_trie *trie, yo_trie_string *strings, size_t count)
{
    builder b = {.trie = trie};
    YO_TRY(yo_trie_sort(strings, count));
    YO_TRY(copy_text(trie, strings, count));
    YO_TRY(yo_grow((void **)&trie->units, &trie->capacity, BLOCK, sizeof *trie->units));
    for (uint32_t i = 0; i < BLOCK; i++) /* the root, and what no byte leads to */
        trie->units[i] = (yo_trie_unit){YO_TRIE_LEAF, (i ^ 2) << 24};
    trie->count = BLOCK;
    yoso_status status = grow(&b, strings, (range){0, 0, count, 0});
    while (b.range_count > 0 && status == YOSO_OK)
        status = grow(&b, strings, b.ranges[--b.range_count]);
    close_block(&b);
    free(b.ranges);
    return status;
}

void yo_trie_free(yo_trie *trie)
{
    free(trie->units);
    free(trie->tails);
    yo_bytes_free(&trie->text);
    *trie = (yo_trie){0};
}

int32_t yo_trie_longest(const yo_trie *trie, const uint8_t *text, size_t length, size_t *taken)
{
    yo_trie_walk walk = {.text = text, .length = length, .value = -1};
    while (yo_trie_next(trie, &walk))
        *taken = walk.taken;
    return walk.value;
}

static yoso_status load(yo_trie *trie, const char *where, const yo_json *list,
                        yo_trie_string *strings)
{
    const yo_json *item = list + 1;
    for (uint32_t i = 0; i < list->count; i++, item = yo_json_next(item)) {
        if (item->kind != YO_JSON_STRING || item->count == 0)
            return yo_fail(YOSO_FORMAT, "%s: entry %u is no string, or empty", where, i + 1);
        strings[i] = (yo_trie_string){(const uint8_t *)item->as.text, item->count, (int32_t)i};
    }
    return yo_trie_build(trie, strings, list->count);
}

yoso_status yo_trie_load(yo_trie **out, const char *where, const yo_json *list)
{
    if (list->kind != YO_JSON_ARRAY || list->count >= YO_TRIE_VALUES)
        return yo_fail(YOSO_FORMAT, "%s: %s, must be a list", where, yo_json_kind_name(list));
    yo_trie *trie = calloc(1, sizeof *trie);
    yo_trie_string *strings = malloc((list->count + (size_t)1) * sizeof *strings);
    *out = trie;
    yoso_status status = trie != NULL && strings != NULL
                             ? load(trie, where, list, strings)
                             : yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    free(strings);
    return status;
}

void yo_trie_delete(yo_trie *trie)
{
    if (trie != NULL)
        yo_trie_free(trie);
    free(trie);
}
