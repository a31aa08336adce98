/* Choosing the model by its type, and what the kinds share. */
#include "text/model.h"

#include <stdio.h>
#include <stdlib.h>

void yo_scratch_free(yo_scratch *scratch)
{
    yo_bytes_free(&scratch->bytes);
    free(scratch->symbols);
    free(scratch->heap);
    free(scratch->lattice);
    *scratch = (yo_scratch){0};
}

/* Files of old versions name no type: the members tell. */
static const yo_model_kind *guess(const yo_json *json)
{
    if (yo_json_get(json, "merges") != NULL)
        return &yo_model_bpe;
    if (yo_json_get(json, "max_input_chars_per_word") != NULL)
        return &yo_model_wordpiece;
    const yo_json *vocab = yo_json_get(json, "vocab");
    if (vocab != NULL && vocab->kind == YO_JSON_ARRAY)
        return &yo_model_unigram;
    return &yo_model_wordlevel;
}

yoso_status yo_model_load(yo_model *model, const yo_json *json)
{
    static const yo_model_kind *const kinds[] = {&yo_model_bpe, &yo_model_wordpiece,
                                                 &yo_model_unigram, &yo_model_wordlevel};
    const yo_json *type = yo_json_get(json, "type");
    *model = (yo_model){.unk_id = -1};
    if (json == NULL || json->kind != YO_JSON_OBJECT)
        return yo_fail(YOSO_FORMAT, "model is %s, must be an object", yo_json_kind_name(json));
    if (type == NULL)
        model->kind = guess(json);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && model->kind == NULL; i++) {
        if (yo_json_is(type, kinds[i]->name))
            model->kind = kinds[i];
    }
    if (model->kind == NULL) {
        bool text = type->kind == YO_JSON_STRING;
        return yo_fail(YOSO_FORMAT,
                       "model: unknown type %.*s; there are BPE, WordPiece, Unigram "
                       "and WordLevel",
                       text ? (int)type->count : 12, text ? type->as.text : "(no string)");
    }
    YO_TRY(model->kind->load(model, json));
    if (model->vocab_size == 0)
        model->vocab_size = model->vocab.count;
    return yo_vocab_finish(&model->vocab);
}

void yo_model_free(yo_model *model)
{
    if (model->kind != NULL)
        model->kind->release(model);
    yo_vocab_free(&model->vocab);
    *model = (yo_model){0};
}

yoso_status yo_model_load_vocab(yo_model *model, const yo_json *json)
{
    const yo_json *vocab;
    YO_TRY(yo_json_need(json, "model", "vocab", YO_JSON_OBJECT, &vocab));
    YO_TRY(yo_vocab_reserve(&model->vocab, vocab->count));
    const yo_json *key = vocab + 1;
    for (uint32_t i = 0; i < vocab->count; i++, key = yo_json_next(key + 1)) {
        const yo_json *id = key + 1;
        if (id->kind != YO_JSON_NUMBER || id->as.number < 0 || id->as.number > INT32_MAX ||
            id->as.number != (double)(int32_t)id->as.number)
            return yo_fail(YOSO_FORMAT, "model: vocab: the id of \"%.*s\" is not a whole number",
                           (int)(key->count < 80 ? key->count : 80), key->as.text);
        YO_TRY(yo_vocab_append(&model->vocab, key->as.text, key->count, (int32_t)id->as.number));
    }
    return yo_vocab_index(&model->vocab);
}

yoso_status yo_model_write_vocab(const yo_model *model, yo_bytes *out)
{
    uint32_t *order;
    YO_TRY(yo_vocab_sorted(&model->vocab, &order));
    yoso_status status = yo_bytes_text(out, "\"vocab\":{");
    for (size_t i = 0; i < model->vocab.count && status == YOSO_OK; i++) {
        const yo_vocab_entry *entry = &model->vocab.entries[order[i]];
        char id[16];
        snprintf(id, sizeof id, ":%d", entry->id);
        if (i > 0)
            status = yo_bytes_text(out, ",");
        if (status == YOSO_OK)
            status = yo_json_write_string(out, (const char *)model->vocab.text.data + entry->start,
                                          entry->length);
        if (status == YOSO_OK)
            status = yo_bytes_text(out, id);
    }
    free(order);
    return status == YOSO_OK ? yo_bytes_text(out, "}") : status;
}
