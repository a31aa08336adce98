/* Learning byte-pair merges, as the tokenizers library learns them: always the most frequent pair,
 * of equally frequent ones that of the smallest ids. */
#include <stdlib.h>

#include "text/bytelevel.h"
#include "text/train.h"
#include "text/utf8.h"

typedef struct pair_count {
    uint64_t key; /* left << 32 | right, plus 1; 0 for an empty slot */
    int64_t count;
    uint32_t *words; /* where it has occurred; a word may be listed twice */
    size_t word_count, word_room;
} pair_count;

typedef struct queued {
    int64_t count;
    uint64_t key;
} queued;

typedef struct learner {
    const yoso_trainer *trainer;
    yo_learned *out;
    size_t prefix;
    int32_t *symbols; /* of all words, one after another */
    size_t *starts;   /* of each word; its length is kept beside */
    uint32_t *lengths;
    int64_t *weights;
    size_t symbol_count, symbol_room, word_count;
    pair_count *pairs;
    size_t pair_used, pair_slots;
    queued *heap;
    size_t heap_count, heap_room;
    uint64_t *changed; /* pairs that a merge made more frequent */
    size_t changed_count, changed_room;
} learner;

/* -- Pairs ----------------------------------------------------------------------------------- */

static uint64_t key_of(int32_t left, int32_t right)
{
    return ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) + 1;
}

static pair_count *slot_of(const learner *l, uint64_t key)
{
    uint64_t hash = key * 0x9FB21C651E98DF25u;
    size_t mask = l->pair_slots - 1, i = (hash >> 32 ^ hash >> 15) & mask;
    while (l->pairs[i].key != 0 && l->pairs[i].key != key)
        i = (i + 1) & mask;
    return &l->pairs[i];
}

static yoso_status pair_at(learner *l, uint64_t key, pair_count **out)
{
    if (2 * (l->pair_used + 1) > l->pair_slots) {
        pair_count *old = l->pairs;
        size_t slots = l->pair_slots;
        l->pair_slots = slots > 0 ? 2 * slots : 4096;
        l->pairs = calloc(l->pair_slots, sizeof *l->pairs);
        if (l->pairs == NULL) {
            l->pairs = old;
            l->pair_slots = slots;
            return yo_fail(YOSO_NO_MEMORY, "train: no memory for the pairs");
        }
        for (size_t i = 0; i < slots; i++) {
            if (old[i].key != 0)
                *slot_of(l, old[i].key) = old[i];
        }
        free(old);
    }
    pair_count *pair = slot_of(l, key);
    if (pair->key == 0) {
        pair->key = key;
        l->pair_used++;
    }
    *out = pair;
    return YOSO_OK;
}

static yoso_status count_pair(learner *l, int32_t left, int32_t right, uint32_t word, int sign)
{
    pair_count *pair = NULL;
    YO_TRY(pair_at(l, key_of(left, right), &pair));
    pair->count += sign * l->weights[word];
    if (sign < 0)
        return YOSO_OK;
    if (pair->word_count == 0 || pair->words[pair->word_count - 1] != word) {
        YO_TRY(yo_grow((void **)&pair->words, &pair->word_room, pair->word_count + 1,
                       sizeof *pair->words));
        pair->words[pair->word_count++] = word;
    }
    YO_TRY(
        yo_grow((void **)&l->changed, &l->changed_room, l->changed_count + 1, sizeof *l->changed));
    l->changed[l->changed_count++] = pair->key;
    return YOSO_OK;
}

/* -- The queue: most frequent first, then the smallest ids ----------------------------------- */

