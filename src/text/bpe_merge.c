/* Byte-pair merging: the pair of lowest rank first, the leftmost of equal ones, until none is
 * left. Short pieces scan an array of ranks; long ones keep a heap, so that a word of a
 * megabyte costs n log n. */
#include "text/bpe.h"

enum { SCAN_LIMIT = 40 };

yoso_status yo_bpe_symbols(yo_scratch *scratch, size_t count, yo_symbol **symbols)
{
    if (count > INT32_MAX)
        return yo_fail(YOSO_MISUSE, "tokenizer: a word of %zu characters, at most %d", count,
                       INT32_MAX);
    YO_TRY(yo_grow(&scratch->symbols, &scratch->symbol_room, count, sizeof(yo_symbol)));
    *symbols = scratch->symbols;
    return YOSO_OK;
}

/* A piece of few symbols; each is known by its place, which it keeps. The last place is the end. */
typedef struct row {
    uint64_t
        merge[SCAN_LIMIT + 1]; /* rank and merged id with the next symbol; UINT64_MAX for none */
    int32_t id[SCAN_LIMIT + 1];
    uint8_t before[SCAN_LIMIT + 1], after[SCAN_LIMIT + 1];
} row;

static void merge_row(const yo_bpe *bpe, row *r, size_t count)
{
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++)
            best = r->merge[i] < r->merge[best] ? i : best;
        if (r->merge[best] == UINT64_MAX)
            return;
        size_t eaten = r->after[best], after = r->after[eaten], before = r->before[best];
        r->id[best] = (int32_t)(uint32_t)r->merge[best];
        r->merge[eaten] = r->merge[best] = UINT64_MAX;
        r->after[best] = (uint8_t)after;
        r->before[after] = (uint8_t)best;
        if (after < count)
            r->merge[best] = yo_bpe_find(bpe, r->id[best], r->id[after]);
        if (best > 0)
            r->merge[before] = yo_bpe_find(bpe, r->id[before], r->id[best]);
    }
}

static void link_row(row *r, size_t count)
{
    for (size_t i = 0; i <= count; i++) {
        r->before[i] = (uint8_t)(i - 1);
        r->after[i] = (uint8_t)(i + 1);
    }
    r->merge[count - 1] = UINT64_MAX;
}

static yoso_status merge_by_scanning(const yo_bpe *bpe, const yo_symbol *symbols, size_t count,
                                     yo_tokens *tokens)
{
    row r;
    uint32_t starts[SCAN_LIMIT + 1] = {0};
    for (size_t i = 0; i < count; i++) {
        r.id[i] = symbols[i].id;
        starts[i + 1] = starts[i] + symbols[i].length;
    }
    for (size_t i = 0; i + 1 < count; i++)
        r.merge[i] = yo_bpe_find(bpe, r.id[i], r.id[i + 1]);
    link_row(&r, count);
    merge_row(bpe, &r, count);
    for (size_t i = 0; i < count; i = r.after[i])
        YO_TRY(yo_tokens_add(tokens, r.id[i], starts[i], starts[r.after[i]], false));
    return YOSO_OK;
}

yoso_status yo_bpe_merge_bytes(const yo_bpe *bpe, yo_scratch *scratch, const uint8_t *piece,
                               size_t length, yo_tokens *tokens)
{
    if (length > SCAN_LIMIT) {
        yo_symbol *symbols = NULL;
        YO_TRY(yo_bpe_symbols(scratch, length, &symbols));
        for (size_t i = 0; i < length; i++)
            symbols[i] = (yo_symbol){.id = bpe->byte_token[piece[i]], .length = 1};
        return yo_bpe_merge_all(bpe, scratch, symbols, length, tokens);
    }
    row r;
    for (size_t i = 0; i < length; i++)
        r.id[i] = bpe->byte_token[piece[i]];
    for (size_t i = 0; i + 1 < length; i++)
        r.merge[i] = bpe->byte_merges[piece[i] << 8 | piece[i + 1]];
    link_row(&r, length);
    merge_row(bpe, &r, length);
    for (size_t i = 0; i < length; i = r.after[i])
        YO_TRY(yo_tokens_add(tokens, r.id[i], i, r.after[i], false));
    return YOSO_OK;
}

