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

static yoso_status merge_by_scanning(const yo_bpe *bpe, const yo_symbol *symbols, size_t count,
                                     yo_tokens *tokens)
{
    int32_t id[SCAN_LIMIT + 1];
    uint32_t length[SCAN_LIMIT + 1];
    uint64_t next[SCAN_LIMIT + 1]; /* rank and merged id of the pair (i, i + 1) */
    for (size_t i = 0; i < count; i++) {
        id[i] = symbols[i].id;
        length[i] = symbols[i].length;
    }
    for (size_t i = 0; i + 1 < count; i++)
        next[i] = yo_bpe_find(bpe, id[i], id[i + 1]);
    while (count > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < count; i++) {
            if (next[i] >> 32 < next[best] >> 32)
                best = i;
        }
        if (next[best] == UINT64_MAX)
            break;
        id[best] = (int32_t)(uint32_t)next[best];
        length[best] += length[best + 1];
        count--;
        for (size_t i = best + 1; i < count; i++) {
            id[i] = id[i + 1];
            length[i] = length[i + 1];
            next[i] = next[i + 1];
        }
        if (best + 1 < count)
            next[best] = yo_bpe_find(bpe, id[best], id[best + 1]);
        if (best > 0)
            next[best - 1] = yo_bpe_find(bpe, id[best - 1], id[best]);
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        YO_TRY(yo_tokens_add(tokens, id[i], at, at + length[i], false));
        at += length[i];
    }
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
