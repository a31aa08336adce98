/* From JSON to decoders, and running them: see decoder.h. */
#include "text/decoder.h"

#include <stdio.h>
#include <stdlib.h>

#include "text/pattern.h"
#include "text/trie.h"
#include "text/utf8.h"

yoso_status yo_texts_close(yo_texts *texts)
{
    if (texts->count == texts->room)
        YO_TRY(yo_grow((void **)&texts->ends, &texts->room, texts->count + 1, sizeof *texts->ends));
    texts->ends[texts->count++] = texts->bytes.length;
    return YOSO_OK;
}

void yo_texts_free(yo_texts *texts)
{
    yo_bytes_free(&texts->bytes);
    free(texts->ends);
    *texts = (yo_texts){0};
}

static yoso_status load_text(yo_decoder *d, int which, const char *where, const yo_json *json,
                             const char *key, const char *otherwise)
{
    const char *text;
    size_t length;
    YO_TRY(yo_json_string(json, where, key, &text, &length));
    if (text == NULL) {
        text = otherwise;
        length = strlen(otherwise);
    }
    d->text[which] = malloc(length + 1);
    if (d->text[which] == NULL)
        return yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    memcpy(d->text[which], text, length);
    d->text[which][length] = '\0';
    d->length[which] = length;
    return YOSO_OK;
}

static yoso_status load_character(yo_decoder *d, const char *where, const char *key)
{
    uint32_t size = 0;
    if (d->length[0] > 0)
        d->character = yo_utf8_decode((const uint8_t *)d->text[0], &size);
    if (size == 0 || size != d->length[0])
        return yo_fail(YOSO_FORMAT, "%s: %s must be one character", where, key);
    return YOSO_OK;
}

static yoso_status load_wordpiece(yo_decoder *d, const char *where, const yo_json *json)
{
    d->cleanup = true;
    YO_TRY(load_text(d, 0, where, json, "prefix", "##"));
    return yo_json_bool(json, where, "cleanup", &d->cleanup);
}

static yoso_status load_metaspace(yo_decoder *d, const char *where, const yo_json *json)
{
    bool old = true;
    YO_TRY(load_text(d, 0, where, json, "replacement", "\xE2\x96\x81"));
    YO_TRY(load_character(d, where, "replacement"));
    YO_TRY(yo_json_bool(json, where, "add_prefix_space", &old));
    const yo_json *scheme = yo_json_get(json, "prepend_scheme");
    d->keep_first = scheme != NULL ? yo_json_is(scheme, "never") : !old;
    return YOSO_OK;
}

static yoso_status load_bpe(yo_decoder *d, const char *where, const yo_json *json)
{
    return load_text(d, 0, where, json, "suffix", "</w>");
}

static yoso_status load_ctc(yo_decoder *d, const char *where, const yo_json *json)
{
    d->cleanup = true;
    YO_TRY(load_text(d, 0, where, json, "pad_token", "<pad>"));
    YO_TRY(load_text(d, 1, where, json, "word_delimiter_token", "|"));
    return yo_json_bool(json, where, "cleanup", &d->cleanup);
}

static yoso_status load_strip(yo_decoder *d, const char *where, const yo_json *json)
{
    int64_t start = 0, stop = 0;
    YO_TRY(load_text(d, 0, where, json, "content", " "));
    YO_TRY(load_character(d, where, "content"));
    YO_TRY(yo_json_integer(json, where, "start", 0, INT32_MAX, &start));
    YO_TRY(yo_json_integer(json, where, "stop", 0, INT32_MAX, &stop));
    d->start = (size_t)start;
    d->stop = (size_t)stop;
    return YOSO_OK;
}

static yoso_status load_replace(yo_decoder *d, const char *where, const yo_json *json)
{
    const yo_json *content;
    YO_TRY(yo_json_need(json, where, "content", YO_JSON_STRING, &content));
    YO_TRY(load_text(d, 0, where, json, "content", ""));
    return yo_pattern_load(&d->pattern, where, yo_json_get(json, "pattern"));
}