/* -- The heap: entries are rank << 32 | place, so the smallest is the pair to merge. --------- */

static void heap_up(uint64_t *heap, size_t i)
{
    uint64_t entry = heap[i];
    while (i > 0 && heap[(i - 1) / 4] > entry) {
        heap[i] = heap[(i - 1) / 4];
        i = (i - 1) / 4;
    }
    heap[i] = entry;
}

static void heap_down(uint64_t *heap, size_t count, size_t i)
{
    uint64_t entry = heap[i];
    for (;;) {
        size_t child = 4 * i + 1, least = child;
        if (child >= count)
            break;
        for (size_t other = child + 1; other < child + 4 && other < count; other++) {
            if (heap[other] < heap[least])
                least = other;
        }
        if (heap[least] >= entry)
            break;
        heap[i] = heap[least];
        i = least;
    }
    heap[i] = entry;
}

/* The rank of the pair that begins at `place`, remembered in its symbol. */
static uint32_t rank_at(const yo_bpe *bpe, yo_symbol *symbols, int32_t place)
{
    yo_symbol *symbol = &symbols[place];
    symbol->rank = YO_NO_RANK;
    if (symbol->after >= 0)
        symbol->rank = (uint32_t)(yo_bpe_find(bpe, symbol->id, symbols[symbol->after].id) >> 32);
    return symbol->rank;
}

static yoso_status merge_by_heap(const yo_bpe *bpe, yo_scratch *scratch, yo_symbol *symbols,
                                 size_t count, yo_tokens *tokens)
{
    /* Each merge adds at most two entries and takes one symbol away: 3 n entries at most. */
    YO_TRY(yo_grow(&scratch->heap, &scratch->heap_room, 3 * count, sizeof(uint64_t)));
    uint64_t *heap = scratch->heap;
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        symbols[i].before = (int32_t)i - 1;
        symbols[i].after = i + 1 < count ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t rank = rank_at(bpe, symbols, (int32_t)i);
        if (rank != YO_NO_RANK)
            heap[size++] = (uint64_t)rank << 32 | i;
    }
    for (size_t i = size; i-- > 0;)
        heap_down(heap, size, i);
    while (size > 0) {
        uint64_t top = heap[0];
        heap[0] = heap[--size];
        if (size > 0)
            heap_down(heap, size, 0);
        int32_t place = (int32_t)(uint32_t)top;
        yo_symbol *symbol = &symbols[place];
        if (symbol->length == 0 || symbol->rank != (uint32_t)(top >> 32))
            continue; /* the pair has gone since */
        yo_symbol *eaten = &symbols[symbol->after];
        symbol->id = (int32_t)(uint32_t)yo_bpe_find(bpe, symbol->id, eaten->id);
        symbol->length += eaten->length;
        symbol->after = eaten->after;
        eaten->length = 0;
        if (symbol->after >= 0)
            symbols[symbol->after].before = place;
        int32_t changed[2] = {symbol->before, place};
        for (int k = 0; k < 2; k++) {
            if (changed[k] < 0)
                continue;
            uint32_t rank = rank_at(bpe, symbols, changed[k]);
            if (rank != YO_NO_RANK) {
                heap[size] = (uint64_t)rank << 32 | (uint32_t)changed[k];
                heap_up(heap, size++);
            }
        }
    }
    size_t at = 0;
    for (int32_t i = 0; i >= 0; i = symbols[i].after) {
        YO_TRY(yo_tokens_add(tokens, symbols[i].id, at, at + symbols[i].length, false));
        at += symbols[i].length;
    }
    return YOSO_OK;
}

yoso_status yo_bpe_merge_all(const yo_bpe *bpe, yo_scratch *scratch, yo_symbol *symbols,
                             size_t count, yo_tokens *tokens)
{
    if (count == 0)
        return YOSO_OK;
    if (count <= SCAN_LIMIT)
        return merge_by_scanning(bpe, symbols, count, tokens);
    return merge_by_heap(bpe, scratch, symbols, count, tokens);
}
