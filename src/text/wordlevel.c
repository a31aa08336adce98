/* The WordLevel model: a piece is a token or unknown. */
#include <stdlib.h>

#include "text/model.h"

static yoso_status wordlevel_load(yo_model *model, const yo_json *json)
{
    const char *text;
    size_t length;
    YO_TRY(yo_model_load_vocab(model, json));
    YO_TRY(yo_json_string(json, "model", "unk_token", &text, &length));
    if (text == NULL) {
        text = "<unk>";
        length = 5;
    }
    char *unk = malloc(length + 1);
    if (unk == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    memcpy(unk, text, length);
    unk[length] = '\0';
    model->unk = unk;
    model->unk_id = yo_vocab_find(&model->vocab, text, length);
    return YOSO_OK;
}

static void wordlevel_release(yo_model *model)
{
    free((char *)model->unk);
}

static yoso_status wordlevel_tokenize(const yo_model *model, yo_scratch *scratch,
                                      const uint8_t *piece, size_t length, yo_tokens *tokens)
{
    (void)scratch;
    int32_t id = yo_vocab_find(&model->vocab, piece, length);
    if (id < 0)
        id = model->unk_id;
    if (id < 0)
        return yo_fail(YOSO_FORMAT, "encode: the unknown token \"%s\" is not in the vocabulary",
                       model->unk);
    return yo_tokens_add(tokens, id, 0, length, false);
}

static yoso_status wordlevel_write(const yo_model *model, yo_bytes *out)
{
    YO_TRY(yo_bytes_text(out, "{\"type\":\"WordLevel\","));
    YO_TRY(yo_model_write_vocab(model, out));
    YO_TRY(yo_bytes_text(out, ",\"unk_token\":"));
    YO_TRY(yo_json_write_string(out, model->unk, strlen(model->unk)));
    return yo_bytes_text(out, "}");
}

const yo_model_kind yo_model_wordlevel = {"WordLevel", wordlevel_load, wordlevel_release,
                                          wordlevel_tokenize, wordlevel_write};
