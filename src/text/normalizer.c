/* From JSON to a list of normalizers, and running it: see normalizer.h. */
#include "text/normalizer.h"

#include <stdlib.h>

#include "text/charsmap.h"
#include "text/pattern.h"
#include "text/trie.h"

static yoso_status load_bert(yo_normalizer *n, const char *where, const yo_json *json)
{
    n->clean = n->chinese = n->lower = true;
    YO_TRY(yo_json_bool(json, where, "clean_text", &n->clean));
    YO_TRY(yo_json_bool(json, where, "handle_chinese_chars", &n->chinese));
    YO_TRY(yo_json_bool(json, where, "lowercase", &n->lower));
    n->accents = n->lower; /* what null means */
    return yo_json_bool(json, where, "strip_accents", &n->accents);
}

static yoso_status load_strip(yo_normalizer *n, const char *where, const yo_json *json)
{
    n->left = n->right = true;
    YO_TRY(yo_json_bool(json, where, "strip_left", &n->left));
    return yo_json_bool(json, where, "strip_right", &n->right);
}

static yoso_status load_content(yo_normalizer *n, const char *where, const yo_json *json,
                                const char *key)
{
    const yo_json *text;
    YO_TRY(yo_json_need(json, where, key, YO_JSON_STRING, &text));
    n->content_length = text->count;
    n->content = malloc(text->count + 1);
    if (n->content == NULL)
        return yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    memcpy(n->content, text->as.text, text->count);
    n->content[text->count] = '\0';
    return YOSO_OK;
}

static yoso_status load_prepend(yo_normalizer *n, const char *where, const yo_json *json)
{
    return load_content(n, where, json, "prepend");
}

static yoso_status load_replace(yo_normalizer *n, const char *where, const yo_json *json)
{
    YO_TRY(load_content(n, where, json, "content"));
    YO_TRY(yo_pattern_load(&n->pattern, where, yo_json_get(json, "pattern")));
    size_t length;
    const char *literal = yo_pattern_literal(n->pattern, &length),
               *regex = yo_pattern_regex(n->pattern);
    /* What is put in must not be lost in, or touch, the spaces around it. */
    bool solid = n->content_length > 0;
    for (size_t i = 0; i < n->content_length; i++)
        solid = solid && n->content[i] > 0x20 && n->content[i] < 0x7F;
    n->local = literal != NULL ? solid && length > 0 && memchr(literal, ' ', length) == NULL
                               : strcmp(regex, " {2,}") == 0 && strcmp(n->content, " ") == 0;
    return YOSO_OK;
}

static yoso_status load_precompiled(yo_normalizer *n, const char *where, const yo_json *json)
{
    const yo_json *map;
    YO_TRY(yo_json_need(json, where, "precompiled_charsmap", YO_JSON_STRING, &map));
    YO_TRY(yo_charsmap_decode(&n->charsmap, map->as.text, map->count));
    n->local = true;
    for (int c = ' '; c < 0x7F; c++)
        n->local = n->local && n->charsmap->plain[c];
    return YOSO_OK;
}

static yoso_status load_sentencepiece(yo_normalizer *n, const char *where, const yo_json *json)
{
    const char *map;
    size_t length;
    const yo_json *symbols = yo_json_get(json, "symbols");
    n->left = n->right = true;
    YO_TRY(yo_json_bool(json, where, "add_dummy_prefix", &n->left));
    YO_TRY(yo_json_bool(json, where, "remove_extra_whitespaces", &n->right));
    YO_TRY(yo_json_string(json, where, "precompiled_charsmap", &map, &length));
    if (map != NULL)
        YO_TRY(yo_charsmap_decode(&n->charsmap, map, length));
    return symbols != NULL ? yo_trie_load(&n->symbols, where, symbols) : YOSO_OK;
}

static yoso_status load_nfd(yo_normalizer *n, const char *where, const yo_json *json)
{
    (void)where;
    const yo_json *type = yo_json_get(json, "type");
    n->compatibility = memchr(type->as.text, 'K', type->count) != NULL;
    n->composed = type->as.text[type->count - 1] == 'C';
    return YOSO_OK;
}