static yoso_status load_sentencepiece(yo_decoder *d, const char *where, const yo_json *json)
{
    const yo_json *control = yo_json_get(json, "control"), *strip = yo_json_get(json, "strip");
    YO_TRY(load_text(d, 0, where, json, "unknown", ""));
    YO_TRY(load_text(d, 1, where, json, "surface", ""));
    d->start = yo_json_is(strip, "all") ? 2 : yo_json_is(strip, "one");
    return control != NULL ? yo_trie_load(&d->control, where, control) : YOSO_OK;
}

static const struct {
    const char *type;
    yo_decode_function *run;
    yoso_status (*load)(yo_decoder *decoder, const char *where, const yo_json *json);
} kinds[] = {
    {"ByteLevel", yo_decode_byte_level, NULL},
    {"WordPiece", yo_decode_wordpiece, load_wordpiece},
    {"Metaspace", yo_decode_metaspace, load_metaspace},
    {"BPEDecoder", yo_decode_bpe, load_bpe},
    {"CTC", yo_decode_ctc, load_ctc},
    {"ByteFallback", yo_decode_byte_fallback, NULL},
    {"Fuse", yo_decode_fuse, NULL},
    {"Strip", yo_decode_strip, load_strip},
    {"Replace", yo_decode_replace, load_replace},
    {"SentencePiece", yo_decode_sentencepiece, load_sentencepiece},
};

yoso_status yo_decoders_load(yo_decoders *decoders, const yo_json *json)
{
    if (json == NULL) {
        decoders->none = decoders->count == 0;
        return YOSO_OK;
    }
    const yo_json *type;
    YO_TRY(yo_json_need(json, "decoder", "type", YO_JSON_STRING, &type));
    if (yo_json_is(type, "Sequence")) {
        const yo_json *list;
        YO_TRY(yo_json_need(json, "decoder: Sequence", "decoders", YO_JSON_ARRAY, &list));
        const yo_json *item = list + 1;
        for (uint32_t i = 0; i < list->count; i++, item = yo_json_next(item))
            YO_TRY(yo_decoders_load(decoders, item));
        return YOSO_OK;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!yo_json_is(type, kinds[k].type))
            continue;
        char where[64];
        YO_TRY(yo_grow((void **)&decoders->list, &decoders->capacity, decoders->count + 1,
                       sizeof *decoders->list));
        yo_decoder *d = &decoders->list[decoders->count++];
        *d = (yo_decoder){.run = kinds[k].run};
        snprintf(where, sizeof where, "decoder: %s", kinds[k].type);
        return kinds[k].load != NULL ? kinds[k].load(d, where, json) : YOSO_OK;
    }
    return yo_fail(YOSO_FORMAT, "decoder: unknown type \"%.*s\"",
                   (int)(type->count < 80 ? type->count : 80), type->as.text);
}

void yo_decoders_free(yo_decoders *decoders)
{
    for (size_t i = 0; i < decoders->count; i++) {
        free(decoders->list[i].text[0]);
        free(decoders->list[i].text[1]);
        yo_pattern_free(decoders->list[i].pattern);
        yo_trie_delete(decoders->list[i].control);
    }
    free(decoders->list);
    *decoders = (yo_decoders){0};
}

yoso_status yo_decode(const yo_decoders *decoders, yo_texts *tokens, yo_bytes *out)
{
    YO_TRY(yo_bytes_reserve(&tokens->bytes, 1)); /* places in it are then never null */
    if (decoders->none) {
        for (size_t i = 0; i < tokens->count; i++) {
            size_t start = yo_texts_start(tokens, i);
            if (i > 0)
                YO_TRY(yo_bytes_text(out, " "));
            YO_TRY(yo_bytes_append(out, tokens->bytes.data + start, tokens->ends[i] - start));
        }
        return YOSO_OK;
    }
    yo_texts next = {0};
    yoso_status status = yo_bytes_reserve(&next.bytes, 1);
    for (size_t i = 0; i < decoders->count && status == YOSO_OK; i++) {
        next.bytes.length = next.count = 0;
        status = decoders->list[i].run(&decoders->list[i], tokens, &next);
        yo_texts swap = *tokens;
        *tokens = next;
        next = swap;
    }
    yo_texts_free(&next);
    return status == YOSO_OK ? yo_bytes_append(out, tokens->bytes.data, tokens->bytes.length)
                             : status;
}
