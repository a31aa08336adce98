/* The WordPiece model: greedy longest match, and one unknown token for a word that fails.
 *
 * What begins a word is mostly a whole word, and is looked up; a table tells which lengths tokens
 * have that begin with the next three bytes (or fewer), so that little is looked up in vain. What
 * goes on with a word is found in a trie, without its prefix. */
#include <stdio.h>
#include <stdlib.h>

#include "text/model.h"
#include "text/trie.h"
#include "text/utf8.h"

enum { LENGTH_BITS = 15, START = 3 };

typedef struct wordpiece {
    char *prefix;
    size_t prefix_length;
    size_t unk_length;
    size_t max_chars;
    yo_trie next;
    uint32_t *lengths; /* by a hash of first bytes; bit n for n bytes, bit 31 for 31 or more */
    size_t longest;
} wordpiece;

static char *copy(const char *text, size_t length)
{
    char *out = malloc(length + 1);
    if (out != NULL) {
        memcpy(out, text, length);
        out[length] = '\0';
    }
    return out;
}

/* Where the lengths of tokens that begin with these bytes, at most START, are kept. */
static uint32_t lengths_at(const uint8_t *text, size_t count)
{
    uint32_t key = (uint32_t)text[0] | (count > 1 ? (uint32_t)text[1] << 8 : 0) |
                   (count > 2 ? (uint32_t)text[2] << 16 : 0);
    return (key + (uint32_t)count) * 0x9E3779B1u >> (32 - LENGTH_BITS);
}