static const struct {
    const char *type;
    yo_normalize_function *run;
    yoso_status (*load)(yo_normalizer *normalizer, const char *where, const yo_json *json);
    bool local;
    yo_normalize_idle *idle;
} kinds[] = {
    {"BertNormalizer", yo_normalize_bert, load_bert, true, NULL},
    {"NFC", yo_normalize_form, load_nfd, true, yo_idle_form},
    {"NFD", yo_normalize_form, load_nfd, true, yo_idle_form},
    {"NFKC", yo_normalize_form, load_nfd, true, yo_idle_form},
    {"NFKD", yo_normalize_form, load_nfd, true, yo_idle_form},
    {"Lowercase", yo_normalize_lowercase, NULL, true, yo_idle_lowercase},
    {"StripAccents", yo_normalize_strip_accents, NULL, true, yo_idle_strip_accents},
    {"Strip", yo_normalize_strip, load_strip, false, NULL},
    {"Nmt", yo_normalize_nmt, NULL, true, yo_idle_nmt},
    {"Prepend", yo_normalize_prepend, load_prepend, false, NULL},
    {"Replace", yo_normalize_replace, load_replace, false, yo_idle_replace},
    {"Precompiled", yo_normalize_precompiled, load_precompiled, false, yo_idle_precompiled},
    {"ByteLevel", yo_normalize_bytes, NULL, false, NULL},
    {"SentencePiece", yo_normalize_sentencepiece, load_sentencepiece, false, NULL},
};

yoso_status yo_normalizers_load(yo_normalizers *normalizers, const yo_json *json)
{
    if (json == NULL)
        return YOSO_OK;
    const yo_json *type;
    YO_TRY(yo_json_need(json, "normalizer", "type", YO_JSON_STRING, &type));
    if (yo_json_is(type, "Sequence")) {
        const yo_json *list;
        YO_TRY(yo_json_need(json, "normalizer: Sequence", "normalizers", YO_JSON_ARRAY, &list));
        const yo_json *item = list + 1;
        for (uint32_t i = 0; i < list->count; i++, item = yo_json_next(item))
            YO_TRY(yo_normalizers_load(normalizers, item));
        return YOSO_OK;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!yo_json_is(type, kinds[k].type))
            continue;
        char where[64];
        YO_TRY(yo_grow((void **)&normalizers->list, &normalizers->capacity, normalizers->count + 1,
                       sizeof *normalizers->list));
        yo_normalizer *n = &normalizers->list[normalizers->count++];
        *n = (yo_normalizer){.run = kinds[k].run, .local = kinds[k].local, .idle = kinds[k].idle};
        size_t length = strlen(kinds[k].type);
        memcpy(where, "normalizer: ", 12);
        memcpy(where + 12, kinds[k].type, length + 1);
        return kinds[k].load != NULL ? kinds[k].load(n, where, json) : YOSO_OK;
    }
    return yo_fail(YOSO_FORMAT, "normalizer: unknown type \"%.*s\"",
                   (int)(type->count < 80 ? type->count : 80), type->as.text);
}

void yo_normalizers_free(yo_normalizers *normalizers)
{
    for (size_t i = 0; i < normalizers->count; i++) {
        free(normalizers->list[i].content);
        yo_pattern_free(normalizers->list[i].pattern);
        yo_charsmap_free(normalizers->list[i].charsmap);
        yo_trie_delete(normalizers->list[i].symbols);
    }
    free(normalizers->list);
    *normalizers = (yo_normalizers){0};
}

yoso_status yo_normalize(const yo_normalizers *normalizers, const yo_view_text *in, uint32_t from,
                         yo_aligned work[2], yo_aligned *out)
{
    yo_view_text text = *in;
    size_t runs = 0;
    for (size_t i = 0; i < normalizers->count; i++) {
        const yo_normalizer *n = &normalizers->list[i];
        if (n->idle != NULL && n->idle(n, &text))
            continue;
        if (i + 1 == normalizers->count)
            return n->run(n, &text, from, out);
        yo_aligned *next = &work[runs++ % 2];
        yo_aligned_clear(next, out->tracked);
        YO_TRY(n->run(n, &text, from, next));
        text = yo_aligned_view(next);
    }
    return yo_aligned_keep(out, &text, 0, text.length);
}