static bool before(const queued *a, const queued *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static yoso_status push(learner *l, queued item)
{
    YO_TRY(yo_grow((void **)&l->heap, &l->heap_room, l->heap_count + 1, sizeof item));
    size_t i = l->heap_count++;
    for (; i > 0 && before(&item, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = item;
    return YOSO_OK;
}

static queued pop(learner *l)
{
    queued top = l->heap[0], last = l->heap[--l->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < l->heap_count && before(&l->heap[child + 1], &l->heap[child]))
            child++;
        if (child >= l->heap_count || !before(&l->heap[child], &last))
            break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    l->heap[i] = last;
    return top;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Queues every pair that has become more frequent, once. */
static yoso_status push_changed(learner *l)
{
    if (l->changed_count > 0)
        qsort(l->changed, l->changed_count, sizeof *l->changed, by_value);
    for (size_t i = 0; i < l->changed_count; i++) {
        const pair_count *pair = slot_of(l, l->changed[i]);
        if ((i == 0 || l->changed[i] != l->changed[i - 1]) && pair->count > 0)
            YO_TRY(push(l, (queued){pair->count, pair->key}));
    }
    l->changed_count = 0;
    return YOSO_OK;
}

/* -- Words ----------------------------------------------------------------------------------- */

static yoso_status add_symbol(learner *l, const uint8_t *text, size_t length)
{
    int32_t id = yo_vocab_find(&l->out->vocab, text, length);
    if (id < 0) {
        id = (int32_t)l->out->vocab.count;
        YO_TRY(yo_vocab_add(&l->out->vocab, (const char *)text, length, id));
    }
    YO_TRY(yo_grow((void **)&l->symbols, &l->symbol_room, l->symbol_count + 1, sizeof *l->symbols));
    l->symbols[l->symbol_count++] = id;
    return YOSO_OK;
}

/* The first symbols of a word: its bytes as characters, or its characters with the prefix. */
static yoso_status add_word(learner *l, const char *prefix, const uint8_t *text, size_t length,
                            yo_bytes *work)
{
    for (size_t at = 0; at < length;) {
        uint32_t size = prefix == NULL ? 1 : yo_utf8_size(text[at]);
        work->length = 0;
        if (prefix == NULL) {
            YO_TRY(yo_bytes_character(work, yo_byte_character(text[at])));
        } else {
            if (at > 0)
                YO_TRY(yo_bytes_text(work, prefix));
            YO_TRY(yo_bytes_append(work, text + at, size));
        }
        YO_TRY(add_symbol(l, work->data, work->length));
        at += size;
    }
    return YOSO_OK;
}

static int by_point(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The alphabet in order of code points, as the first tokens after the special ones. */
static yoso_status add_alphabet(learner *l, const char *prefix)
{
    const yo_vocab *words = &l->trainer->words;
    uint8_t *seen = calloc(0x110000, 1), text[4];
    uint32_t points[256];
    yoso_status status = seen != NULL ? YOSO_OK : yo_fail(YOSO_NO_MEMORY, "train: no memory");
    for (int byte = 0; byte < 256; byte++)
        points[byte] = yo_byte_character((uint8_t)byte);
    qsort(points, 256, sizeof *points, by_point);
    for (int i = 0; prefix == NULL && status == YOSO_OK && i < 256; i++)
        seen[points[i]] = 1;
    for (size_t w = 0; prefix != NULL && status == YOSO_OK && w < words->count; w++) {
        const uint8_t *word = words->text.data + words->entries[w].start;
        for (size_t at = 0, size = 0; at < words->entries[w].length; at += size) {
            uint32_t bytes, c = yo_utf8_decode(word + at, &bytes);
            seen[c] = 1;
            size = bytes;
        }
    }
    for (uint32_t c = 0; status == YOSO_OK && c < 0x110000; c++) {
        if (seen[c])
            status = yo_vocab_add(&l->out->vocab, (const char *)text, yo_utf8_encode(text, c),
                                  (int32_t)l->out->vocab.count);
    }
    free(seen);
    return status;
}

static yoso_status add_words(learner *l, const char *prefix)
{
    const yoso_trainer *t = l->trainer;
    uint32_t *order;
    yo_bytes work = {0};
    size_t room[3] = {0};
    YO_TRY(yo_grow((void **)&l->starts, &room[0], t->words.count + 1, sizeof *l->starts));
    YO_TRY(yo_grow((void **)&l->lengths, &room[1], t->words.count + 1, sizeof *l->lengths));
    YO_TRY(yo_grow((void **)&l->weights, &room[2], t->words.count + 1, sizeof *l->weights));
    YO_TRY(yo_trainer_sorted(t, &order));
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < t->words.count && status == YOSO_OK; i++) {
        const yo_vocab_entry *word = &t->words.entries[order[i]];
        size_t start = l->symbol_count;
        status = add_word(l, prefix, t->words.text.data + word->start, word->length, &work);
        l->starts[i] = start;
        l->lengths[i] = (uint32_t)(l->symbol_count - start);
        l->weights[i] = t->counts[word->id];
        l->word_count++;
    }
    free(order);
    yo_bytes_free(&work);
    for (size_t w = 0; w < l->word_count && status == YOSO_OK; w++) {
        const int32_t *symbols = l->symbols + l->starts[w];
        for (uint32_t k = 0; k + 1 < l->lengths[w] && status == YOSO_OK; k++)
            status = count_pair(l, symbols[k], symbols[k + 1], (uint32_t)w, 1);
    }
    return status == YOSO_OK ? push_changed(l) : status;
}

/* Merges a pair everywhere in a word and counts what its neighbours become. */
static yoso_status merge_in_word(learner *l, uint32_t word, int32_t left, int32_t right, int32_t id)
{
    int32_t *symbols = l->symbols + l->starts[word];
    uint32_t length = l->lengths[word];
    for (uint32_t i = 0; i + 1 < length; i++) {
        if (symbols[i] != left || symbols[i + 1] != right)
            continue;
        if (i > 0) {
            YO_TRY(count_pair(l, symbols[i - 1], left, word, -1));
            YO_TRY(count_pair(l, symbols[i - 1], id, word, 1));
        }
        symbols[i] = id;
        length--;
        memmove(symbols + i + 1, symbols + i + 2, (length - i - 1) * sizeof *symbols);
        if (i + 1 < length) {
            YO_TRY(count_pair(l, right, symbols[i + 1], word, -1));
            YO_TRY(count_pair(l, id, symbols[i + 1], word, 1));
        }
    }
    l->lengths[word] = length;
    return YOSO_OK;
}

static yoso_status merge_pair(learner *l, uint64_t key, yo_bytes *work)
{
    int32_t left = (int32_t)((key - 1) >> 32), right = (int32_t)(uint32_t)(key - 1);
    yo_vocab *vocab = &l->out->vocab;
    const yo_vocab_entry *a = &vocab->entries[left], *b = &vocab->entries[right];
    size_t skip = b->length >= l->prefix ? l->prefix : 0;
    work->length = 0;
    YO_TRY(yo_bytes_append(work, vocab->text.data + a->start, a->length));
    YO_TRY(yo_bytes_append(work, vocab->text.data + b->start + skip, b->length - skip));
    int32_t id = yo_vocab_find(vocab, work->data, work->length);
    if (id < 0) {
        id = (int32_t)vocab->count;
        YO_TRY(yo_vocab_add(vocab, (const char *)work->data, work->length, id));
    }
    YO_TRY(yo_grow((void **)&l->out->merges, &l->out->merge_room, l->out->merge_count + 1,
                   sizeof *l->out->merges));
    l->out->merges[l->out->merge_count++] = (yo_bpe_merge){left, right};
    /* The list moves away from the table, which may grow meanwhile. */
    pair_count *pair = slot_of(l, key), taken = *pair;
    pair->words = NULL;
    pair->word_count = pair->word_room = 0;
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < taken.word_count && status == YOSO_OK; i++)
        status = merge_in_word(l, taken.words[i], left, right, id);
    free(taken.words);
    return status == YOSO_OK ? push_changed(l) : status;
}

static yoso_status learn(learner *l, const char *prefix)
{
    yo_bytes work = {0};
    yoso_status status = add_alphabet(l, prefix);
    if (status == YOSO_OK)
        status = add_words(l, prefix);
    while (status == YOSO_OK && l->heap_count > 0 && l->out->vocab.count < l->trainer->vocab_size) {
        queued top = pop(l);
        int64_t now = slot_of(l, top.key)->count;
        if (now != top.count) { /* it has lost some since; again in its new place */
            if (now > 0)
                status = push(l, (queued){now, top.key});
            continue;
        }
        if (now < 1 || (size_t)now < l->trainer->min_count)
            break;
        status = merge_pair(l, top.key, &work);
    }
    yo_bytes_free(&work);
    return status;
}

yoso_status yo_train_merges(const yoso_trainer *trainer, const char *prefix, yo_learned *learned)
{
    learner l = {.trainer = trainer, .out = learned, .prefix = prefix != NULL ? strlen(prefix) : 0};
    yoso_status status = learn(&l, prefix);
    for (size_t i = 0; i < l.pair_slots; i++)
        free(l.pairs[i].words);
    free(l.pairs);
    free(l.symbols);
    free(l.starts);
    free(l.lengths);
    free(l.weights);
    free(l.heap);
    free(l.changed);
    return status;
}