static yoso_status fill_lengths(const yo_vocab *vocab, wordpiece *own)
{
    own->lengths = calloc((size_t)1 << LENGTH_BITS, sizeof *own->lengths);
    if (own->lengths == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    for (size_t e = 0; e < vocab->count; e++) {
        size_t length = vocab->entries[e].length;
        if (length == 0)
            continue;
        own->lengths[lengths_at(vocab->text.data + vocab->entries[e].start,
                                length < START ? length : START)] |= (uint32_t)1
                                                                     << (length < 31 ? length : 31);
        if (length > own->longest)
            own->longest = length;
    }
    return YOSO_OK;
}

/* The tokens that go on with a word: those that begin with the prefix. */
static yoso_status fill_next(const yo_vocab *vocab, wordpiece *own)
{
    size_t count = 0, prefix = own->prefix_length;
    if (vocab->count >= YO_TRIE_VALUES)
        return yo_fail(YOSO_FORMAT, "model: %zu tokens are too many", vocab->count);
    yo_trie_string *strings = malloc((vocab->count + 1) * sizeof *strings);
    if (strings == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    for (size_t e = 0; e < vocab->count; e++) {
        const yo_vocab_entry *entry = &vocab->entries[e];
        const uint8_t *text = vocab->text.data + entry->start;
        if (entry->length > prefix && memcmp(text, own->prefix, prefix) == 0)
            strings[count++] =
                (yo_trie_string){text + prefix, entry->length - (uint32_t)prefix, (int32_t)e};
    }
    yoso_status status = yo_trie_build(&own->next, strings, count);
    free(strings);
    return status;
}

static yoso_status wordpiece_load(yo_model *model, const yo_json *json)
{
    wordpiece *own = calloc(1, sizeof *own);
    if (own == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    model->own = own;
    YO_TRY(yo_model_load_vocab(model, json));
    const char *text;
    size_t length;
    int64_t max_chars = 100;
    YO_TRY(yo_json_string(json, "model", "continuing_subword_prefix", &text, &length));
    own->prefix_length = text != NULL ? length : 2;
    own->prefix = copy(text != NULL ? text : "##", own->prefix_length);
    YO_TRY(yo_json_string(json, "model", "unk_token", &text, &length));
    own->unk_length = text != NULL ? length : 5;
    model->unk = copy(text != NULL ? text : "[UNK]", own->unk_length);
    if (own->prefix == NULL || model->unk == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    model->unk_id = yo_vocab_find(&model->vocab, model->unk, own->unk_length);
    YO_TRY(yo_json_integer(json, "model", "max_input_chars_per_word", 0, INT32_MAX, &max_chars));
    own->max_chars = (size_t)max_chars;
    YO_TRY(fill_lengths(&model->vocab, own));
    return fill_next(&model->vocab, own);
}

static void wordpiece_release(yo_model *model)
{
    wordpiece *own = model->own;
    free((char *)model->unk);
    if (own == NULL)
        return;
    free(own->prefix);
    yo_trie_free(&own->next);
    free(own->lengths);
    free(own);
}

/* The longest token that a word begins with: its id and its length; -1 for none. */
static int32_t longest_first(const yo_vocab *vocab, const wordpiece *own, const uint8_t *text,
                             size_t length, size_t *taken)
{
    uint32_t lengths = 0;
    if (length >= START)
        lengths = own->lengths[lengths_at(text, START)] & ~(((uint32_t)1 << START) - 1);
    size_t most = length < own->longest ? length : own->longest;
    for (*taken = lengths >> 31 != 0 ? most : 0; *taken >= 31; --*taken) {
        int32_t id = yo_vocab_find(vocab, text, *taken);
        if (id >= 0)
            return id;
    }
    lengths &= most < 31 ? ((uint32_t)2 << most) - 1 : 0x7FFFFFFFu;
    while (lengths != 0) {
        *taken = 31 - (size_t)__builtin_clz(lengths);
        int32_t id = yo_vocab_find(vocab, text, *taken);
        if (id >= 0)
            return id;
        lengths ^= (uint32_t)1 << *taken;
    }
    for (*taken = length < START ? length : START - 1; *taken > 0; --*taken) {
        int32_t id = -1;
        if (own->lengths[lengths_at(text, *taken)] >> *taken & 1)
            id = yo_vocab_find(vocab, text, *taken);
        if (id >= 0)
            return id;
    }
    return -1;
}

/* The longest token that goes on with a word. */
static int32_t longest_next(const yo_vocab *vocab, const wordpiece *own, const uint8_t *text,
                            size_t length, size_t *taken)
{
    int32_t entry = yo_trie_longest(&own->next, text, length, taken);
    return entry >= 0 ? vocab->entries[entry].id : -1;
}

static yoso_status wordpiece_tokenize(const yo_model *model, yo_scratch *scratch,
                                      const uint8_t *piece, size_t length, yo_tokens *tokens)
{
    (void)scratch;
    const wordpiece *own = model->own;
    size_t before = tokens->count, taken = 0;
    bool failed = length > own->max_chars && yo_utf8_count(piece, length) > own->max_chars;
    for (size_t start = 0; !failed && start < length; start += taken) {
        int32_t id = (start == 0 ? longest_first : longest_next)(&model->vocab, own, piece + start,
                                                                 length - start, &taken);
        failed = id < 0;
        if (!failed)
            YO_TRY(yo_tokens_add(tokens, id, start, start + taken, false));
    }
    if (!failed)
        return YOSO_OK;
    tokens->count = before;
    if (model->unk_id < 0)
        return yo_fail(YOSO_FORMAT, "encode: the unknown token \"%s\" is not in the vocabulary",
                       model->unk);
    return yo_tokens_add(tokens, model->unk_id, 0, length, false);
}

static yoso_status wordpiece_write(const yo_model *model, yo_bytes *out)
{
    const wordpiece *own = model->own;
    char limit[64];
    snprintf(limit, sizeof limit, ",\"max_input_chars_per_word\":%zu,", own->max_chars);
    YO_TRY(yo_bytes_text(out, "{\"type\":\"WordPiece\",\"unk_token\":"));
    YO_TRY(yo_json_write_string(out, model->unk, own->unk_length));
    YO_TRY(yo_bytes_text(out, ",\"continuing_subword_prefix\":"));
    YO_TRY(yo_json_write_string(out, own->prefix, own->prefix_length));
    YO_TRY(yo_bytes_text(out, limit));
    YO_TRY(yo_model_write_vocab(model, out));
    return yo_bytes_text(out, "}");
}

const yo_model_kind yo_model_wordpiece = {"WordPiece", wordpiece_load, wordpiece_release,
                                          wordpiece_tokenize, wordpiece_write};
