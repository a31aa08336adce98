/* The WordPiece model: greedy longest match, and one unknown token for a word that fails. */
#include <stdio.h>
#include <stdlib.h>

#include "text/model.h"
#include "text/utf8.h"

typedef struct wordpiece {
    char *prefix;
    size_t prefix_length;
    size_t unk_length;
    size_t max_chars;
    size_t longest; /* bytes of the longest token: no longer match is tried */
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
    for (size_t e = 0; e < model->vocab.count; e++) {
        if (model->vocab.entries[e].length > own->longest)
            own->longest = model->vocab.entries[e].length;
    }
    return YOSO_OK;
}

static void wordpiece_release(yo_model *model)
{
    wordpiece *own = model->own;
    free((char *)model->unk);
    if (own != NULL)
        free(own->prefix);
    free(own);
}

static yoso_status wordpiece_tokenize(const yo_model *model, yo_scratch *scratch,
                                      const uint8_t *piece, size_t length, yo_tokens *tokens)
{
    const wordpiece *own = model->own;
    size_t before = tokens->count, start = 0;
    bool failed = length > own->max_chars && yo_utf8_count(piece, length) > own->max_chars;
    while (!failed && start < length) {
        /* The rest of the word, after the prefix where it does not begin the word. */
        size_t skip = start > 0 ? own->prefix_length : 0, room = own->longest;
        size_t end =
            length - start + skip < room ? length : start + (room > skip ? room - skip : 0);
        const uint8_t *text = piece + start;
        if (skip > 0) {
            scratch->bytes.length = 0;
            YO_TRY(yo_bytes_append(&scratch->bytes, own->prefix, skip));
            YO_TRY(yo_bytes_append(&scratch->bytes, piece + start, end - start));
            text = scratch->bytes.data;
        }
        int32_t id = -1;
        while (end > start) {
            if (end == length || !yo_utf8_continues(piece[end])) {
                id = yo_vocab_find(&model->vocab, text, skip + end - start);
                if (id >= 0)
                    break;
            }
            end--;
        }
        failed = id < 0;
        if (!failed)
            YO_TRY(yo_tokens_add(tokens, id, start, end, false));
        start = end;
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
